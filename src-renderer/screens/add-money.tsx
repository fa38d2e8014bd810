// Adding money, and what became of it.
// owns: choosing a package and starting its payment; the arrangement of the rest. never: card data; the credit itself
// (it arrives by the feed). always true: the fee, and what a debt takes of it, are shown before paying.

import { CloudOff } from 'lucide-react'
import { useCallback, useEffect, useState } from 'react'
import { PackagesReply } from '../../server/contract/api.ts'
import type { Package } from '../../server/contract/records.ts'
import { ApiFailure } from '../api.ts'
import { startCheckout } from '../checkout.ts'
import { setMeta } from '../db.ts'
import { money } from '../format.ts'
import { useMeta, useNow } from '../live.ts'
import { useWallet, type Wallet } from '../session.ts'
import { Failed, PageTitle, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { say } from '../words.ts'
import { sentenceOf } from './account-page.tsx'
import { AutoTopupCard } from './auto-topup.tsx'
import { cardWords } from './auto-topup-panel.tsx'
import { DebtBanner, debtWords, useDebt } from './debt.tsx'
import { Packages } from './packages.tsx'
import { PaymentState } from './payment-state.tsx'
import { Purchases } from './purchases.tsx'
import { RefundCard } from './refund.tsx'

const CENT = 10_000

export function AddMoney() {
  const wallet = useWallet()
  const now = useNow()
  const { packages, failed, ask } = usePackages(wallet)
  const status = useMeta('status')
  const away = status?.state === 'offline' || status?.state === 'paused'
  return (
    <>
      <PageTitle>{say('Add money')}</PageTitle>
      <DebtBanner />
      <div className="grid items-start gap-4 lg:grid-cols-[1.2fr_1fr] *:min-w-0">
        <section className="card p-5 sm:p-6" aria-label={say('Buy')}>
          <PaymentState now={now} />
          {packages === undefined && away ? (
            <p className="flex items-center gap-2 py-6 text-sm text-muted">
              <CloudOff className="size-4 shrink-0" aria-hidden />{' '}
              {say('The packages are shown once the server can be reached.')}
            </p>
          ) : packages === undefined && failed ? (
            <Failed sentence={failed} onAgain={ask} />
          ) : (
            <Buy packages={packages} away={away} />
          )}
        </section>
        <div className="grid gap-4">
          <AutoTopupCard packages={packages} without={failed} askForThem={ask} away={away} />
          <RefundCard away={away} />
        </div>
        <Purchases now={now} />
      </div>
    </>
  )
}

function Buy({ packages, away }: { packages: Package[] | undefined; away: boolean }) {
  const wallet = useWallet()
  const debt = useDebt()
  const [picked, setPicked] = useState('basic')
  const [saveCard, setSaveCard] = useState(false)
  const [busy, setBusy] = useState(false)
  const [wrong, setWrong] = useState<string | null>(null)
  const chosen = packages?.find((p) => p.id === picked) ?? packages?.[0]
  const pay = async () => {
    if (!chosen) return
    setBusy(true)
    setWrong(null)
    try {
      await startCheckout(wallet, chosen, saveCard)
    } catch (error) {
      setWrong(sentence(error))
    }
    setBusy(false)
  }
  return (
    <>
      <Packages packages={packages} picked={chosen?.id ?? ''} onPick={setPicked} />
      {chosen && (
        <>
          {debt > 0 && <p className="mt-3 text-sm">{debtWords(debt, chosen.balance_credits)}</p>}
          <KeepCard checked={saveCard} onChange={setSaveCard} />
          <Button look="main" size="large" className="mt-4 w-full" disabled={busy || away} onClick={pay}>
            {busy ? say('Opening the payment page…') : say('Pay {sum}', { sum: money(chosen.price_cents * CENT) })}
          </Button>
          <p className="mt-3 text-center text-xs text-muted">
            {away
              ? say('Adding money needs a connection.')
              : say('You pay on a page of its own; the wallet never sees your card. Your balance does not expire.')}
          </p>
        </>
      )}
      {wrong && (
        <div className="mt-3">
          <Wrong>{wrong}</Wrong>
        </div>
      )}
    </>
  )
}

/** A card is kept for automatic top-ups alone, and only when its person says so. */
function KeepCard({ checked, onChange }: { checked: boolean; onChange: (checked: boolean) => void }) {
  const card = useMeta('auto_topup')?.settings.card
  return (
    <label className="mt-4 flex items-start gap-2.5 text-sm">
      <input
        type="checkbox"
        checked={checked}
        onChange={(event) => onChange(event.target.checked)}
        className="mt-0.5 size-4 shrink-0 accent-accent"
      />
      <span>
        {say('Keep this card for automatic top-ups')}
        <span className="block text-xs text-muted">
          {card
            ? say('It takes the place of {card}.', { card: cardWords(card) })
            : say('Nothing is charged by it until you turn those on.')}
        </span>
      </span>
    </label>
  )
}

type Asked = { packages: Package[] | undefined; failed: string | null; ask: () => Promise<void> }

/** Packages as last seen, and asked for anew when the screen opens; undefined while neither is there. */
function usePackages({ api, db }: Wallet): Asked {
  const kept = useMeta('packages')
  const [failed, setFailed] = useState<string | null>(null)
  const ask = useCallback(async () => {
    setFailed(null)
    try {
      const { packages } = PackagesReply.parse(await api.open('/v1/packages'))
      await setMeta(db, 'packages', { packages, at: Date.now() })
    } catch (error) {
      setFailed(sentenceOf(error)) // what was kept is shown all the same
    }
  }, [api, db])
  useEffect(() => void ask(), [ask])
  return { packages: kept?.packages, failed, ask }
}

function sentence(error: unknown): string {
  if (!(error instanceof ApiFailure)) return error instanceof Error ? error.message : String(error)
  if (error.code === 'offline') return say('The server cannot be reached. Nothing was paid; try again.')
  if (error.code === 'unauthorized') return say('You are signed out. Sign in, then try again. Nothing was paid.')
  return say('{reason} Nothing was paid.', { reason: error.message })
}
