// How much of a limit is used.
// owns: the bar and its sentence. never: data. always true: spent and reserved are told apart by pattern, not by colour
// alone, and the sentence says all that the bar shows.
// biome-ignore-all lint/a11y/useSemanticElements: the meter element cannot show two parts and a mark of time

import type { CapState } from '../../server/contract/records.ts'
import { date, exact, money, PERIOD_WORDS, short, timeZone } from '../format.ts'
import { elapsed, nearlyReached, type Pace, pace } from '../pace.ts'
import { say } from '../words.ts'

export function LimitMeter({ cap, now, stopped }: { cap: CapState; now: number; stopped: boolean }) {
  const part = (micros: number) => `${Math.min(100, (micros / cap.amount) * 100)}%`
  const over = cap.spent + cap.held >= cap.amount
  const fill = stopped ? 'bg-line-strong' : over ? 'bg-bad' : nearlyReached(cap) ? 'bg-warn-fill' : 'bg-accent'
  const zone = timeZone() ?? Intl.DateTimeFormat().resolvedOptions().timeZone
  const time = elapsed(cap, now, zone)
  const ended = cap.resets_at !== null && Date.parse(cap.resets_at) <= now
  const window = PERIOD_WORDS[cap.period].window
  const words = say('{spent} of {limit} spent {window}', { spent: money(cap.spent), limit: short(cap.amount), window })
  return (
    <div>
      <div className="flex items-baseline justify-between gap-3 text-sm">
        <span title={say('{part} of {whole}', { part: exact(cap.spent), whole: exact(cap.amount) })}>
          <span className="nums font-medium">{money(cap.spent)}</span>
          <span className="text-muted"> {say('of {limit} {window}', { limit: short(cap.amount), window })}</span>
        </span>
        <span className="nums shrink-0 text-muted">{Math.floor((cap.spent / cap.amount) * 100)} %</span>
      </div>
      <div
        role="meter"
        aria-label={words}
        aria-valuemin={0}
        aria-valuemax={cap.amount}
        aria-valuenow={Math.min(cap.spent, cap.amount)}
        aria-valuetext={words}
        className="relative my-2 h-2 rounded-full bg-sunken"
      >
        <div className="flex h-full overflow-hidden rounded-full">
          <div className={fill} style={{ width: part(cap.spent) }} />
          <div className={`${fill} opacity-40`} style={{ width: part(cap.held) }} />
        </div>
        {time !== null && !ended && !stopped && (
          <span
            title={say('{percent} % of the time has passed', { percent: Math.round(time * 100) })}
            className="absolute -top-0.5 h-3 w-0.5 rounded-full bg-ink/60"
            style={{ left: `${time * 100}%` }}
          />
        )}
      </div>
      <p className="text-xs text-muted">
        {cap.held > 0 && <>{say('{held} reserved', { held: money(cap.held) })} · </>}
        {ended
          ? say('A new window has begun; its figures come with the next sync')
          : sentence(pace(cap, now, zone), cap, now, stopped)}
      </p>
    </div>
  )
}

function sentence(guess: Pace, cap: CapState, now: number, stopped: boolean): string {
  const reset = cap.resets_at
    ? say('resets {day}', { day: date(Date.parse(cap.resets_at), now) })
    : say('does not reset')
  if (stopped) return capital(reset)
  if (guess.kind === 'reached') return say('Limit reached; {reset}', { reset })
  if (guess.kind === 'reaches')
    return say('At this pace reached on {day}; {reset}', { day: date(guess.at, now), reset })
  if (guess.kind === 'fits') return say('At this pace {sum} by the end; {reset}', { sum: money(guess.total), reset })
  if (guess.kind === 'quiet')
    return say('Nothing spent {window}; {reset}', { window: PERIOD_WORDS[cap.period].window, reset })
  return capital(reset)
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
