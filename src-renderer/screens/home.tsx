// Home: what I have, what needs me, where it went.
// owns: the arrangement. never: figures of its own. always true: the balance is the server's last word, never a guess.

import { Link } from '@tanstack/react-router'
import { ArrowRight, Plus, Sparkles } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import type { Entry } from '../db.ts'
import type { View } from '../fold.ts'
import { alike, exact, money, parted, shortDay } from '../format.ts'
import { type Spend, useBalance, useGrants, useNewest, useNow, useSpend, useView } from '../live.ts'
import { plus, type Rollup } from '../rollup.ts'
import { CardTitle, Empty, Face, Money, PageTitle } from '../ui/bits.tsx'
import { buttonLook } from '../ui/button.tsx'
import { DaysChart } from '../ui/days-chart.tsx'
import { Verified } from '../ui/verified.tsx'
import { counted, say } from '../words.ts'
import { appNames } from './app-names.ts'
import { EntryLine } from './entry-line.tsx'
import { Months } from './months.tsx'
import { NeedsYou } from './needs-you.tsx'

const RECENT = 5
/** Two columns that each fill their height; where it is narrow, what needs the person comes before the charts. */
const COLUMN = 'contents lg:flex lg:min-w-0 lg:flex-col lg:gap-4 lg:*:last:grow'

export function Home() {
  const now = useNow()
  const view = useView()
  const spend = useSpend(now)
  const recent = useNewest(RECENT)
  const fresh = recent?.length === 0 && view?.connections.length === 0
  return (
    <>
      <PageTitle>{say('Home')}</PageTitle>
      <div className="grid grid-cols-1 gap-4 lg:grid-cols-[minmax(0,1.6fr)_minmax(0,1fr)]">
        <div className={COLUMN}>
          <BalanceCard spend={spend} />
          {!fresh && <DaysCard spend={spend} />}
        </div>
        <div className={COLUMN}>
          <NeedsYou view={view} now={now} />
          {!fresh && <AppsCard spend={spend} view={view} />}
        </div>
        {fresh ? <FirstSteps /> : <Latest recent={recent} view={view} now={now} />}
      </div>
    </>
  )
}

function FirstSteps() {
  const action = (
    <Link to="/add-money" className={buttonLook('main')}>
      {say('Add money')}
    </Link>
  )
  return (
    <section className="card order-2 lg:col-span-2">
      <Empty icon={Sparkles} title={say('Nothing spent yet')} action={action}>
        {say('Add money, then choose “Connect wallet” in an app. It asks here first, and you set its limit.')}
      </Empty>
    </section>
  )
}

function Latest({ recent, view, now }: { recent: Entry[] | undefined; view: View | undefined; now: number }) {
  const nameOf = appNames(view)
  const all = (
    <Link to="/activity" className="inline-flex items-center gap-1 rounded text-sm font-medium text-accent">
      {say('All activity')} <ArrowRight className="size-4" aria-hidden />
    </Link>
  )
  return (
    <section className="card order-2 min-w-0 p-5 lg:col-span-2">
      <CardTitle aside={all}>{say('Latest')}</CardTitle>
      {recent === undefined ? (
        <div className="skeleton h-60" />
      ) : recent.length === 0 ? (
        <p className="py-6 text-sm text-muted">{say('Calls appear here as apps make them.')}</p>
      ) : (
        <ul className="-mx-2">
          {recent.map((entry) => (
            <EntryLine key={entry.rev} entry={entry} name={nameOf(entry.app)} now={now} />
          ))}
        </ul>
      )}
    </section>
  )
}

function BalanceCard({ spend }: { spend: Spend | undefined }) {
  const balance = useBalance()
  const [whole, cents] = parted(money(balance?.available ?? 0))
  return (
    <section className="card flex min-w-0 flex-col gap-6 p-5 sm:p-6" aria-label={say('Balance')}>
      <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-3">
        <div>
          <h2 className="text-sm font-medium text-muted">{say('Available')}</h2>
          {balance ? (
            <p className="nums mt-1 text-4xl font-semibold sm:text-5xl tracking-tight" title={exact(balance.available)}>
              {whole}
              <span className="text-muted">{cents}</span>
            </p>
          ) : balance === null ? (
            <p className="mt-1 text-4xl font-semibold tracking-tight text-muted sm:text-5xl">–</p>
          ) : (
            <div className="skeleton mt-2 h-11 w-44" />
          )}
        </div>
        <Link to="/add-money" className={buttonLook('main')}>
          <Plus className="size-4" aria-hidden /> {say('Add money')}
        </Link>
      </div>
      <Figures balance={balance} spend={spend} />
      <Checked spend={spend} />
    </section>
  )
}

