// The packages to choose from.
// owns: the choice. never: paying. always true: price, fee and what arrives are all visible before a choice counts.

import { RadioGroup } from 'radix-ui'
import type { Package } from '../../server/contract/records.ts'
import { money } from '../format.ts'
import { say } from '../words.ts'

const CENT = 10_000

export function Packages({
  packages,
  picked,
  onPick,
}: {
  packages: Package[] | undefined
  picked: string
  onPick: (id: string) => void
}) {
  if (!packages) {
    return (
      <div className="grid gap-2" aria-busy="true" role="status" aria-label={say('Loading the packages')}>
        {['a', 'b', 'c', 'd'].map((key) => (
          <div key={key} className="skeleton h-[4.25rem] rounded-xl" />
        ))}
      </div>
    )
  }
  return (
    <RadioGroup.Root aria-label={say('Package')} value={picked} onValueChange={onPick} className="grid gap-2">
      {packages.map((p) => {
        const price = p.price_cents * CENT
        return (
          <RadioGroup.Item
            key={p.id}
            value={p.id}
            aria-label={say('{name}: pay {price}, get {balance}, fee {fee}', {
              name: p.name,
              price: money(price),
              balance: money(p.balance_credits),
              fee: money(price - p.balance_credits),
            })}
            className="group flex items-center gap-4 rounded-xl border border-line px-4 py-3 text-start transition-colors hover:bg-sunken/60 data-[state=checked]:border-accent data-[state=checked]:bg-soft"
          >
            <span
              aria-hidden
              className="grid size-5 shrink-0 place-items-center rounded-full border border-line-strong group-data-[state=checked]:border-accent"
            >
              <RadioGroup.Indicator className="size-2.5 rounded-full bg-accent" />
            </span>
            <span className="flex-1">
              <span className="nums block text-lg leading-tight font-semibold">{money(p.balance_credits)}</span>
              <span className="block text-xs text-muted">{say('for your balance')}</span>
            </span>
            <span className="nums text-end text-sm">
              <span className="block">{money(price)}</span>
              <span className="block text-xs text-muted">
                {say('includes {fee} fee', { fee: money(price - p.balance_credits) })}
              </span>
            </span>
          </RadioGroup.Item>
        )
      })}
    </RadioGroup.Root>
  )
}
