// Setting a limit: an amount and a period.
// owns: the two fields and the reading of what was typed. never: sending it. always true: an amount is read from its
// text, to the micro-dollar, or not at all.

import { RadioGroup } from 'radix-ui'
import { useId } from 'react'
import { microsFromDollarText } from '../../server/contract/money.ts'
import type { Cap, Period } from '../../server/contract/records.ts'
import { PERIOD_WORDS, typed } from '../format.ts'

export type Draft = { text: string; period: Period }

export const draftOf = (cap: Pick<Cap, 'amount' | 'period'>): Draft => ({ text: typed(cap.amount), period: cap.period })

/** The limit a draft means, or null while it means none. */
export function capOf(draft: Draft): Cap | null {
  const amount = microsFromDollarText(draft.text.trim().replace(/^\$/, '').replace(',', '.'))
  return amount === null ? null : { amount, period: draft.period }
}

const PERIODS: Period[] = ['day', 'week', 'month', 'total']

export function LimitFields({
  draft,
  onChange,
  periods = PERIODS,
}: {
  draft: Draft
  onChange: (draft: Draft) => void
  periods?: Period[]
}) {
  const id = useId()
  const bad = capOf(draft) === null
  return (
    <div className="space-y-3">
      <div>
        <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
          Limit
        </label>
        <div className="relative">
          <span aria-hidden className="absolute inset-y-0 start-0 grid w-9 place-items-center text-lg text-muted">
            $
          </span>
          <input
            id={id}
            inputMode="decimal"
            autoComplete="off"
            value={draft.text}
            aria-invalid={bad}
            aria-describedby={bad ? `${id}-bad` : undefined}
            onChange={(event) => onChange({ ...draft, text: event.target.value })}
            className="nums h-12 w-full rounded-lg border border-line-strong bg-surface ps-9 pe-3 text-xl font-medium aria-invalid:border-bad"
          />
        </div>
        {bad && (
          <p id={`${id}-bad`} role="alert" className="mt-1.5 text-sm text-bad">
            Write an amount in dollars, such as 5 or 2.50.
          </p>
        )}
      </div>
      <RadioGroup.Root
        aria-label="How often the limit starts again"
        orientation="horizontal"
        value={draft.period}
        onValueChange={(period) => onChange({ ...draft, period: period as Period })}
        className="grid auto-cols-fr grid-flow-col gap-1 rounded-lg bg-sunken p-1"
      >
        {periods.map((period) => (
          <RadioGroup.Item
            key={period}
            value={period}
            className="h-9 rounded-md text-sm text-muted data-[state=checked]:bg-surface data-[state=checked]:font-medium data-[state=checked]:text-ink data-[state=checked]:shadow-sm"
          >
            {PERIOD_WORDS[period].short}
          </RadioGroup.Item>
        ))}
      </RadioGroup.Root>
    </div>
  )
}
