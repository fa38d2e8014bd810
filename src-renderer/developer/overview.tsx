// What a developer's apps did: figures, a chart, who and what it came from.
// owns: the choice of period, app and figure. never: a sum (the server's counters say them).
// always true: revenue is base cost plus markup, and the markup is the developer's, whole.

import { Link } from '@tanstack/react-router'
import { Rocket } from 'lucide-react'
import { useState } from 'react'
import { z } from 'zod'
import {
  AnalyticsBreakdown,
  AnalyticsSummary,
  AnalyticsTimeseries,
  type GroupBy,
  type Interval,
  type Metric,
} from '../../server/contract/analytics.ts'
import { App } from '../../server/contract/api.ts'
import { count, exact, money } from '../format.ts'
import { Empty } from '../ui/bits.tsx'
import { buttonLook } from '../ui/button.tsx'
import { counted, say } from '../words.ts'
import { Bars } from './bars.tsx'
import { Answer, Card, Choice, CsvButton, choicesOf } from './bits.tsx'
import { Counting } from './counting.tsx'
import { Ranking } from './ranking.tsx'
import { pathWith, useRemote } from './remote.ts'

export const Apps = z.object({ apps: z.array(App) })
const DAY_MS = 86_400_000

const PERIODS = [
  ['1', say('Today')],
  ['7', say('7 days')],
  ['30', say('30 days')],
  ['90', say('90 days')],
  ['365', say('A year')],
] as const
const INTERVALS: Record<string, Interval> = { 1: 'hour', 7: 'day', 30: 'day', 90: 'week', 365: 'month' }

/** Each figure a chart can show; `text` says how its values read. */
const METRICS: Record<Metric, { words: string; text: (value: number) => string }> = {
  revenue: { words: say('Charged'), text: money },
  profit: { words: say('Your markup'), text: money },
  cost: { words: say('Base cost'), text: money },
  granted: { words: say('Paid by grants'), text: money },
  requests: { words: say('Calls'), text: count },
  users: { words: say('Users'), text: count },
  tokens: { words: say('Tokens'), text: count },
}

const BY: Record<Interval, (figure: string) => string> = {
  hour: (figure) => say('{figure} by hour', { figure }),
  day: (figure) => say('{figure} by day', { figure }),
  week: (figure) => say('{figure} by week', { figure }),
  month: (figure) => say('{figure} by month', { figure }),
}

export function Overview() {
  const apps = useRemote('/developers/apps', Apps)
  const [days, setDays] = useState('30')
  const [app, setApp] = useState('')
  const options: [string, string][] = [['', say('All apps')], ...choicesOf(apps.data?.apps ?? [])]
  if (apps.data?.apps.length === 0) return <FirstApp />
  const period = periodOf(Number(days), app)
  return (
    <div className="space-y-4">
      <div className="flex flex-wrap gap-2">
        <Choice bare label={say('Period')} options={PERIODS} value={days} onChange={setDays} />
        <Choice bare label={say('App')} options={options} value={app} onChange={setApp} />
      </div>
      <Figures period={period} />
      <Chart period={period} interval={INTERVALS[days] ?? 'day'} />
      <Breakdown period={period} />
    </div>
  )
}

type Period = { startDate: string; endDate: string; app_id: string | null }

function periodOf(days: number, app: string): Period {
  const day = (at: number) => new Date(at).toISOString().slice(0, 10)
  const now = Date.now()
  return { startDate: day(now - (days - 1) * DAY_MS), endDate: day(now), app_id: app || null }
}

function FirstApp() {
  const action = (
    <Link to="/developer/apps" className={buttonLook('main')}>
      {say('Register an app')}
    </Link>
  )
  return (
    <section className="card">
      <Empty icon={Rocket} title={say('Let your app’s users pay for their own AI')} action={action}>
        {say(
          'Register an app, take a key, and send your calls through this server. What you add as a markup is yours, whole.',
        )}
      </Empty>
    </section>
  )
}

