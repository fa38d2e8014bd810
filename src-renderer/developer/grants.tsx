// Grants: money of the developer's that users spend before their own.
// owns: the pool's figures, the list of grants. never: the giving (grants-give.tsx).
// always true: what was set aside is shown as spent, open and come back, which add up.

import { Link } from '@tanstack/react-router'
import { Gift } from 'lucide-react'
import { useState } from 'react'
import { type DeveloperGrant, DeveloperGrants, PoolState } from '../../server/contract/developers.ts'
import { cleanName, date, exact, money } from '../format.ts'
import { useNow } from '../live.ts'
import { Confirm } from '../screens/app-dialogs.tsx'
import { useWallet } from '../session.ts'
import { Badge, Empty, type Tone } from '../ui/bits.tsx'
import { Button, buttonLook } from '../ui/button.tsx'
import { say } from '../words.ts'
import { Answer, Card, Choice } from './bits.tsx'
import { BulkDialog, GiveDialog } from './grants-give.tsx'
import { PoolDialog, type PoolMove } from './grants-pool.tsx'
import { Apps } from './overview.tsx'
import { pathWith, type Remote, useRemote } from './remote.ts'

type Open = PoolMove | 'give' | 'bulk' | null

const STATUSES = [
  ['', say('All')],
  ['open', say('Open')],
  ['expired', say('Expired')],
  ['withdrawn', say('Taken back')],
] as const

export function Grants() {
  const pool = useRemote('/developers/grants/pool', PoolState)
  const apps = useRemote('/developers/apps', Apps)
  const [status, setStatus] = useState('')
  const path = pathWith('/developers/grants', { status: status || null, limit: '100' })
  const grants = useRemote(path, DeveloperGrants)
  const [open, setOpen] = useState<Open>(null)
  const list = apps.data?.apps ?? []
  const close = () => setOpen(null)
  const done = async () => {
    close()
    await Promise.all([pool.reload(), grants.reload()])
  }
  return (
    <div className="space-y-4">
      <Pool of={pool} onOpen={setOpen} />
      <Card
        title={say('Grants')}
        aside={
          <span className="flex flex-wrap gap-2">
            <Choice bare label={say('Status')} options={STATUSES} value={status} onChange={setStatus} />
            <Button disabled={list.length === 0} onClick={() => setOpen('bulk')}>
              {say('From a file')}
            </Button>
            <Button look="main" disabled={list.length === 0} onClick={() => setOpen('give')}>
              {say('Give')}
            </Button>
          </span>
        }
      >
        <Answer of={grants}>
          {({ grants: rows, next_cursor }) => (
            <>
              {rows.length === 0 ? <NoGrants apps={apps.data?.apps.length} /> : <List rows={rows} done={done} />}
              {next_cursor !== null && <p className="mt-3 text-sm text-muted">{say('The newest 100 are shown.')}</p>}
            </>
          )}
        </Answer>
      </Card>
      {open === 'give' && <GiveDialog apps={list} onDone={done} onClose={close} />}
      {open === 'bulk' && <BulkDialog apps={list} onDone={done} onClose={close} />}
      {(open === 'in' || open === 'out' || open === 'card') && (
        <PoolDialog move={open} pool={pool.data} onDone={done} onClose={close} />
      )}
    </div>
  )
}

function NoGrants({ apps }: { apps: number | undefined }) {
  const action = (
    <Link to="/developer/apps" className={buttonLook('plain')}>
      {say('Register an app first')}
    </Link>
  )
  return (
    <Empty icon={Gift} title={say('No grant yet')} action={apps === 0 ? action : undefined}>
      {say(
        'A grant lets a user try your app before they put in their own money. It is spent first, and only in your apps.',
      )}
    </Empty>
  )
}

function Pool({ of, onOpen }: { of: Remote<PoolState>; onOpen: (open: Open) => void }) {
  const aside = (
    <span className="flex flex-wrap gap-2">
      <Button onClick={() => onOpen('in')}>{say('From your balance')}</Button>
      <Button onClick={() => onOpen('card')}>{say('By card')}</Button>
      {of.data !== undefined && of.data.balance_credits > 0 && (
        <Button look="quiet" onClick={() => onOpen('out')}>
          {say('Take back')}
        </Button>
      )}
    </span>
  )
  return (
    <Card title={say('Pool')} aside={aside}>
      <Answer of={of} height="h-24">
        {(pool) => (
          <>
            <p className="nums text-3xl font-semibold tracking-tight" title={exact(pool.balance_credits)}>
              {money(pool.balance_credits)}
            </p>
            <p className="mt-1 text-sm text-muted">{ownWords(pool)}</p>
            {pool.granted_credits > 0 && <BurnDown pool={pool} />}
          </>
        )}
      </Answer>
    </Card>
  )
}

