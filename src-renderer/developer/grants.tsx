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
import { Answer, Card, Choice } from './bits.tsx'
import { BulkDialog, GiveDialog } from './grants-give.tsx'
import { PoolDialog, type PoolMove } from './grants-pool.tsx'
import { Apps } from './overview.tsx'
import { pathWith, type Remote, useRemote } from './remote.ts'

type Open = PoolMove | 'give' | 'bulk' | null

const STATUSES = [
  ['', 'All'],
  ['open', 'Open'],
  ['expired', 'Expired'],
  ['withdrawn', 'Taken back'],
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
        title="Grants"
        aside={
          <span className="flex flex-wrap gap-2">
            <Choice bare label="Status" options={STATUSES} value={status} onChange={setStatus} />
            <Button disabled={list.length === 0} onClick={() => setOpen('bulk')}>
              From a file
            </Button>
            <Button look="main" disabled={list.length === 0} onClick={() => setOpen('give')}>
              Give
            </Button>
          </span>
        }
      >
        <Answer of={grants}>
          {({ grants: rows, next_cursor }) => (
            <>
              {rows.length === 0 ? <NoGrants apps={apps.data?.apps.length} /> : <List rows={rows} done={done} />}
              {next_cursor !== null && <p className="mt-3 text-sm text-muted">The newest 100 are shown.</p>}
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
      Register an app first
    </Link>
  )
  return (
    <Empty icon={Gift} title="No grant yet" action={apps === 0 ? action : undefined}>
      A grant lets a user try your app before they put in their own money. It is spent first, and only in your apps.
    </Empty>
  )
}

function Pool({ of, onOpen }: { of: Remote<PoolState>; onOpen: (open: Open) => void }) {
  const aside = (
    <span className="flex flex-wrap gap-2">
      <Button onClick={() => onOpen('in')}>From your balance</Button>
      <Button onClick={() => onOpen('card')}>By card</Button>
      {of.data !== undefined && of.data.balance_credits > 0 && (
        <Button look="quiet" onClick={() => onOpen('out')}>
          Take back
        </Button>
      )}
    </span>
  )
  return (
    <Card title="Pool" aside={aside}>
      <Answer of={of} height="h-24">
        {(pool) => (
          <>
            <p className="nums text-3xl font-semibold tracking-tight" title={exact(pool.balance_credits)}>
              {money(pool.balance_credits)}
            </p>
            <p className="mt-1 text-sm text-muted">
              can be given. Your own balance has {money(pool.own_balance_credits)}
              {pool.waiting_credits > 0 && `; ${money(pool.waiting_credits)} is being paid by card`}.
            </p>
            {pool.granted_credits > 0 && <BurnDown pool={pool} />}
          </>
        )}
      </Answer>
    </Card>
  )
}

/** What became of all that was ever given. */
function BurnDown({ pool }: { pool: PoolState }) {
  const parts = [
    ['Spent', pool.spent_credits, 'bg-accent'],
    ['Open', pool.remaining_credits, 'bg-accent/40'],
    ['Came back', pool.returned_credits, 'bg-line-strong'],
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
  open: ['Open', 'good'],
  expired: ['Expired', 'plain'],
  withdrawn: ['Taken back', 'plain'],
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
  const until = grant.status === 'open' && grant.expires_at ? `, until ${date(Date.parse(grant.expires_at), now)}` : ''
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 py-3 text-sm">
      <span className="min-w-0">
        <span className="flex flex-wrap items-center gap-2">
          <bdi className="truncate font-medium">{grant.external_user_id}</bdi>
          <Badge tone={tone}>
            {words}
            {until}
          </Badge>
        </span>
        <span className="mt-0.5 block text-muted">
          given {date(Date.parse(grant.created_at), now)}
          {grant.description && ` · ${cleanName(grant.description)}`}
        </span>
      </span>
      <span className="flex items-center gap-3 max-sm:w-full max-sm:justify-between">
        <span className="nums sm:text-end" title={`${exact(grant.spent)} of ${exact(grant.amount)} spent`}>
          <span className="block font-medium">{money(grant.amount)}</span>
          <span className="block text-muted">{money(grant.remaining)} left</span>
        </span>
        {grant.status === 'open' && (
          <Button look="quiet" onClick={onEnd} aria-label={`Take back the grant of ${grant.external_user_id}`}>
            Take back
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
    <Confirm title="Take this grant back?" button="Take it back" onClose={onClose} onConfirm={end}>
      {money(grant.remaining)} returns to your pool; what is spent stays spent.
    </Confirm>
  )
}
