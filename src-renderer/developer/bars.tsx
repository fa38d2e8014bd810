// A series as bars.
// owns: the picture, and the same figures as a table for who cannot see it. never: a sum.
// always true: the scale begins at zero; each bar says its figure on hover.

import type { Interval } from '../../server/contract/analytics.ts'
import { LOCALE } from '../format.ts'
import { say } from '../words.ts'

type Point = { at: number; value: number }

const FORMATS: Record<Interval, Intl.DateTimeFormatOptions> = {
  hour: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  day: { day: 'numeric', month: 'short' },
  week: { day: 'numeric', month: 'short' },
  month: { month: 'short', year: '2-digit' },
}

export function Bars({
  label,
  interval,
  points,
  figure,
}: {
  label: string
  interval: Interval
  points: Point[]
  figure: (value: number) => string
}) {
  const format = new Intl.DateTimeFormat(LOCALE, { ...FORMATS[interval], timeZone: 'UTC' })
  const words = (at: number) => {
    const day = format.format(at)
    return interval === 'week' ? say('Week of {day}', { day }) : day
  }
  const most = Math.max(1, ...points.map(({ value }) => value))
  const [first, last] = [points[0], points.at(-1)]
  return (
    <figure className="relative">
      <div className="flex items-end gap-3" aria-hidden>
        <div className="flex h-44 min-w-0 flex-1 items-end gap-[2px] border-b border-line sm:gap-1">
          {points.map(({ at, value }) => (
            <div
              key={at}
              title={`${words(at)}: ${figure(value)}`}
              className="group flex h-full min-w-0 flex-1 items-end"
            >
              <div
                className={`w-full rounded-t-sm ${value > 0 ? 'min-h-0.5 bg-accent group-hover:bg-accent-hover' : ''}`}
                style={value > 0 ? { height: `${(value / most) * 100}%` } : undefined}
              />
            </div>
          ))}
        </div>
        <div className="nums flex h-44 shrink-0 flex-col justify-between text-end text-xs text-muted">
          <span>{figure(points.some(({ value }) => value > 0) ? most : 0)}</span>
          <span>{figure(0)}</span>
        </div>
      </div>
      {first && last && (
        <div className="mt-2 flex justify-between pe-12 text-xs text-muted" aria-hidden>
          <span>{words(first.at)}</span>
          <span>{words(last.at)}</span>
        </div>
      )}
      {/* A table does not shrink by itself; what is around it does. */}
      <div className="sr-only">
        <table>
          <caption>{say('{figure}, in UTC', { figure: label })}</caption>
          <tbody>
            {points.map(({ at, value }) => (
              <tr key={at}>
                <th scope="row">{words(at)}</th>
                <td>{figure(value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  )
}