function ownWords({ own_balance_credits, waiting_credits }: PoolState): string {
  const own = money(own_balance_credits)
  if (waiting_credits === 0) return say('can be given. Your own balance has {own}.', { own })
  const waiting = money(waiting_credits)
  return say('can be given. Your own balance has {own}; {waiting} is being paid by card.', { own, waiting })
}

/** What became of all that was ever given. */
function BurnDown({ pool }: { pool: PoolState }) {
  const parts = [
    [say('Spent'), pool.spent_credits, 'bg-accent'],
    [say('Open'), pool.remaining_credits, 'bg-accent/40'],
    [say('Came back'), pool.returned_credits, 'bg-line-strong'],
  ] as const
  return (
    <div className="mt-5">
      <div className="flex h-2.5 overflow-hidden rounded-full bg-sunken" aria-hidden>
        {parts.map(([words, amount, look]) => (
          <div key={words} className={look} style={{ width: `${(amount / pool.granted_credits) * 100}%` }} />
        ))}
      </div>
      <dl className="mt-3 flex flex-wrap gap-x-8 gap-y-2 text-sm">
        {parts.map(([words, amount, look]) => (
          <div key={words} className="flex items-center gap-2">
            <span className={`size-2.5 rounded-full ${look}`} aria-hidden />
            <dt className="text-muted">{words}</dt>
            <dd className="nums font-medium" title={exact(amount)}>
              {money(amount)}
            </dd>
          </div>
        ))}
      </dl>
    </div>
  )
}

const STATES: Record<DeveloperGrant['status'], readonly [words: string, tone: Tone]> = {
  open: [say('Open'), 'good'],
  expired: [say('Expired'), 'plain'],
  withdrawn: [say('Taken back'), 'plain'],
}

function List({ rows, done }: { rows: DeveloperGrant[]; done: () => Promise<void> }) {
  const [ending, setEnding] = useState<DeveloperGrant | null>(null)
  return (
    <>
      <ul className="divide-y divide-line">
        {rows.map((grant) => (
          <Line key={grant.id} grant={grant} onEnd={() => setEnding(grant)} />
        ))}
      </ul>
      {ending && <TakeBack grant={ending} done={done} onClose={() => setEnding(null)} />}
    </>
  )
}

function Line({ grant, onEnd }: { grant: DeveloperGrant; onEnd: () => void }) {
  const now = useNow()
  const [words, tone] = STATES[grant.status]
  const until = grant.status === 'open' && grant.expires_at ? date(Date.parse(grant.expires_at), now) : null
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 py-3 text-sm">
      <span className="min-w-0">
        <span className="flex flex-wrap items-center gap-2">
          <bdi className="truncate font-medium">{grant.external_user_id}</bdi>
          <Badge tone={tone}>{until === null ? words : say('Open, until {day}', { day: until })}</Badge>
        </span>
        <span className="mt-0.5 block text-muted">
          {say('given {day}', { day: date(Date.parse(grant.created_at), now) })}
          {grant.description && ` · ${cleanName(grant.description)}`}
        </span>
      </span>
      <span className="flex items-center gap-3 max-sm:w-full max-sm:justify-between">
        <span
          className="nums sm:text-end"
          title={say('{spent} of {amount} spent', { spent: exact(grant.spent), amount: exact(grant.amount) })}
        >
          <span className="block font-medium">{money(grant.amount)}</span>
          <span className="block text-muted">{say('{sum} left', { sum: money(grant.remaining) })}</span>
        </span>
        {grant.status === 'open' && (
          <Button
            look="quiet"
            onClick={onEnd}
            aria-label={say('Take back the grant of {user}', { user: grant.external_user_id })}
          >
            {say('Take back')}
          </Button>
        )}
      </span>
    </li>
  )
}

type TakeBackProps = { grant: DeveloperGrant; done: () => Promise<void>; onClose: () => void }

function TakeBack({ grant, done, onClose }: TakeBackProps) {
  const { api } = useWallet()
  const end = async () => {
    await api.post(`/developers/grants/${grant.id}/withdraw`, {})
    await done()
  }
  return (
    <Confirm title={say('Take this grant back?')} button={say('Take it back')} onClose={onClose} onConfirm={end}>
      {say('{sum} returns to your pool; what is spent stays spent.', { sum: money(grant.remaining) })}
    </Confirm>
  )
}
