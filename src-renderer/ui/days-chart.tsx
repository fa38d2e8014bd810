// Spending by day, as bars.
// owns: drawing it. never: sums. always true: each bar says its day and amount on hover, and the whole says its sum to those
// who do not see it.

import { dayWords, money } from '../format.ts'

type Day = { day: string; spent: number }

/** @param name what is summed, for a screen reader ("Spent in the last 30 days") */
export function DaysChart({ days, name, className }: { days: Day[]; name: string; className: string }) {
  const most = Math.max(1, ...days.map((d) => d.spent))
  const total = days.reduce((sum, d) => sum + d.spent, 0)
  return (
    <div role="img" aria-label={`${name}: ${money(total)}`} className={`flex items-end gap-[3px] ${className}`}>
      {days.map(({ day, spent }) => (
        <div key={day} title={`${dayWords(day)}: ${money(spent)}`} className="group flex h-full flex-1 items-end">
          <div
            className={`w-full rounded-sm ${spent > 0 ? 'min-h-1 bg-accent group-hover:bg-accent-hover' : 'h-px bg-line'}`}
            style={spent > 0 ? { height: `${(spent / most) * 100}%` } : undefined}
          />
        </div>
      ))}
    </div>
  )
}
