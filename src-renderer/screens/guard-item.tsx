// An app that the runaway guard paused.
// owns: the question, with the figures it is asked for. never: the pace. always true: until it is answered the app stays
// paused; one that was resumed or disconnected elsewhere is asked about no more.

import type { Connection } from '../../server/contract/records.ts'
import type { Shown, View } from '../fold.ts'
import { cleanName, money } from '../format.ts'
import { answerPause } from '../guarding.ts'
import { useMeta } from '../live.ts'
import { useWallet } from '../session.ts'
import { Button } from '../ui/button.tsx'
import { say } from '../words.ts'

export type GuardedApp = { connection: Shown<Connection>; spent: number; usual: number }

export function useGuarded(view: View | undefined): GuardedApp[] {
  const guarded = useMeta('guarded')
  return (guarded?.pauses ?? []).flatMap(({ id, spent, usual }) => {
    const connection = view?.connections.find((c) => c.id === id && c.status === 'paused')
    return connection ? [{ connection, spent, usual }] : []
  })
}

export function GuardItem({ connection, spent, usual }: GuardedApp) {
  const { db } = useWallet()
  const name = cleanName(connection.name ?? connection.app.name)
  return (
    <li className="space-y-2 py-2.5 text-sm first:pt-0 last:pb-0">
      <p>
        <strong className="font-medium">{say('{name} is paused.', { name })}</strong>{' '}
        {say(
          'It spent {sum} within ten minutes, more than on its busiest day of the last month ({usual}). Is that all right?',
          { sum: money(spent), usual: money(usual) },
        )}
      </p>
      <div className="flex flex-wrap gap-2">
        <Button look="main" className="h-8" onClick={() => answerPause(db, connection.id, connection)}>
          {say('Yes, let it go on')}
        </Button>
        <Button className="h-8" onClick={() => answerPause(db, connection.id, null)}>
          {say('Keep it paused')}
        </Button>
      </div>
    </li>
  )
}
