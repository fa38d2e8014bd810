// Adding money.
// owns: choosing a package, starting its payment, what became of it. never: card data; the credit itself (it arrives by
// the feed). always true: the fee is shown before paying, and the same payment is never started twice by one key.

import { useSearch } from '@tanstack/react-router'
import { CircleCheck, Clock, CloudOff } from 'lucide-react'
import { useEffect, useState } from 'react'
import { CheckoutReply, PackagesReply } from '../../server/contract/api.ts'
import type { Package, Topup } from '../../server/contract/records.ts'
import { ApiFailure } from '../api.ts'
import { getMeta, setMeta } from '../db.ts'
import { money, when } from '../format.ts'
import { useMeta, useNow, useTopups } from '../live.ts'
import { useWallet, type Wallet } from '../session.ts'
import { shell } from '../shell/shell.ts'
import { Badge, Banner, Money, PageTitle, type Tone, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Packages } from './packages.tsx'

const CENT = 10_000
/** A started payment is offered to be continued, under its own key, for as long as a payment page lives. */
const CHECKOUT_LIFE_MS = 30 * 60_000

export function AddMoney() {
  const wallet = useWallet()
  const now = useNow()
  const packages = usePackages(wallet)
  const status = useMeta('status')
  const [picked, setPicked] = useState('basic')
  const [busy, setBusy] = useState(false)
  const [wrong, setWrong] = useState<string | null>(null)
  const away = status?.state === 'offline' || status?.state === 'paused'
  const chosen = packages?.find((p) => p.id === picked) ?? packages?.[0]
  const pay = async () => {
    if (!chosen) return
    setBusy(true)
    setWrong(null)
    try {
      await checkout(wallet, chosen)
    } catch (error) {
      setWrong(sentence(error))
    }
    setBusy(false)
  }
  return (
    <>
      <PageTitle>Add money</PageTitle>
      <div className="grid items-start gap-4 lg:grid-cols-[1.2fr_1fr]">
        <section className="card p-5 sm:p-6">
          <PaymentState now={now} />
          {packages === undefined && away ? (
            <p className="flex items-center gap-2 py-6 text-sm text-muted">
              <CloudOff className="size-4" aria-hidden /> The packages are shown once the server can be reached.
            </p>
          ) : (
            <Packages packages={packages} picked={chosen?.id ?? ''} onPick={setPicked} />
          )}
          {chosen && (
            <>
              <Button look="main" size="large" className="mt-5 w-full" disabled={busy || away} onClick={pay}>
                {busy ? 'Opening the payment page…' : `Pay ${money(chosen.price_cents * CENT)}`}
              </Button>
              <p className="mt-3 text-center text-xs text-muted">
                {away
                  ? 'Adding money needs a connection.'
                  : 'You pay on a page of its own; the wallet never sees your card. Your balance does not expire.'}
              </p>
            </>
          )}
          {wrong && (
            <div className="mt-3">
              <Wrong>{wrong}</Wrong>
            </div>
          )}
        </section>
        <History now={now} />
      </div>
    </>
  )
}

/** Packages as last seen, and asked for anew when the screen opens; undefined while neither is there. */
function usePackages({ api, db }: Wallet): Package[] | undefined {
  const kept = useMeta('packages')
  useEffect(() => {
    const ask = async () => {
      const { packages } = PackagesReply.parse(await api.open('/v1/packages'))
      await setMeta(db, 'packages', { packages, at: Date.now() })
    }
    ask().catch(() => {}) // what was kept is shown; paying says what is wrong
  }, [api, db])
  return kept?.packages
}

async function checkout({ api, db }: Wallet, chosen: Package): Promise<void> {
  const before = await getMeta(db, 'checkout')
  const again = before && before.package_id === chosen.id && before.topup_id === null
  const key = again ? before.key : crypto.randomUUID()
  const draft = {
    key,
    package_id: chosen.id,
    price_cents: chosen.price_cents,
    at: Date.now(),
    topup_id: null,
    url: null,
  }
  await setMeta(db, 'checkout', draft) // before the first request, so that a retry is the same payment
  const back = `${api.origin}/wallet/add-money`
  const body = { package_id: chosen.id, success_url: `${back}?topup={CHECKOUT_SESSION_ID}`, cancel_url: back }
  const reply = CheckoutReply.parse(await api.post('/api/payments/checkout', body, { 'idempotency-key': key }))
  await setMeta(db, 'checkout', { ...draft, topup_id: reply.id, url: reply.url })
  await shell.pay({ topup_id: reply.id, url: reply.url })
}

