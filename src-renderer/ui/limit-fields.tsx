// Setting a limit: an amount and a period.
// owns: the two fields and the reading of what was typed. never: sending it. always true: an amount is read from its
// text, to the micro-dollar, or not at all.

import { RadioGroup } from 'radix-ui'
import type { Cap, Period } from '../../server/contract/records.ts'
import { amountOf, PERIOD_WORDS, typed } from '../format.ts'
import { say } from '../words.ts'
import { AmountField } from './amount-field.tsx'

export type Draft = { text: string; period: Period }

export const draftOf = (cap: Pick<Cap, 'amount' | 'period'>): Draft => ({ text: typed(cap.amount), period: cap.period })

/** The limit a draft means, or null while it means none. */
export function capOf(draft: Draft): Cap | null {
  const amount = amountOf(draft.text)
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
  return (
    <div className="space-y-3">
      <AmountField label={say('Limit')} text={draft.text} onChange={(text) => onChange({ ...draft, text })} />
      <RadioGroup.Root
        aria-label={say('How often the limit starts again')}
        orientation="horizontal"
        value={draft.period}
        onValueChange={(period) => onChange({ ...draft, period: period as Period })}
        className="grid auto-cols-fr grid-flow-col gap-1 rounded-lg bg-sunken p-1"
      >
        {periods.map((period) => (
          <RadioGroup.Item
            key={period}
            value={period}
            className="h-9 rounded-md text-sm text-muted data-[state=checked]:bg-raised data-[state=checked]:font-medium data-[state=checked]:text-ink data-[state=checked]:shadow-sm"
          >
            {PERIOD_WORDS[period].short}
          </RadioGroup.Item>
        ))}
      </RadioGroup.Root>
    </div>
  )
}
