// Setting an automatic top-up.
// owns: three fields and what they may be. never: sending, the proof. always true: what it will buy, when, and the most
// it may cost are on the screen before it is turned on, and on the button.

import { useId, useState } from 'react'
import type { AutoTopup } from '../../server/contract/payments.ts'
import type { Package } from '../../server/contract/records.ts'
import { amountOf, money, short, typed } from '../format.ts'
import { AmountField } from '../ui/amount-field.tsx'
import { inputLook, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { say } from '../words.ts'
import { useTry } from './account-page.tsx'

const CENT = 10_000
const MONTH_MAX_CENTS = 1_000_000

/** What is asked of the server. */
export type AutoTopupWish = { enabled: boolean; threshold?: number; package_id?: string; month_max_cents?: number }
/** The terms of an automatic top-up. */
export type Terms = { threshold: number; package_id: string; month_max_cents: number }

/** The terms to begin with: those that stand, else small ones. */
export const termsOf = (settings: AutoTopup): Terms => ({
  threshold: settings.threshold ?? 2_000_000,
  package_id: settings.package_id ?? 'basic',
  month_max_cents: settings.month_max_cents ?? 5_000,
})

type Props = {
  terms: Terms
  packages: Package[]
  on: boolean
  save: (wish: AutoTopupWish) => Promise<void>
}

export function AutoTopupForm({ terms, packages, on, save }: Props) {
  const id = useId()
  const [below, setBelow] = useState(typed(terms.threshold))
  const [month, setMonth] = useState(typed(terms.month_max_cents * CENT))
  const [picked, setPicked] = useState(terms.package_id)
  const { busy, wrong, attempt } = useTry()
  const bought = packages.find((p) => p.id === picked) ?? packages[0]
  if (!bought) return <p className="text-sm text-muted">{say('There is no package to buy.')}</p>
  const read = readTerms({ below, month, bought })
  const price = bought.price_cents * CENT
  const send = () => attempt(async () => read.terms && (await save({ enabled: true, ...read.terms })))
  return (
    <form
      noValidate
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault()
        if (read.terms) void send()
      }}
    >
      <AmountField
        label={say('When the balance falls below')}
        text={below}
        onChange={setBelow}
        wrong={read.belowWrong}
      />
      <div>
        <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
          {say('Buy')}
        </label>
        <select id={id} value={bought.id} onChange={(event) => setPicked(event.target.value)} className={inputLook}>
          {packages.map((p) => (
            <option key={p.id} value={p.id}>
              {say('{balance} for {price} (fee {fee})', {
                balance: money(p.balance_credits),
                price: money(p.price_cents * CENT),
                fee: money(p.price_cents * CENT - p.balance_credits),
              })}
            </option>
          ))}
        </select>
      </div>
      <AmountField
        label={say('At most in a calendar month')}
        text={month}
        onChange={setMonth}
        wrong={read.monthWrong}
        hint={say('In price, fees included. Never more than three a day.')}
      />
      {wrong && <Wrong>{wrong}</Wrong>}
      <Button look="main" size="large" type="submit" className="w-full" disabled={busy || read.terms === null}>
        {on ? say('Save') : say('Turn on')}
        {read.terms &&
          `: ${say('{price} below {threshold}', { price: short(price), threshold: short(read.terms.threshold) })}`}
      </Button>
    </form>
  )
}

type Read = { terms: Terms | null; belowWrong: string | null; monthWrong: string | null }

/** What was typed, and what is the matter with it. */
function readTerms({ below, month, bought }: { below: string; month: string; bought: Package }): Read {
  const [threshold, most] = [amountOf(below), amountOf(month)]
  const monthMax = most === null ? null : most / CENT
  const price = bought.price_cents
  const belowWrong =
    threshold !== null && threshold > bought.balance_credits
      ? say('At most {sum}, which is what the package brings.', { sum: money(bought.balance_credits) })
      : null
  const monthWrong =
    monthMax === null
      ? null
      : monthMax < price
        ? say('At least {sum}, the price of the package.', { sum: money(price * CENT) })
        : monthMax > MONTH_MAX_CENTS
          ? say('At most {sum}.', { sum: money(MONTH_MAX_CENTS * CENT) })
          : Number.isInteger(monthMax)
            ? null
            : say('Whole cents.')
  const fine = threshold !== null && monthMax !== null && belowWrong === null && monthWrong === null
  return {
    terms: fine ? { threshold, package_id: bought.id, month_max_cents: monthMax } : null,
    belowWrong,
    monthWrong,
  }
}
