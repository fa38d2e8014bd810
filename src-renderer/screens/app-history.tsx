// One app: what it spent, on what, and within which limits.
// owns: the arrangement. never: changes (they are on its card), sums of its own beside the log's. always true: all of it is
// read from this device; an app that is disconnected keeps its history.

import { Link, useParams } from '@tanstack/react-router'
import { ArrowLeft, ArrowRight, Blocks } from 'lucide-react'
import { useMemo } from 'react'
import type { Connection } from '../../server/contract/records.ts'
import { type Selection, select, sumsOf } from '../columns.ts'
import { dayOf, daysIn, startOfDay } from '../days.ts'
import type { Entry } from '../db.ts'
import type { Shown } from '../fold.ts'
import { alike, cleanName, count, date, percent, shortDay } from '../format.ts'
import { useCursor, useIndex, useNow, useRows, useSpend, useView } from '../live.ts'
import { choiceOf } from '../search.ts'
import { Badge, CardTitle, Empty, Face, Money } from '../ui/bits.tsx'
import { DaysChart } from '../ui/days-chart.tsx'
import { LimitMeter } from '../ui/meter.tsx'
import { counted, say } from '../words.ts'
import { bareModel, EntryLine } from './entry-line.tsx'

const LAST = 10

export function AppHistory() {
  const { id } = useParams({ from: '/framed/apps/$id' })
  const view = useView()
  const connection = view?.connections.find((c) => c.id === id)
  return (
    <>
      <Link to="/apps" className="mb-3 inline-flex items-center gap-1 rounded text-sm font-medium text-accent">
        <ArrowLeft className="size-4" aria-hidden /> {say('Apps')}
      </Link>
      {view === undefined ? (
        <div className="skeleton h-52 rounded-xl" role="status" aria-label={say('Loading the app')} />
      ) : connection ? (
        <History connection={connection} />
      ) : (
        <div className="card">
          <Empty icon={Blocks} title={say('No such app')}>
            {say('This wallet has no app of that address. Its calls, if there were any, are in Activity.')}
          </Empty>
        </div>
      )}
    </>
  )
}

function History({ connection: c }: { connection: Shown<Connection> }) {
  const now = useNow()
  const name = cleanName(c.name ?? c.app.name)
  const past = usePast(c.app.id, now)
  return (
    <>
      <Head connection={c} name={name} now={now} />
      <div className="grid grid-cols-1 items-start gap-4 lg:grid-cols-[minmax(0,1.6fr)_minmax(0,1fr)]">
        <div className={COLUMN}>
          <ByDay name={name} past={past} />
          <Calls app={c.app.id} name={name} past={past} over={isOver(c)} now={now} />
        </div>
        <div className={COLUMN}>
          <Limits connection={c} now={now} />
          <Models models={past?.models} />
        </div>
      </div>
    </>
  )
}

/** Where it is narrow the last calls, which are many, come last. */
const COLUMN = 'contents lg:block lg:min-w-0 lg:space-y-4'

function ByDay({ name, past }: { name: string; past: Past | undefined }) {
  const [first] = past?.days ?? []
  return (
    <section className="card min-w-0 p-5" aria-label={say('By day')}>
      <CardTitle aside={past && <Money micros={past.spent} className="text-sm font-medium" />}>
        {say('Last 30 days')}
      </CardTitle>
      {past === undefined ? (
        <div className="skeleton h-36" />
      ) : past.calls === 0 ? (
        <p className="text-sm text-muted">{say('No calls in the last 30 days.')}</p>
      ) : (
        <>
          <DaysChart days={past.days} name={say('{name}, last 30 days', { name })} className="h-36" />
          <div className="nums mt-2 flex justify-between gap-3 text-xs text-muted">
            <span>{shortDay(first?.day ?? '')}</span>
            <span>{counted('{n} call', '{n} calls', past.calls)}</span>
            <span>{say('Today')}</span>
          </div>
        </>
      )}
    </section>
  )
}

/** It can spend nothing any more. */
const isOver = ({ status }: Connection): boolean => status === 'revoked' || status === 'expired'

const STATES: Record<Connection['status'], string | null> = {
  active: null,
  paused: say('Paused'),
  revoked: say('Disconnected'),
  expired: say('Expired'),
}

function Head({ connection: c, name, now }: { connection: Shown<Connection>; name: string; now: number }) {
  const state = STATES[c.status]
  return (
    <div className="mb-5 flex items-center gap-3.5">
      <Face name={name} id={c.app.id} logo={c.app.logo_uri} size="size-12 text-xl" />
      <div className="min-w-0 flex-1">
        <h1 className="line-clamp-2 text-2xl font-semibold tracking-tight">{name}</h1>
        <p className="text-sm text-muted">
          {c.markup_bps === 0 ? say('No markup') : say('{percent} markup', { percent: percent(c.markup_bps) })} ·{' '}
          {say('connected {day}', { day: date(Date.parse(c.created_at), now) })}
        </p>
      </div>
      {c.pending && (
        <Badge title={say('Kept on this device; it counts once the server has it.')}>{say('Saving…')}</Badge>
      )}
      {state && <Badge tone={c.status === 'paused' ? 'warn' : 'plain'}>{state}</Badge>}
    </div>
  )
}

