// What became of the payment that was started last.
// owns: one banner. never: a guess (an outcome is what the feed says). always true: it stays until the person has seen
// the outcome, and a payment that is open can be gone on with.

import { useSearch } from '@tanstack/react-router'
import { CircleCheck, Clock, TriangleAlert } from 'lucide-react'
import type { Topup } from '../../server/contract/records.ts'
import { setMeta } from '../db.ts'
import { money, when } from '../format.ts'
import { useMeta, useTopups } from '../live.ts'
import { useWallet } from '../session.ts'
import { shell } from '../shell/shell.ts'
import { Banner, Money } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { say } from '../words.ts'
import { purchaseWords } from './purchase-words.ts'

const CENT = 10_000
/** How long a payment page lives; a payment that is neither paid nor told of after it is over. */
const CHECKOUT_LIFE_MS = 24 * 3_600_000

export function PaymentState({ now }: { now: number }) {
  const { db } = useWallet()
  const { topup } = useSearch({ from: '/framed/add-money' })
  const started = useMeta('checkout')
  const known = useTopups()?.find((t) => t.id === started?.topup_id)
  if (!started?.topup_id || !started.url) return null
  const { url, topup_id, price_cents, at } = started
  const forget = () => setMeta(db, 'checkout', null)
  const open = known === undefined || known.status === 'pending'
  if (open && now - at > CHECKOUT_LIFE_MS) return null
  if (!open) return <Ended topup={known} onSeen={forget} />
  return (
    <div className="mb-5">
      <Banner
        tone="plain"
        icon={Clock}
        action={
          <span className="flex gap-1">
            <Button className="h-8" onClick={() => shell.pay({ topup_id, url })}>
              {say('Continue')}
            </Button>
            <Button look="quiet" className="h-8" onClick={forget}>
              {say('Dismiss')}
            </Button>
          </span>
        }
      >
        {topup === topup_id
          ? say('The payment is not confirmed yet. If you paid, the money appears by itself.')
          : say('A payment of {sum} was started {time} and is not finished.', {
              sum: money(price_cents * CENT),
              time: when(at, now),
            })}
      </Banner>
    </div>
  )
}

function Ended({ topup, onSeen }: { topup: Topup; onSeen: () => void }) {
  const { label, why } = purchaseWords(topup)
  const paid = topup.status === 'paid'
  const bad = topup.status === 'declined' || topup.status === 'failed'
  const action = (
    <Button look="quiet" className="h-8" onClick={onSeen}>
      {say('OK')}
    </Button>
  )
  return (
    <div className="mb-5">
      <Banner
        tone={paid ? 'good' : bad || topup.status === 'expired' ? 'warn' : 'plain'}
        icon={paid ? CircleCheck : bad ? TriangleAlert : Clock}
        alert={bad}
        action={action}
      >
        {paid ? (
          <>
            <Money micros={topup.balance_credits} className="font-semibold" /> {say('was added to your balance.')}
          </>
        ) : (
          <>
            <strong className="font-medium">{label}.</strong> {why}
          </>
        )}
      </Banner>
    </div>
  )
}
