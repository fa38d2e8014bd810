// What a person owes.
// owns: what a debt means, and how it is settled. never: its amount (the balance says it).
// always true: shown only while something is owed; what settles it is named.

import { Scale } from 'lucide-react'
import { money } from '../format.ts'
import { useBalance } from '../live.ts'
import { Say } from '../say.tsx'
import { Banner, Money } from '../ui/bits.tsx'
import { say } from '../words.ts'

/** What is owed, in credits; 0 when nothing is or nothing is known. */
export const useDebt = (): number => useBalance()?.debt ?? 0

export function DebtBanner() {
  const debt = useDebt()
  if (debt === 0) return null
  return (
    <div className="mb-4">
      <Banner tone="warn" icon={Scale} alert>
        <strong className="font-semibold">
          <Say words="You owe {sum}." sum={<Money micros={debt} />} />
        </strong>{' '}
        {say(
          'A card payment was taken back after its money had been spent. Until it is settled, apps cannot spend from this wallet. Whatever you add settles it first.',
        )}
      </Banner>
    </div>
  )
}

/** What becomes of a package's money while something is owed; empty when nothing is. */
export function debtWords(debt: number, credits: number): string {
  if (debt === 0) return ''
  if (credits < debt) return say('All of it settles what you owe; {sum} stays open.', { sum: money(debt - credits) })
  if (credits === debt) return say('It settles all that you owe.')
  return say('{sum} of it settles what you owe; {rest} is left for your balance.', {
    sum: money(debt),
    rest: money(credits - debt),
  })
}