function Limits({ connection: c, now }: { connection: Connection; now: number }) {
  return (
    <section className="card min-w-0 p-5" aria-label={say('Limits')}>
      <CardTitle>{say('Limits')}</CardTitle>
      {isOver(c) ? (
        <p className="text-sm text-muted">{say('It can spend nothing any more.')}</p>
      ) : (
        <div className="space-y-4">
          {c.caps.map((cap) => (
            <LimitMeter key={cap.period} cap={cap} now={now} stopped={c.status === 'paused'} />
          ))}
        </div>
      )}
    </section>
  )
}

type Past = NonNullable<ReturnType<typeof usePast>>

function Models({ models }: { models: Past['models'] | undefined }) {
  const most = Math.max(1, ...(models?.map((m) => m.micros) ?? []))
  const text = alike(models?.map((m) => m.micros) ?? [])
  return (
    <section className="card min-w-0 p-5" aria-label={say('By model')}>
      <CardTitle>{say('By model, last 30 days')}</CardTitle>
      {models === undefined ? (
        <div className="skeleton h-28" />
      ) : models.length === 0 ? (
        <p className="text-sm text-muted">{say('No calls in the last 30 days.')}</p>
      ) : (
        <ul className="space-y-3 text-sm">
          {models.map(({ name, calls, micros }) => (
            <li key={name}>
              <span className="flex items-baseline justify-between gap-3">
                <span className="truncate font-medium" title={name}>
                  {bareModel(name)}
                </span>
                <Money micros={micros} text={text(micros)} />
              </span>
              <span className="mt-1 flex items-center gap-2" title={counted('{n} call', '{n} calls', calls)}>
                <span className="h-1 flex-1 overflow-hidden rounded-full bg-sunken">
                  <span
                    className="block h-full rounded-full bg-accent"
                    style={{ width: `${(micros / most) * 100}%` }}
                  />
                </span>
                <span className="nums w-16 text-end text-xs text-muted">{counted('{n} call', '{n} calls', calls)}</span>
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

type CallsProps = { app: string; name: string; past: Past | undefined; over: boolean; now: number }

function Calls({ app, name, past, over, now }: CallsProps) {
  const all = past && past.total > 0 && (
    <Link
      to="/activity"
      search={{ app }}
      className="inline-flex items-center gap-1 rounded text-sm font-medium text-accent"
    >
      {say('All')} {count(past.total)} <ArrowRight className="size-4" aria-hidden />
      <span className="sr-only">{say('calls of {name}', { name })}</span>
    </Link>
  )
  return (
    <section className="card order-1 min-w-0 p-5" aria-label={say('Last calls')}>
      <CardTitle aside={all}>{say('Last calls')}</CardTitle>
      {past === undefined ? (
        <div className="skeleton h-60" />
      ) : past.newest.length === 0 ? (
        <p className="text-sm text-muted">
          {over ? say('It made no call that is on this device.') : say('Calls appear here as the app makes them.')}
        </p>
      ) : (
        <ul className="-mx-2">
          {past.newest.map((entry) => (
            <EntryLine key={entry.rev} entry={entry} now={now} />
          ))}
        </ul>
      )}
    </section>
  )
}

const NOTHING = new Uint32Array()
const DAYS = 30
const DAY_MS = 86_400_000

/** The app's days, models and newest calls; undefined until the log's columns are read. */
function usePast(app: string, now: number) {
  const index = useIndex()
  const zone = useCursor()?.zone
  const spend = useSpend(now)
  const from = zone === undefined ? null : startOfDay(zone, dayOf(zone, now - (DAYS - 1) * DAY_MS).day)
  const found = useMemo(() => {
    if (!index?.whole || zone === undefined) return undefined
    const known = { zone, apps: [], models: [], nameOf: String, written: [] }
    const own = choiceOf({ app }, known)
    const day = daysIn(zone)
    const recent: Selection = select(index, { ...own, from }, day)
    return { all: select(index, own, day), models: sumsOf(index, recent, 'models') }
  }, [index, zone, app, from])
  const rows = useRows(index ?? EMPTY, found?.all.ordinals ?? NOTHING, 0, LAST)
  if (!found || !spend) return undefined
  const own = spend.appDays.get(app) ?? { days: spend.days.map(({ day }) => ({ day, spent: 0 })), calls: 0 }
  const newest: Entry[] = [...rows.values()].filter((e) => e.app === app).slice(0, LAST)
  const spent = own.days.reduce((sum, d) => sum + d.spent, 0)
  return { ...own, spent, models: found.models, total: found.all.ordinals.length, newest }
}

const EMPTY = { records: [], sealed: 0, total: 0 }
