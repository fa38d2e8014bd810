// Money into the pool and out of it.
// owns: the dialog. never: a card (a package is paid on the payment page). always true: the button names the amount.

import { type FormEvent, useState } from 'react'
import { CheckoutReply, PackagesReply } from '../../server/contract/api.ts'
import type { PoolState } from '../../server/contract/developers.ts'
import { amountOf, money } from '../format.ts'
import { useTry } from '../screens/account-page.tsx'
import { Packages } from '../screens/packages.tsx'
import { useWallet } from '../session.ts'
import { shell } from '../shell/shell.ts'
import { Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { say } from '../words.ts'
import { Field } from './bits.tsx'
import { useRemote } from './remote.ts'

export type PoolMove = 'in' | 'out' | 'card'
type Props = { pool: PoolState | undefined; onDone: () => Promise<void>; onClose: () => void }

const TITLES: Record<PoolMove, string> = {
  in: say('Put balance into the pool'),
  out: say('Take money back from the pool'),
  card: say('Fund the pool by card'),
}

const HINTS: Record<'in' | 'out', (sum: string) => string> = {
  in: (sum) => say('{sum} is available.', { sum }),
  out: (sum) => say('{sum} can be taken back.', { sum }),
}

export function PoolDialog({ move, ...rest }: Props & { move: PoolMove }) {
  return (
    <Dialog title={TITLES[move]} onClose={rest.onClose}>
      {move === 'card' ? <ByCard {...rest} /> : <Amount move={move} {...rest} />}
    </Dialog>
  )
}

function Amount({ move, pool, onDone }: Props & { move: 'in' | 'out' }) {
  const { api } = useWallet()
  const { busy, wrong, setWrong, attempt } = useTry()
  const [key] = useState(() => crypto.randomUUID())
  const there = move === 'in' ? pool?.own_balance_credits : pool?.balance_credits
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const amount = amountOf(String(new FormData(event.currentTarget).get('amount')))
    if (amount === null) return setWrong(say('Write an amount in dollars, such as 5 or 2.50.'))
    const path = `/developers/grants/pool${move === 'out' ? '/withdraw' : ''}`
    void attempt(async () => {
      // The same key for another amount would be refused; the same amount again is the same move.
      await api.post(path, { amount }, { 'idempotency-key': `${key}-${amount}` })
      await onDone()
    })
  }
  return (
    <form onSubmit={submit} className="space-y-4">
      <Field
        label={say('Amount in dollars')}
        name="amount"
        inputMode="decimal"
        required
        hint={there === undefined ? '' : HINTS[move](money(there))}
      />
      {wrong && <Wrong>{wrong}</Wrong>}
      <Button look="main" size="large" type="submit" className="w-full" disabled={busy}>
        {move === 'in' ? say('Put it into the pool') : say('Take it back')}
      </Button>
    </form>
  )
}

function ByCard({ onClose }: Props) {
  const { api } = useWallet()
  const { busy, wrong, attempt } = useTry()
  const packages = useRemote('/v1/packages', PackagesReply)
  const [picked, setPicked] = useState('basic')
  const [key] = useState(() => crypto.randomUUID())
  const pay = () =>
    attempt(async () => {
      const back = `${api.origin}/wallet/developer/grants`
      const body = { package_id: picked, success_url: back, cancel_url: back }
      const headers = { 'idempotency-key': `${key}-${picked}` }
      const made = CheckoutReply.parse(await api.post('/developers/grants/pool/checkout', body, headers))
      await shell.pay({ topup_id: made.id, url: made.url })
      onClose()
    })
  return (
    <div>
      <Packages packages={packages.data?.packages} picked={picked} onPick={setPicked} />
      {wrong && (
        <div className="mt-3">
          <Wrong>{wrong}</Wrong>
        </div>
      )}
      <Button look="main" size="large" className="mt-5 w-full" disabled={busy} onClick={pay}>
        {busy ? say('Opening the payment page…') : say('Pay on the payment page')}
      </Button>
      <p className="mt-3 text-center text-xs text-muted">{say('What arrives goes on into the pool by itself.')}</p>
    </div>
  )
}