function Figures({ period }: { period: Period }) {
  const summary = useRemote(pathWith('/developers/analytics/summary', period), AnalyticsSummary)
  return (
    <>
      <Counting of={summary} />
      <Answer of={summary} height="h-24">
        {({ summary: of }) => (
          <dl className="grid grid-cols-2 gap-4 sm:grid-cols-6 xl:grid-cols-5">
            <Figure words={say('Your markup')} value={money(of.profit)} title={exact(of.profit)} look="first" />
            <Figure
              words={say('Paid by users')}
              value={money(of.revenue - of.granted)}
              title={say('Base cost and markup, without the {sum} that grants paid', { sum: exact(of.granted) })}
            />
            <Figure
              words={say('Base cost')}
              value={money(of.cost)}
              title={say('What the model providers charge; none of it is yours')}
            />
            <Figure
              words={say('Calls')}
              value={count(of.requests)}
              title={counted('{n} token', '{n} tokens', of.tokens)}
              look="count"
            />
            <Figure
              words={say('Users')}
              value={count(of.users)}
              title={say('Who made a call in this period')}
              look="count"
            />
          </dl>
        )}
      </Answer>
    </>
  )
}

/** Three amounts and two counts, each row of them full at every width. */
const LOOKS = {
  first: 'col-span-2 xl:col-span-1',
  sum: 'sm:col-span-2 xl:col-span-1',
  count: 'sm:col-span-3 xl:col-span-1',
}
type Figure = { words: string; value: string; title: string; look?: keyof typeof LOOKS }

function Figure({ words, value, title, look = 'sum' }: Figure) {
  return (
    <div className={`card min-w-0 p-4 ${LOOKS[look]}`} title={title}>
      <dt className="text-sm text-muted">{words}</dt>
      <dd
        className={`nums mt-1 truncate text-xl font-semibold tracking-tight sm:text-2xl ${look === 'first' ? 'text-accent' : ''}`}
      >
        {value}
      </dd>
    </div>
  )
}

function Chart({ period, interval }: { period: Period; interval: Interval }) {
  const [metric, setMetric] = useState<Metric>('revenue')
  const path = pathWith('/developers/analytics/timeseries', { ...period, metric, interval })
  const series = useRemote(path, AnalyticsTimeseries)
  const title = BY[interval](METRICS[metric].words)
  const options = Object.entries(METRICS).map(([one, { words }]) => [one, words] as const)
  const aside = (
    <span className="flex flex-wrap gap-2">
      <Choice
        bare
        label={say('Figure')}
        options={options}
        value={metric}
        onChange={(one) => setMetric(one as Metric)}
      />
      <CsvButton path={`${path}&format=csv`} file={`quota-${interval}.csv`} />
    </span>
  )
  return (
    <Card title={title} aside={aside}>
      <Counting of={series} quiet />
      <Answer of={series} height="h-56">
        {({ series: points }) =>
          points.every(({ value }) => value === 0) ? (
            <NoCalls />
          ) : (
            <Bars
              label={title}
              interval={interval}
              points={points.map(({ start, value }) => ({ at: Date.parse(start), value }))}
              figure={METRICS[metric].text}
            />
          )
        }
      </Answer>
    </Card>
  )
}

const GROUPS = [
  ['model', say('By model')],
  ['user', say('By user')],
  ['app', say('By app')],
] as const

function Breakdown({ period }: { period: Period }) {
  const [groupBy, setGroupBy] = useState<GroupBy>('model')
  const path = pathWith('/developers/analytics/breakdown', { ...period, groupBy, metric: 'revenue', limit: '20' })
  const ranking = useRemote(path, AnalyticsBreakdown)
  const aside = (
    <span className="flex flex-wrap gap-2">
      <Choice
        bare
        label={say('Grouped')}
        options={GROUPS}
        value={groupBy}
        onChange={(one) => setGroupBy(one as GroupBy)}
      />
      <CsvButton path={`${path}&format=csv`} file={`quota-by-${groupBy}.csv`} />
    </span>
  )
  return (
    <Card title={say('Where it comes from')} aside={aside}>
      <Counting of={ranking} quiet />
      <Answer of={ranking}>
        {({ rows, exact: proven }) =>
          rows.length === 0 ? (
            <NoCalls />
          ) : (
            <>
              <Ranking rows={rows} mono={groupBy !== 'app'} />
              {!proven && <NotProven />}
            </>
          )
        }
      </Answer>
    </Card>
  )
}

const NotProven = () => (
  <p className="mt-3 text-sm text-muted">
    {say('You have very many users: these figures are exact, but somebody who is not listed could belong among them.')}
  </p>
)

const NoCalls = () => <p className="py-6 text-sm text-muted">{say('Nothing in this period.')}</p>
