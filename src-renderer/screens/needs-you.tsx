// What waits for the person.
// owns: gathering it in one list. never: deciding. always true: each item says what it is about and offers what to do.

import { Link } from '@tanstack/react-router'
import { CheckCheck } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import type { ConsentRequest, Notice } from '../../server/contract/records.ts'
import { getMeta, type Pending, setMeta } from '../db.ts'
import { dropEdit, enqueue } from '../db-outbox.ts'
import type { View } from '../fold.ts'
import { cleanName, limitWords, money, short } from '../format.ts'
import { useBalance, useEdits, useNotices } from '../live.ts'
import { readModels } from '../model-list.ts'
import { left, nearlyReached, tightest } from '../pace.ts'
import { Say } from '../say.tsx'
import { fromServer } from '../server-words.ts'
import { useWallet } from '../session.ts'
import { CardTitle, Money } from '../ui/bits.tsx'
import { Button, buttonLook } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { RequestForm, type Terms } from '../ui/request-form.tsx'
import { say } from '../words.ts'
import { ApprovalItem } from './approval-item.tsx'
import { useDebt } from './debt.tsx'
import { editWords } from './edit-words.ts'
import { GuardItem, useGuarded } from './guard-item.tsx'

export function NeedsYou({ view, now }: { view: View | undefined; now: number }) {
  const [asking, setAsking] = useState<ConsentRequest | null>(null)
  const notices = useNotices() ?? []
  const refused = useEdits()?.filter((e) => e.state === 'refused' && e.name !== 'notice.dismiss') ?? []
  const requests = view?.requests.filter((r) => Date.parse(r.expires_at) > now) ?? []
  const tight = useTight(view)
  const low = useLowBalance(view)
  const debt = useDebt()
  const approvals = view?.approvals ?? []
  const guarded = useGuarded(view)
  const quiet =
    guarded.length + approvals.length + requests.length + refused.length + tight.length + notices.length + debt === 0 &&
    low === null
  return (
    <section className="card min-w-0 p-5" aria-label={say('Needs you')}>
      <CardTitle>{say('Needs you')}</CardTitle>
      {quiet ? (
        <p className="flex items-center gap-2 py-2 text-sm text-muted">
          <CheckCheck className="size-4 text-accent" aria-hidden /> {say('Nothing. You are all set.')}
        </p>
      ) : (
        <ul className="divide-y divide-line">
          {approvals.map((a) => (
            <ApprovalItem key={a.uid} approval={a} />
          ))}
          {guarded.map((g) => (
            <GuardItem key={g.connection.id} {...g} />
          ))}
          {requests.map((r) => (
            <RequestItem key={r.uid} request={r} onAnswer={() => setAsking(r)} />
          ))}
          {refused.map((e) => (
            <Refused key={e.n} edit={e} view={view} />
          ))}
          {tight.map(({ id, words }) => (
            <Item key={id} action={<GoTo to="/apps">{say('Change limit')}</GoTo>}>
              {words}
            </Item>
          ))}
          {debt > 0 && (
            <Item action={<GoTo to="/add-money">{say('Settle it')}</GoTo>}>
              <Say words="You owe {sum}. Apps cannot spend until it is settled." sum={<Money micros={debt} />} />
            </Item>
          )}
          {low !== null && debt === 0 && (
            <Item action={<GoTo to="/add-money">{say('Add money')}</GoTo>}>
              <Say words="Only {sum} is left. Apps stop when it is used up." sum={<Money micros={low} />} />
            </Item>
          )}
          {notices.map((n) => (
            <NoticeItem key={n.id} notice={n} />
          ))}
        </ul>
      )}
      {asking && <AnswerDialog request={asking} view={view} onClose={() => setAsking(null)} />}
    </section>
  )
}

const LOW_BALANCE = 1_000_000

/** What is available, when that is little and some app may spend; else null. */
function useLowBalance(view: View | undefined): number | null {
  const balance = useBalance()
  const spends = view?.connections.some((c) => c.status === 'active')
  return spends && balance && balance.available < LOW_BALANCE ? balance.available : null
}

