// One app as a card: its face, its limit, its pace.
// owns: the card and its quick actions. never: dialogs. always true: an app that cannot spend looks like one.

import { Link } from '@tanstack/react-router'
import { Ellipsis, Pause, Play, Snowflake } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { useRef } from 'react'
import type { Connection } from '../../server/contract/records.ts'
import { enqueue } from '../db-outbox.ts'
import type { Shown } from '../fold.ts'
import { cleanName, date, money, percent, short } from '../format.ts'
import type { Day } from '../live.ts'
import { useWallet } from '../session.ts'
import { Badge, Face } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { DaysChart } from '../ui/days-chart.tsx'
import { LimitMeter } from '../ui/meter.tsx'
import { counted, say } from '../words.ts'
import type { Change } from './apps.tsx'

type History = { days: Day[]; calls: number }
type Props = {
  connection: Shown<Connection>
  history: History | undefined
  now: number
  /** The person has stopped all spending. */
  frozen: boolean
  onChange: (change: Change) => void
}

export function AppCard({ connection: c, history, now, frozen, onChange }: Props) {
  const { db } = useWallet()
  const name = cleanName(c.name ?? c.app.name)
  const ended = c.status === 'revoked' || c.status === 'expired'
  const paused = c.status === 'paused'
  return (
    <li aria-label={name} className={`card flex flex-col p-5 ${ended ? 'bg-transparent!' : ''}`}>
      <Head connection={c} name={name} stopped={frozen && !paused && !ended} now={now} />
      {!ended && (
        <>
          <div className="my-5 flex flex-1 flex-col gap-4">
            {c.caps.map((cap) => (
              <LimitMeter key={cap.period} cap={cap} now={now} stopped={paused || frozen} />
            ))}
            <Extras connection={c} now={now} />
            {history && <Past id={c.id} name={name} history={history} />}
          </div>
          <div className="flex flex-wrap gap-2">
            <Button className={ACTION} onClick={() => onChange('limit')}>
              {say('Change limit')}
            </Button>
            {paused ? (
              <Button
                className={ACTION}
                onClick={() => enqueue(db, 'connection.resume', { connection_id: c.id }, c.version)}
              >
                <Play className="size-4 max-[24rem]:hidden" aria-hidden /> {say('Resume')}
              </Button>
            ) : (
              <Button className={ACTION} onClick={() => enqueue(db, 'connection.pause', { connection_id: c.id })}>
                <Pause className="size-4 max-[24rem]:hidden" aria-hidden /> {say('Pause')}
              </Button>
            )}
            <More connection={c} name={name} onChange={onChange} />
          </div>
        </>
      )}
    </li>
  )
}

type HeadProps = { connection: Shown<Connection>; name: string; stopped: boolean; now: number }

/** Its face and name, and whether it may spend; that stands below where it is narrow. */
function Head({ connection: c, name, stopped, now }: HeadProps) {
  return (
    <div className="grid grid-cols-[auto_minmax(0,1fr)] items-start gap-x-3.5 sm:grid-cols-[auto_minmax(0,1fr)_auto]">
      <Face name={name} id={c.app.id} logo={c.app.logo_uri} size="size-12 text-xl" />
      <div>
        <h2 className="line-clamp-2 font-semibold tracking-tight">
          <Link to="/apps/$id" params={{ id: c.id }} className="rounded hover:underline">
            {name}
          </Link>
        </h2>
        <p className="text-sm text-muted">
          {c.markup_bps === 0 ? say('No markup') : say('{percent} markup', { percent: percent(c.markup_bps) })}
          {c.last_used_at && ` · ${say('used {time}', { time: date(Date.parse(c.last_used_at), now) })}`}
        </p>
      </div>
      <span className="flex flex-wrap gap-1.5 max-sm:col-start-2 max-sm:not-empty:mt-1.5">
        {c.pending && (
          <Badge title={say('Kept on this device; it counts once the server has it.')}>{say('Saving…')}</Badge>
        )}
        {c.status === 'paused' && <Badge tone="warn">{say('Paused')}</Badge>}
        {stopped && (
          <Badge tone="warn" icon={Snowflake}>
            {say('Stopped')}
          </Badge>
        )}
        {c.status === 'revoked' && <Badge>{say('Disconnected')}</Badge>}
        {c.status === 'expired' && <Badge>{say('Expired')}</Badge>}
      </span>
    </div>
  )
}

/** The three stand in one row, on the narrowest of phones too. */
const ACTION = 'flex-1 max-[24rem]:px-2'

/** Its last thirty days; a press shows them in full. */
function Past({ id, name, history }: { id: string; name: string; history: History }) {
  const total = history.days.reduce((sum, d) => sum + d.spent, 0)
  return (
    <Link to="/apps/$id" params={{ id }} className="group/past mt-auto block rounded-lg">
      <span className="sr-only">{say('History of {name}:', { name })} </span>
      <DaysChart days={history.days} name={say('{name}, last 30 days', { name })} className="h-10" />
      <span className="mt-1.5 flex justify-between text-xs text-muted group-hover/past:underline">
        <span>{say('Last 30 days')}</span>
        <span className="nums">
          {counted('{n} call', '{n} calls', history.calls)} · {money(total)}
        </span>
      </span>
    </Link>
  )
}

function Extras({ connection: c, now }: { connection: Connection; now: number }) {
  const words = [
    c.per_call_ceiling !== null && say('At most {sum} a call', { sum: short(c.per_call_ceiling) }),
    c.ask_above !== null && say('Asks above {sum}', { sum: short(c.ask_above) }),
    c.models !== null && say('Only {models}', { models: c.models.join(', ') }),
    c.expires_at !== null && say('Until {day}', { day: date(Date.parse(c.expires_at), now) }),
  ].filter((w) => w !== false)
  return words.length > 0 ? <p className="text-xs text-muted">{words.join(' · ')}</p> : null
}

const ITEM = 'flex h-9 items-center rounded-md px-2.5 text-sm outline-none select-none data-[highlighted]:bg-sunken'

function More({
  connection: c,
  name,
  onChange,
}: {
  connection: Connection
  name: string
  onChange: (change: Change) => void
}) {
  const chosen = useRef<Change | null>(null)
  /** Its dialog opens when the menu has given the focus back to its button, which the dialog gives it back to. */
  const open = () => {
    if (chosen.current) onChange(chosen.current)
    chosen.current = null
  }
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>
        <Button className="w-9 px-0!" aria-label={say('More for {name}', { name })}>
          <Ellipsis className="size-5" aria-hidden />
        </Button>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={6}
          onCloseAutoFocus={open}
          className="z-20 min-w-44 rounded-xl border border-line bg-surface p-1 shadow-card"
        >
          <DropdownMenu.Item asChild className={ITEM}>
            <Link to="/apps/$id" params={{ id: c.id }}>
              {say('Its history')}
            </Link>
          </DropdownMenu.Item>
          <DropdownMenu.Item asChild className={ITEM}>
            <Link to="/activity" search={{ app: c.app.id }}>
              {say('Its activity')}
            </Link>
          </DropdownMenu.Item>
          <DropdownMenu.Item className={ITEM} onSelect={() => void (chosen.current = 'rename')}>
            {say('Rename')}
          </DropdownMenu.Item>
          <DropdownMenu.Item className={`${ITEM} text-bad`} onSelect={() => void (chosen.current = 'disconnect')}>
            {say('Disconnect')}
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}
