// Metered calls that got no answer, and why.
// owns: the list and its filters. never: a word of what was asked (the server keeps none).
// always true: each line says the code an app was told, and which limit spoke.

import { ShieldCheck } from 'lucide-react'
import { useState } from 'react'
import { type RefusedCall, RefusedCalls } from '../../server/contract/developers.ts'
import { count } from '../format.ts'
import { useNow } from '../live.ts'
import { Say } from '../say.tsx'
import { Badge, Empty, When } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { say } from '../words.ts'
import { Answer, Card, Choice, choicesOf } from './bits.tsx'
import { Apps } from './overview.tsx'
import { pathWith, useRemote } from './remote.ts'

export function Refused() {
  const apps = useRemote('/developers/apps', Apps)
  const [app, setApp] = useState('')
  const [code, setCode] = useState('')
  const path = pathWith('/developers/logs', { app_id: app || null, code: code || null, limit: '100' })
  const calls = useRemote(path, RefusedCalls)
  const codes = [...new Set([code, ...(calls.data?.calls ?? []).map((call) => call.code)])].filter((one) => one !== '')
  const aside = (
    <span className="flex flex-wrap gap-2">
      <Choice
        bare
        label={say('App')}
        options={[['', say('All apps')], ...choicesOf(apps.data?.apps ?? [])]}
        value={app}
        onChange={setApp}
      />
      <Choice
        bare
        label={say('Reason')}
        options={[['', say('Every reason')], ...codes.map((one) => [one, one] as [string, string])]}
        value={code}
        onChange={setCode}
      />
      <Button onClick={calls.reload}>{say('Look again')}</Button>
    </span>
  )
  return (
    <Card title={say('Refused calls')} aside={aside}>
      <Answer of={calls}>
        {({ calls: rows, dropped, next_cursor }) => (
          <>
            {rows.length === 0 ? (
              <Empty icon={ShieldCheck} title={say('Nothing was refused')}>
                {say('Calls that a limit, a missing balance or a mistake stopped appear here, for 30 days.')}
              </Empty>
            ) : (
              <ul className="divide-y divide-line">
                {rows.map((call) => (
                  <Line key={call.request_id} call={call} />
                ))}
              </ul>
            )}
            {next_cursor !== null && <p className="mt-3 text-sm text-muted">{say('The newest 100 are shown.')}</p>}
            {dropped > 0 && (
              <p className="mt-1 text-sm text-muted">
                {say('{count} came too fast to be kept.', { count: count(dropped) })}
              </p>
            )}
          </>
        )}
      </Answer>
    </Card>
  )
}

/** Which limit spoke (`LimitDetails` of a refusal); a word that is not known here stands as the server says it. */
const LIMITS: Readonly<Record<string, string>> = {
  debt: say('debt'),
  per_call: say('per_call'),
  cap: say('cap'),
  balance: say('balance'),
  held: say('held'),
}
const PERIODS: Readonly<Record<string, string>> = {
  day: say('day'),
  week: say('week'),
  month: say('month'),
  total: say('total'),
}

function limitWords(call: RefusedCall): string {
  const limit = call.limit && (LIMITS[call.limit] ?? call.limit)
  const period = call.period && (PERIODS[call.period] ?? call.period)
  return limit && period ? say('{limit}, by the {period}', { limit, period }) : (limit ?? period ?? '')
}

function Line({ call }: { call: RefusedCall }) {
  const now = useNow()
  const limit = limitWords(call)
  return (
    <li className="flex items-baseline justify-between gap-x-4 py-3 text-sm">
      <span className="min-w-0">
        <span className="flex flex-wrap items-center gap-2">
          <Badge tone={call.status >= 500 ? 'bad' : call.status === 402 ? 'warn' : 'plain'}>{call.status}</Badge>
          <code className="font-medium wrap-anywhere">{call.code}</code>
          {call.param && <code className="text-muted">{call.param}</code>}
          {limit && <span className="text-muted">{limit}</span>}
        </span>
        <span className="mt-1 block text-muted wrap-anywhere">
          {call.user ? (
            <Say words="{model} for {user}" model={call.model ?? call.route} user={<bdi>{call.user}</bdi>} />
          ) : (
            (call.model ?? call.route)
          )}
        </span>
        <code className="mt-0.5 block truncate text-xs text-muted">{call.request_id}</code>
      </span>
      <When at={Date.parse(call.at)} now={now} className="shrink-0 text-muted" />
    </li>
  )
}
