// Telling a person at once that something waits for them.
// owns: notifications of requests, of calls to approve and of notices; the line above every other screen. never: an answer.
// always true: each is told once on a device, however many tabs or reloads there are; what is old is not told as new.

import { Link, useLocation } from '@tanstack/react-router'
import { BellRing } from 'lucide-react'
import { useEffect } from 'react'
import type { Approval, Connection, ConsentRequest, Notice, Topup } from '../server/contract/records.ts'
import type { Notified } from '../server/contract/shell.ts'
import { serverNow } from './clock.ts'
import { type Guarded, getMeta, setMeta, type WalletDb } from './db.ts'
import { atMost, cleanName, money } from './format.ts'
import { useMeta, useNotices, useTopups, useView } from './live.ts'
import { fromServer } from './server-words.ts'
import { useWallet } from './session.ts'
import { shell } from './shell/shell.ts'
import { useStanding } from './standing.ts'
import { Banner } from './ui/bits.tsx'
import { buttonLook } from './ui/button.tsx'
import { say } from './words.ts'

/** A notice of before the wallet was opened is shown on Home; it is no news. */
const NEWS_MS = 10 * 60_000

/** `subject` is what a click leads to: a request, a call to approve, a connection or a top-up. */
type Alert = { id: string; kind: Notified; subject: string | null; title: string; body: string }

export function Alerts() {
  const { db } = useWallet()
  const view = useView()
  const notices = useNotices()
  const { pathname } = useLocation()
  const requests = view?.requests.filter((r) => Date.parse(r.expires_at) > serverNow()) ?? []
  const approvals = view?.approvals ?? []
  const fresh = (notices ?? []).filter((n) => Date.parse(n.at) > serverNow() - NEWS_MS)
  const paid = (useTopups() ?? []).filter(
    (t) => t.status === 'paid' && Date.parse(t.paid_at ?? '') > serverNow() - NEWS_MS,
  )
  const pauses = (useMeta('guarded')?.pauses ?? []).filter(({ at }) => at > serverNow() - NEWS_MS)
  useStanding()
  const waiting = [...approvals.map(ofApproval), ...requests.map(ofRequest)]
  const paced = pauses.map((pause) => ofPause(pause, view?.connections ?? []))
  const alerts = [...waiting, ...paced, ...fresh.map(ofNotice), ...paid.map(ofTopup)]
  const quiet = useMeta('preferences')?.notify === false
  const key = quiet ? '' : alerts.map(({ id }) => id).join(' ')
  // biome-ignore lint/correctness/useExhaustiveDependencies: the ids say everything that is new
  useEffect(() => {
    for (const { id, ...alert } of key === '' ? [] : alerts) {
      void claimAlert(db, id).then((mine) => (mine ? shell.notify(alert) : undefined))
    }
  }, [db, key])
  const [first, ...rest] = waiting
  if (!first || pathname === '/') return null
  const look = (
    <Link to="/" className={`${buttonLook('main')} h-8`}>
      {say('Look at it')}
    </Link>
  )
  return (
    <Banner tone="news" icon={BellRing} action={look}>
      {first.body}
      {rest.length > 0 && <span className="text-muted"> {say('And {count} more.', { count: rest.length })}</span>}
    </Banner>
  )
}

const ofApproval = ({ uid, app, model, amount }: Approval): Alert => ({
  id: uid,
  kind: 'approval',
  subject: uid,
  title: say('A call waits for you'),
  body: say('{app} asks for one call of {model}, for at most {sum}.', {
    app: cleanName(app.name),
    model: cleanName(model),
    sum: atMost(amount),
  }),
})

const ofRequest = ({ uid, client, match }: ConsentRequest): Alert => ({
  id: uid,
  kind: 'request',
  subject: uid,
  title: say('An app asks to be connected'),
  body: asking(`${cleanName(client.name)}${client.verified_domain ? '' : ` ${say('(unverified)')}`}`, match),
})

const asking = (app: string, match: string | null | undefined): string =>
  match
    ? say('{app} asks to be connected; its page shows {match}.', { app, match })
    : say('{app} asks to be connected.', { app })

/** The server's notices that lead somewhere; any other is told plainly. */
const NOTICES: Record<string, { kind: Notified; title: string }> = {
  limit_80: { kind: 'limit-near', title: say('A limit is nearly reached') },
  limit_100: { kind: 'limit-reached', title: say('A limit is reached') },
}

function ofNotice({ id, kind, connection_id, text }: Notice): Alert {
  const known = NOTICES[kind] ?? { kind: 'other', title: say('Quota Wallet') }
  return { id, ...known, subject: connection_id, body: fromServer(text).slice(0, 300) }
}

/** The guard has paused an app that spent far more than it ever did. */
function ofPause({ id, at, spent }: Guarded['pauses'][0], connections: Connection[]): Alert {
  const connection = connections.find((c) => c.id === id)
  const name = connection ? cleanName(connection.name ?? connection.app.name) : say('An app')
  const body = say('{app} spent {sum} in ten minutes, more than on its busiest day. It was paused.', {
    app: name,
    sum: money(spent),
  })
  return { id: `pace-${id}-${at}`, kind: 'pace', subject: id, title: say('An unusual pace'), body }
}

const ofTopup = ({ id, balance_credits }: Topup): Alert => ({
  id: `paid-${id}`,
  kind: 'topup',
  subject: id,
  title: say('Money was added'),
  body: say('{sum} was added to your balance.', { sum: money(balance_credits) }),
})

const ALERTS_KEPT = 500

/** Whether telling the person of this is ours to do: true once on a device, for one of its tabs. */
async function claimAlert(db: WalletDb, id: string): Promise<boolean> {
  return db.transaction('rw', db.meta, async () => {
    const ids = (await getMeta(db, 'alerted'))?.ids ?? []
    if (ids.includes(id)) return false
    await setMeta(db, 'alerted', { ids: [...ids.slice(1 - ALERTS_KEPT), id] })
    return true
  })
}