function useTight(view: View | undefined): { id: string; words: string }[] {
  const active = view?.connections.filter((c) => c.status === 'active') ?? []
  return active.flatMap((c) => {
    const cap = tightest(c.caps)
    if (!cap || !nearlyReached(cap)) return []
    const name = cleanName(c.name ?? c.app.name)
    const rest = left(cap)
    const words =
      rest === 0
        ? say('{app} has reached its limit of {limit}.', { app: name, limit: short(cap.amount) })
        : say('{app} has {rest} left of {limit}.', { app: name, rest: money(rest), limit: short(cap.amount) })
    return [{ id: c.id, words }]
  })
}

export function Item({ children, action }: { children: ReactNode; action: ReactNode }) {
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-3 gap-y-2 py-2.5 text-sm first:pt-0 last:pb-0">
      <span className="min-w-0 flex-1 basis-28">{children}</span>
      {action}
    </li>
  )
}

const GoTo = ({ to, children }: { to: '/apps' | '/add-money'; children: ReactNode }) => (
  <Link to={to} className={`${buttonLook()} h-8`}>
    {children}
  </Link>
)

function RequestItem({ request, onAnswer }: { request: ConsentRequest; onAnswer: () => void }) {
  const action = (
    <Button look="main" className="h-8" onClick={onAnswer}>
      {say('Answer')}
    </Button>
  )
  const app = (
    <strong className="font-medium">
      <bdi>{cleanName(request.client.name)}</bdi>
    </strong>
  )
  return (
    <Item action={action}>
      {request.requested_cap ? (
        <Say words="{app} asks to spend up to {limit}." app={app} limit={limitWords(request.requested_cap)} />
      ) : (
        <Say words="{app} asks to spend." app={app} />
      )}
    </Item>
  )
}

/** The same question as on the consent page; the answer goes through the outbox. */
type Asking = { request: ConsentRequest; view: View | undefined; onClose: () => void }

function AnswerDialog({ request, view, onClose }: Asking) {
  const { api, db } = useWallet()
  const current = view?.connections.find((c) => c.app.id === request.client.id) ?? null
  const over = view !== undefined && !view.requests.some((r) => r.uid === request.uid)
  const answer = async (args: { decision: 'approve' | 'deny' } & Partial<Terms>) => {
    onClose()
    await enqueue(db, 'request.answer', { uid: request.uid, ...args })
  }
  return (
    <Dialog title={say('Request')} onClose={onClose}>
      {over ? (
        <p role="status" className="py-4 text-sm text-muted">
          {say('This request is over: it was answered elsewhere, or its time ran out.')}
        </p>
      ) : (
        <RequestForm
          request={request}
          current={current}
          side="wallet"
          busy={false}
          heading="h3"
          loadModels={async () => readModels(await api.get('/v1/models'))}
          onAllow={(terms) => answer({ decision: 'approve', ...terms })}
          onDeny={() => answer({ decision: 'deny' })}
        />
      )}
    </Dialog>
  )
}

function NoticeItem({ notice }: { notice: Notice }) {
  const { db } = useWallet()
  const dismiss = async () => {
    const ids = (await getMeta(db, 'dismissed'))?.ids ?? []
    await setMeta(db, 'dismissed', { ids: [...ids.slice(-500), notice.id] })
    // Put away here at once, and on the person's other devices when the server has heard of it.
    await enqueue(db, 'notice.dismiss', { id: notice.id })
  }
  const action = (
    <Button look="quiet" className="-me-3 h-8" onClick={dismiss}>
      {say('Dismiss')}
    </Button>
  )
  return <Item action={action}>{fromServer(notice.text)}</Item>
}

/** A change the server did not take, with its reason; it can be made again against what is true now. */
export function Refused({ edit, view }: { edit: Pending; view: View | undefined }) {
  const { db } = useWallet()
  const { n } = edit
  const action = (
    <Button look="quiet" className="-me-3 h-8" onClick={() => n !== undefined && dropEdit(db, n)}>
      {say('Dismiss')}
    </Button>
  )
  return (
    <Item action={action}>
      <span role="alert">
        <strong className="font-medium text-bad">{say('Not done:')}</strong> {editWords(edit, view)}. {reason(edit)}
      </span>
    </Item>
  )
}

function reason(edit: Pending): string {
  if (edit.code === 'version_conflict') {
    return say('It was changed on another device meanwhile; look at it again before you change it.')
  }
  return edit.message ?? say('The server refused it.')
}
