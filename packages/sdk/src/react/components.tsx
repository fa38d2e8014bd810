// Connect, balance, buy, spend: the four things an app shows of a wallet.
// owns: their markup, names for people who cannot see it, and class names. never: a colour (styles.css, by variables).
// always true: each is a native link, button or text; nothing needs inline styles, so a strict CSP may stand.

'use client'

import { type ComponentProps, type ReactNode, useState } from 'react'
import { dollars } from '../money.ts'
import { useQuota } from './context.tsx'

type Text = { children?: ReactNode }
const named = (name: string, more: string | undefined) => (more ? `${name} ${more}` : name)

/** A link to the consent page; once connected, a button that ends the connection. */
export function ConnectButton({ children, className }: Text & { className?: string }) {
  const { status, connected, source, disconnect } = useQuota()
  const [busy, setBusy] = useState(false)
  if (status === 'loading') {
    return (
      <span className={named('quota-button', className)} aria-busy="true">
        …
      </span>
    )
  }
  if (!connected) {
    return (
      <a className={named('quota-button', className)} href={source.connectUrl}>
        {children ?? 'Connect your wallet'}
      </a>
    )
  }
  const end = () => {
    setBusy(true)
    disconnect().finally(() => setBusy(false))
  }
  return (
    <button type="button" className={named('quota-button quota-quiet', className)} disabled={busy} onClick={end}>
      Disconnect
    </button>
  )
}

/** What can be spent here. Says each change aloud, politely. */
export function BalanceBadge({ className }: { className?: string }) {
  const { status, balance } = useQuota()
  const shown = balance === null ? '–' : dollars(balance)
  const said = status === 'failed' ? 'The balance cannot be read right now' : `Balance ${shown}`
  return (
    <output className={named('quota-badge', className)} aria-label={said} data-status={status}>
      {status === 'loading' ? '…' : shown}
    </output>
  )
}

type Buy = Text & { packageId: string } & Omit<ComponentProps<'button'>, 'type' | 'onClick' | 'children'>

/** Opens the payment page of a package. */
export function BuyButton({ packageId, children, className, ...rest }: Buy) {
  const { source } = useQuota()
  const [state, setState] = useState<'idle' | 'busy' | 'failed'>('idle')
  const buy = async () => {
    setState('busy')
    const url = await source.checkout(packageId).catch(() => null)
    if (url === null) setState('failed')
    else location.assign(url)
  }
  return (
    <>
      <button
        {...rest}
        type="button"
        className={named('quota-button', className)}
        disabled={state === 'busy'}
        onClick={buy}
      >
        {children ?? 'Add money'}
      </button>
      {state === 'failed' && (
        <span className="quota-problem" role="alert">
          The payment page could not be opened. Nothing was charged.
        </span>
      )}
    </>
  )
}

/** What this page has spent, of `limit` if there is one (micro-dollars). */
export function SpendMeter({ limit, className }: { limit?: number; className?: string }) {
  const { spent } = useQuota()
  const said = limit === undefined ? `${dollars(spent)} spent` : `${dollars(spent)} of ${dollars(limit)} spent`
  return (
    <span className={named('quota-meter', className)}>
      {limit !== undefined && (
        <meter aria-label={said} min={0} max={limit} high={nearly(limit)} value={Math.min(spent, limit)} />
      )}
      <output>{said}</output>
    </span>
  )
}

/** Four fifths: from here on the meter shows its warning colour. */
function nearly(limit: number): number {
  return Math.floor((limit * 4) / 5)
}
