// Money back to the card.
// owns: the question, its preview, the answer. never: what may be refunded (the server says it, and decides again).
// always true: each purchase that money comes back from is listed with its amount before anything is asked for, and the
// button names the sum.

import { RotateCcw } from 'lucide-react'
import { useCallback, useEffect, useState } from 'react'
import { RefundCreated, RefundsReply } from '../../server/contract/payments.ts'
import type { Topup } from '../../server/contract/records.ts'
import { amountOf, money, typed, when } from '../format.ts'
import { useBalance, useNow, useTopups } from '../live.ts'
import { refundParts } from '../refund-parts.ts'
import { useWallet } from '../session.ts'
import { AmountField } from '../ui/amount-field.tsx'
import { CardTitle, Failed, Money, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { say } from '../words.ts'
import { sentenceOf, useTry } from './account-page.tsx'

const CENT = 10_000
const PATH = '/api/payments/refunds'

export function RefundCard({ away }: { away: boolean }) {
  const [open, setOpen] = useState(false)
  const bought = useTopups()?.some((t) => t.status === 'paid') ?? false
  return (
    <section className="card p-5 sm:p-6" aria-label={say('Money back')}>
      <CardTitle>{say('Money back')}</CardTitle>
      <p className="text-sm text-muted">
        {say(
          'What you bought and have not spent can go back to the card it came from, at any time. The fee of a purchase does not come back.',
        )}
      </p>
      <Button className="mt-4" disabled={away || !bought} onClick={() => setOpen(true)}>
        <RotateCcw className="size-4" aria-hidden /> {say('Refund')}
      </Button>
      {open && (
        <Dialog title={say('Money back to your card')} onClose={() => setOpen(false)}>
          <Refund onClose={() => setOpen(false)} />
        </Dialog>
      )}
    </section>
  )
}

function Refund({ onClose }: { onClose: () => void }) {
  const { api } = useWallet()
  const [state, setState] = useState<RefundsReply | null>(null)
  const [failed, setFailed] = useState<string | null>(null)
  const [done, setDone] = useState<number | null>(null)
  const load = useCallback(async () => {
    setFailed(null)
    try {
      setState(RefundsReply.parse(await api.get(PATH)))
    } catch (error) {
      setFailed(sentenceOf(error))
    }
  }, [api])
  useEffect(() => void load(), [load])
  if (done !== null) return <Done amount={done} onClose={onClose} />
  if (failed !== null) return <Failed sentence={failed} onAgain={load} />
  if (!state) return <div className="skeleton h-48" role="status" aria-label={say('Asking what can go back')} />
  if (state.refundable === 0)
    return (
      <p className="text-sm text-muted">
        {say(
          'Nothing can go back now: what you bought is spent, reserved, refunded already or held by a dispute. Money that apps granted you is theirs to give, and cannot be paid out.',
        )}
      </p>
    )
  return <Ask state={state} onDone={setDone} reload={load} />
}

type AskProps = { state: RefundsReply; onDone: (amount: number) => void; reload: () => Promise<void> }

function Ask({ state, onDone, reload }: AskProps) {
  const { api } = useWallet()
  const [text, setText] = useState(typed(state.refundable))
  const [key, setKey] = useState(() => crypto.randomUUID())
  const { busy, wrong, attempt } = useTry()
  const amount = amountOf(text)
  const parts = amount === null || amount % CENT !== 0 ? null : refundParts(state.lots, amount)
  const problem =
    amount === null || parts
      ? null
      : amount % CENT !== 0
        ? say('Whole cents.')
        : say('At most {sum} can go back.', { sum: money(state.refundable) })
  const change = (next: string) => {
    setText(next)
    setKey(crypto.randomUUID()) // another amount is another refund; the same one, tried again, is the same
  }
  const send = async () => {
    const sent = await attempt(async () => {
      onDone(RefundCreated.parse(await api.post(PATH, { amount }, { 'idempotency-key': key })).amount)
    })
    if (!sent) void reload() // what can go back may have changed meanwhile
  }
  return (
    <form
      noValidate
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault()
        if (parts) void send()
      }}
    >
      <AmountField label={say('Amount')} text={text} onChange={change} wrong={problem} />
      {parts && amount !== null && <Preview parts={parts} amount={amount} />}
      {wrong && <Wrong>{wrong}</Wrong>}
      <Button look="main" size="large" type="submit" className="w-full" disabled={busy || !parts}>
        {parts && amount !== null ? say('Refund {sum}', { sum: money(amount) }) : say('Refund')}
      </Button>
    </form>
  )
}

function Preview({ parts, amount }: { parts: { topup_id: string; amount: number }[]; amount: number }) {
  const topups = useTopups()
  const available = useBalance()?.available
  const now = useNow()
  return (
    <div className="rounded-xl bg-sunken px-4 py-3 text-sm">
      <ul className="space-y-1.5" aria-label={say('Comes back from')}>
        {parts.map((part) => (
          <li key={part.topup_id} className="flex items-baseline justify-between gap-3">
            <span className="min-w-0">
              {purchaseName(
                topups?.find((t) => t.id === part.topup_id),
                now,
              )}
            </span>
            <Money micros={part.amount} className="font-medium" />
          </li>
        ))}
      </ul>
      {available !== undefined && (
        <p className="mt-3 flex items-baseline justify-between gap-3 border-t border-line pt-3 text-muted">
          <span>{say('Left in your wallet')}</span>
          <Money micros={Math.max(0, available - amount)} />
        </p>
      )}
      <p className="mt-3 text-xs text-muted">
        {say(
          'The oldest unspent money goes back first, each part to the card it came from. Fees do not come back; money that apps granted you stays as it is.',
        )}
      </p>
    </div>
  )
}

function purchaseName(topup: Topup | undefined, now: number): string {
  if (!topup) return say('An earlier purchase')
  return say('Bought {time} for {sum}', {
    time: when(Date.parse(topup.paid_at ?? topup.created_at), now),
    sum: money(topup.price_cents * CENT),
  })
}

function Done({ amount, onClose }: { amount: number; onClose: () => void }) {
  return (
    <div role="status">
      <p className="text-sm">
        <Money micros={amount} className="font-medium" />{' '}
        {say(
          'is on its way to your card. Banks show it within 5 to 10 days. If one cannot take it, the money comes back to your wallet and you are told.',
        )}
      </p>
      <Button look="main" className="mt-4" onClick={onClose}>
        {say('Done')}
      </Button>
    </div>
  )
}
