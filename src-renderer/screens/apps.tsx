// The apps that may spend.
// owns: their cards, and which of them is being changed. never: the change itself (it goes to the outbox).
// always true: what is pending is marked, and a change that was refused says why.

import { Blocks, Snowflake } from 'lucide-react'
import { useState } from 'react'
import type { Connection } from '../../server/contract/records.ts'
import { enqueue } from '../db-outbox.ts'
import type { Shown, View } from '../fold.ts'
import { cleanName } from '../format.ts'
import { useEdits, useNow, useSpend, useView } from '../live.ts'
import { useWallet } from '../session.ts'
import { Empty, PageTitle, Summary } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { say } from '../words.ts'
import { AppCard } from './app-card.tsx'
import { DisconnectDialog, LimitDialog, RenameDialog } from './app-dialogs.tsx'
import { Refused } from './needs-you.tsx'

export type Change = 'limit' | 'rename' | 'disconnect'

export function Apps() {
  const { db } = useWallet()
  const view = useView()
  const now = useNow()
  const spend = useSpend(now)
  const [changing, setChanging] = useState<{ id: string; change: Change } | null>(null)
  const [inUse, past] = split(view?.connections ?? [])
  const target = view?.connections.find((c) => c.id === changing?.id)
  const stop = inUse.length > 0 && !view?.profile?.frozen && (
    <Button onClick={() => enqueue(db, 'wallet.freeze', {})}>
      <Snowflake className="size-4" aria-hidden /> {say('Stop all spending')}
    </Button>
  )
  const cards = (connections: Shown<Connection>[]) => (
    <ul className="grid grid-cols-1 gap-4 lg:grid-cols-2">
      {connections.map((c) => (
        <AppCard
          key={c.id}
          connection={c}
          history={spend?.appDays.get(c.app.id)}
          now={now}
          frozen={view?.profile?.frozen === true}
          onChange={(change) => setChanging({ id: c.id, change })}
        />
      ))}
    </ul>
  )
  return (
    <>
      <PageTitle aside={stop}>{say('Apps')}</PageTitle>
      <RefusedChanges view={view} />
      {view === undefined ? <Loading /> : inUse.length === 0 ? <NoApps /> : cards(inUse)}
      {past.length > 0 && (
        <details className="mt-8 space-y-3">
          <Summary className="w-fit rounded font-medium text-muted">
            {say('Disconnected and expired ({count})', { count: past.length })}
          </Summary>
          {cards(past)}
        </details>
      )}
      {target && changing && (
        <ChangeDialog change={changing.change} connection={target} onClose={() => setChanging(null)} />
      )}
    </>
  )
}

/** Those that may be used, by name, and those that are over. */
function split(connections: Shown<Connection>[]): [Shown<Connection>[], Shown<Connection>[]] {
  const nameOf = (c: Connection) => cleanName(c.name ?? c.app.name)
  const inUse = connections.filter((c) => c.status === 'active' || c.status === 'paused')
  const past = connections.filter((c) => c.status === 'revoked' || c.status === 'expired')
  return [inUse.sort((a, b) => nameOf(a).localeCompare(nameOf(b))), past]
}

function ChangeDialog({ change, ...rest }: { change: Change; connection: Connection; onClose: () => void }) {
  if (change === 'limit') return <LimitDialog {...rest} />
  return change === 'rename' ? <RenameDialog {...rest} /> : <DisconnectDialog {...rest} />
}

function RefusedChanges({ view }: { view: View | undefined }) {
  const refused = useEdits()?.filter((e) => e.state === 'refused' && e.name.startsWith('connection.')) ?? []
  if (refused.length === 0) return null
  return (
    <ul className="card mb-4 divide-y divide-line px-5 py-3">
      {refused.map((edit) => (
        <Refused key={edit.n} edit={edit} view={view} />
      ))}
    </ul>
  )
}

function NoApps() {
  return (
    <div className="card">
      <Empty icon={Blocks} title={say('No app is connected')}>
        {say(
          'Choose “Connect wallet” in an app that supports it. It asks here before it can spend anything, and you set its limit.',
        )}
      </Empty>
    </div>
  )
}

function Loading() {
  return (
    <div className="grid gap-4 lg:grid-cols-2" aria-busy="true" role="status" aria-label={say('Loading your apps')}>
      <div className="skeleton h-52 rounded-xl" />
      <div className="skeleton h-52 rounded-xl" />
    </div>
  )
}
