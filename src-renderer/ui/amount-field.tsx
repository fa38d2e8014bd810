// An amount in dollars, as people type it.
// owns: the field. never: what it is for. always true: an amount is read from its
// text, to the micro-dollar, or not at all.

import { useId } from 'react'
import { amountOf } from '../format.ts'
import { say } from '../words.ts'

type Props = { label: string; text: string; onChange: (text: string) => void; wrong?: string | null; hint?: string }

/** `wrong`: what is the matter with the amount beyond its being none. */
export function AmountField({ label, text, onChange, wrong = null, hint }: Props) {
  const id = useId()
  const bad = amountOf(text) === null ? say('Write an amount in dollars, such as 5 or 2.50.') : wrong
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {label}
      </label>
      <div className="relative">
        <span aria-hidden className="absolute inset-y-0 start-0 grid w-9 place-items-center text-lg text-muted">
          $
        </span>
        <input
          id={id}
          inputMode="decimal"
          autoComplete="off"
          value={text}
          aria-invalid={bad !== null}
          aria-describedby={bad !== null || hint ? `${id}-about` : undefined}
          onChange={(event) => onChange(event.target.value)}
          className="nums h-12 w-full rounded-lg border border-line-strong bg-surface ps-9 pe-3 text-xl font-medium aria-invalid:border-bad"
        />
      </div>
      {bad !== null ? (
        <p id={`${id}-about`} role="alert" className="mt-1.5 text-sm text-bad">
          {bad}
        </p>
      ) : (
        hint && (
          <p id={`${id}-about`} className="mt-1.5 text-xs text-muted">
            {hint}
          </p>
        )
      )}
    </div>
  )
}