function Figures({ balance, spend }: { balance: ReturnType<typeof useBalance>; spend: Spend | undefined }) {
  const granted = useGrants()?.reduce((sum, g) => sum + g.remaining, 0) ?? 0
  const end = spend?.monthEnd != null && say('about {sum} by its end, at this pace', { sum: money(spend.monthEnd) })
  return (
    <dl className="grid grid-cols-2 gap-4 border-t border-line pt-4 text-sm sm:grid-cols-3">
      <Figure label={say('Reserved')} title={say('Set aside for calls that are running now')}>
        {balance ? <Money micros={balance.held} /> : '–'}
      </Figure>
      <Figure label={say('Spent this month')} under={end}>
        {spend ? <Money micros={spend.monthSpent} /> : '–'}
      </Figure>
      {balance?.debt && (
        <Figure label={say('Owed')} title={say('Settled first by what you add')} tone="text-warn">
          <Money micros={balance.debt} />
        </Figure>
      )}
      {granted > 0 && (
        <Figure label={say('Granted by apps')} title={say('Can be spent only in the apps that gave it')}>
          <Money micros={granted} />
        </Figure>
      )}
    </dl>
  )
}

type Figure = { label: string; title?: string; tone?: string; under?: string | false; children: ReactNode }

const Figure = ({ label, title, tone = '', under, children }: Figure) => (
  <div>
    <dt className="text-muted">{label}</dt>
    <dd className={`mt-0.5 text-lg font-medium ${tone}`} title={title}>
      {children}
    </dd>
    {under && <dd className="text-xs text-muted">{under}</dd>}
  </div>
)

/** How many of the month's charges were verified on this device. */
function Checked({ spend }: { spend: Spend | undefined }) {
  const [months, setMonths] = useState(false)
  const sum = spend?.month.reduce<Rollup | undefined>((all, row) => plus(row, all), undefined)
  if (!sum || sum.calls === 0) return null
  return (
    <div className="-mt-2">
      <Verified
        good={sum.verified}
        all={sum.calls}
        wrong={sum.wrong}
        when={` ${say('this month')}`}
        onOpen={() => setMonths(true)}
      />
      {months && <Months onClose={() => setMonths(false)} />}
    </div>
  )
}

function DaysCard({ spend }: { spend: Spend | undefined }) {
  const total = spend?.days.reduce((sum, d) => sum + d.spent, 0) ?? 0
  return (
    <section className="card order-1 flex min-w-0 flex-col p-5">
      <CardTitle aside={spend && <Money micros={total} className="text-sm font-medium" />}>
        {say('Last 30 days')}
      </CardTitle>
      {spend ? (
        <div className="flex grow flex-col">
          <DaysChart days={spend.days} name={say('Spent in the last 30 days')} className="h-36 grow" />
          <div className="mt-2 flex justify-between text-xs text-muted">
            <span>{shortDay(spend.days[0]?.day ?? '')}</span>
            <span>{say('Today')}</span>
          </div>
        </div>
      ) : (
        <div className="skeleton h-42" />
      )}
    </section>
  )
}

const APPS_SHOWN = 6

function AppsCard({ spend, view }: { spend: Spend | undefined; view: View | undefined }) {
  const nameOf = appNames(view)
  const shown = spend?.month.slice(0, APPS_SHOWN) ?? []
  const most = Math.max(1, ...shown.map((r) => r.spent))
  const text = alike(shown.map((r) => r.spent))
  return (
    <section className="card order-1 min-w-0 p-5">
      <CardTitle>{say('By app, this month')}</CardTitle>
      {!spend ? (
        <div className="skeleton h-42" />
      ) : spend.month.length === 0 ? (
        <p className="py-6 text-sm text-muted">{say('No calls this month.')}</p>
      ) : (
        <ul className="space-y-3">
          {shown.map((row) => (
            <li key={row.app}>
              <Link to="/activity" search={{ app: row.app }} className="group flex items-center gap-3 rounded-lg">
                <Face name={nameOf(row.app)} id={row.app} logo={null} size="size-8 text-sm" />
                <span className="min-w-0 flex-1">
                  <span className="flex items-baseline justify-between gap-2 text-sm">
                    <span className="truncate font-medium group-hover:underline">{nameOf(row.app)}</span>
                    <Money micros={row.spent} text={text(row.spent)} />
                  </span>
                  <span className="mt-1 flex items-center gap-2" title={counted('{n} call', '{n} calls', row.calls)}>
                    <span className="h-1 flex-1 overflow-hidden rounded-full bg-sunken">
                      <span
                        className="block h-full rounded-full bg-accent"
                        style={{ width: `${(row.spent / most) * 100}%` }}
                      />
                    </span>
                  </span>
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