function sentence(error: unknown): string {
  if (!(error instanceof ApiFailure)) return error instanceof Error ? error.message : String(error)
  if (error.code === 'offline') return 'The server cannot be reached. Nothing was paid; try again.'
  if (error.code === 'unauthorized') return 'You are signed out. Sign in, then try again. Nothing was paid.'
  return `${error.message} Nothing was paid.`
}

/** What became of the payment that was started last. */
function PaymentState({ now }: { now: number }) {
  const { db } = useWallet()
  const { topup } = useSearch({ from: '/framed/add-money' })
  const started = useMeta('checkout')
  const known = useTopups()?.find((t) => t.id === started?.topup_id)
  if (!started?.topup_id || !started.url) return null
  const { url, topup_id } = started
  const forget = () => setMeta(db, 'checkout', null)
  const done = (
    <Button look="quiet" className="h-8" onClick={forget}>
      OK
    </Button>
  )
  if (known?.status === 'paid') {
    return (
      <div className="mb-5">
        <Banner tone="good" icon={CircleCheck} action={done}>
          <Money micros={known.balance_credits} className="font-semibold" /> was added to your balance.
        </Banner>
      </div>
    )
  }
  const failed = known?.status === 'declined' || known?.status === 'expired'
  const old = now - started.at > CHECKOUT_LIFE_MS
  if (failed || old) {
    const words =
      known?.status === 'declined'
        ? 'The payment was declined. Nothing was charged.'
        : 'The payment page has expired. Nothing was charged.'
    return failed ? (
      <div className="mb-5">
        <Banner tone="warn" icon={Clock} alert action={done}>
          {words}
        </Banner>
      </div>
    ) : null
  }
  return (
    <div className="mb-5">
      <Banner
        tone="plain"
        icon={Clock}
        action={
          <span className="flex gap-1">
            <Button className="h-8" onClick={() => shell.pay({ topup_id, url })}>
              Continue
            </Button>
            <Button look="quiet" className="h-8" onClick={forget}>
              Dismiss
            </Button>
          </span>
        }
      >
        {topup === topup_id
          ? 'Waiting for the payment to be confirmed. The money appears by itself.'
          : `A payment of ${money(started.price_cents * CENT)} was started ${when(started.at, now)} and is not finished.`}
      </Banner>
    </div>
  )
}

const STATES: Record<Topup['status'], [string, Tone]> = {
  pending: ['Pending', 'plain'],
  paid: ['Paid', 'good'],
  processing: ['Under way', 'plain'],
  declined: ['Declined', 'bad'],
  failed: ['Failed', 'bad'],
  expired: ['Not finished', 'plain'],
}

function History({ now }: { now: number }) {
  const topups = useTopups()
  return (
    <section className="card p-5 sm:p-6">
      <h2 className="mb-3 text-sm font-medium text-muted">History</h2>
      {topups === undefined ? (
        <div className="skeleton h-40" />
      ) : topups.length === 0 ? (
        <p className="text-sm text-muted">Nothing added yet.</p>
      ) : (
        <ul className="divide-y divide-line">
          {topups.map((t) => (
            <li key={t.id} className="flex items-center justify-between gap-3 py-2.5 text-sm">
              <span>
                <span className="block">{when(Date.parse(t.paid_at ?? t.created_at), now)}</span>
                <span className="block text-xs text-muted">Price {money(t.price_cents * CENT)}</span>
              </span>
              <span className="flex items-center gap-3">
                <Badge tone={STATES[t.status][1]}>{STATES[t.status][0]}</Badge>
                <Money
                  micros={t.balance_credits}
                  text={`${t.status === 'paid' ? '+' : ''}${money(t.balance_credits)}`}
                  className={`w-16 text-end font-medium ${t.status === 'paid' ? '' : 'text-muted'}`}
                />
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
