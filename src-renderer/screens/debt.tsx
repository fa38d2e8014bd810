// What a person owes.
// owns: what a debt means, and how it is settled. never: its amount (the balance says it).
// always true: shown only while something is owed; what settles it is named.

import { Scale } from 'lucide-react'
import { money } from '../format.ts'
import { useBalance } from '../live.ts'
import { Banner, Money } from '../ui/bits.tsx'

/** What is owed, in credits; 0 when nothing is or nothing is known. */
export const useDebt = (): number => useBalance()?.debt ?? 0

export function DebtBanner() {
  const debt = useDebt()
  if (debt === 0) return null
  return (
    <div className="mb-4">
      <Banner tone="warn" icon={Scale} alert>
        <strong className="font-semibold">
          You owe <Money micros={debt} />.
        </strong>{' '}
        A card payment was taken back after its money had been spent. Until it is settled, apps cannot spend from this
        wallet. Whatever you add settles it first.
      </Banner>
    </div>
  )
}

/** What becomes of a package's money while something is owed; empty when nothing is. */
export function debtWords(debt: number, credits: number): string {
  if (debt === 0) return ''
  if (credits < debt) return `All of it settles what you owe; ${money(debt - credits)} stays open.`
  if (credits === debt) return 'It settles all that you owe.'
  return `${money(debt)} of it settles what you owe; ${money(credits - debt)} is left for your balance.`
}
