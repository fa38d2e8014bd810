// Telling a person at once that something waits for them.
// owns: notifications of requests, of calls to approve and of notices; the line above every other screen. never: an answer.
// always true: each is told once on a device, however many tabs or reloads there are; what is old is not told as new.

import { Link, useLocation } from '@tanstack/react-router'
import { BellRing } from 'lucide-react'
import { useEffect } from 'react'
import type { Approval, ConsentRequest, Notice } from '../server/contract/records.ts'
import { getMeta, setMeta, type WalletDb } from './db.ts'
import { atMost, cleanName } from './format.ts'
import { useNotices, useView } from './live.ts'
import { useWallet } from './session.ts'
import { shell } from './shell/shell.ts'
import { buttonLook } from './ui/button.tsx'

/** A notice of before the wallet was opened is shown on Home; it is no news. */
const NEWS_MS = 10 * 60_000

type Alert = { id: string; title: string; body: string }

export function Alerts() {
  const { db } = useWallet()
  const view = useView()
  const notices = useNotices()
  const { pathname } = useLocation()
  const requests = view?.requests.filter((r) => Date.parse(r.expires_at) > Date.now()) ?? []
  const approvals = view?.approvals ?? []
  const fresh = (notices ?? []).filter((n) => Date.parse(n.at) > Date.now() - NEWS_MS)
  const alerts = [...approvals.map(ofApproval), ...requests.map(ofRequest), ...fresh.map(ofNotice)]
  const key = alerts.map(({ id }) => id).join(' ')
  // biome-ignore lint/correctness/useExhaustiveDependencies: the ids say everything that is new
  useEffect(() => {
    for (const { id, title, body } of alerts) {
      void claimAlert(db, id).then((mine) => (mine ? shell.notify({ title, body }) : undefined))
    }
  }, [db, key])
  const [first, ...rest] = [...approvals.map(ofApproval), ...requests.map(ofRequest)]
  if (!first || pathname === '/') return null
  return (
    <div role="status" className="flex flex-wrap items-center gap-x-3 gap-y-2 rounded-lg bg-soft px-4 py-2.5 text-sm">
      <BellRing className="size-4 shrink-0 text-accent" aria-hidden />
      <p className="min-w-0 flex-1 basis-52">
        {first.body}
        {rest.length > 0 && <span className="text-muted"> And {rest.length} more.</span>}
      </p>
      <Link to="/" className={`${buttonLook('main')} h-8`}>
        Look at it
      </Link>
    </div>
  )
}

const ofApproval = ({ uid, app, model, amount }: Approval): Alert => ({
  id: uid,
  title: 'A call waits for you',
  body: `${cleanName(app.name)} asks for one call of ${cleanName(model)}, for at most ${atMost(amount)}.`,
})

const ofRequest = ({ uid, client, match }: ConsentRequest): Alert => ({
  id: uid,
  title: 'An app asks to be connected',
  body: `${cleanName(client.name)}${client.verified_domain ? '' : ' (unverified)'} asks to be connected${match ? `; its page shows ${match}` : ''}.`,
})

const ofNotice = ({ id, text }: Notice): Alert => ({ id, title: 'Quota Wallet', body: text.slice(0, 300) })

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
