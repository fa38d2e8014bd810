// What the components know: whether a wallet is connected, what is in it, and what this page has spent.
// owns: that state, and asking for it again. never: a credential (the app's own server has it).
// always true: a component without a provider says so; money is whole micro-dollars.

'use client'

import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react'

export type Standing = { connected: boolean; balance: number | null }
/** Where the components ask. `fromServer` is one; an app may bring its own. */
export type Source = {
  /** The address that begins connecting. */
  connectUrl: string
  me: () => Promise<Standing>
  /** @returns the address of the payment page */
  checkout: (packageId: string) => Promise<string>
  disconnect: () => Promise<void>
}
export type QuotaState = {
  /** `loading` until the first answer; `failed` while there is none. */
  status: 'loading' | 'ready' | 'failed'
  connected: boolean
  /** What is spendable in this app, in micro-dollars; null when nothing is known. */
  balance: number | null
  /** What this page has spent so far, in micro-dollars. */
  spent: number
  /** Tell it of each paid call: it adds up what was spent and shows what is left. */
  onSpend: (spend: { credits_used: number; balance_after: number }) => void
  refresh: () => Promise<void>
  disconnect: () => Promise<void>
  source: Source
}

const Context = createContext<QuotaState | null>(null)

/** Asks the handlers of `hostedWallet`, wherever they are mounted. */
export function fromServer(path = '/api/quota'): Source {
  const ask = async (method: string, name: string, body?: object) => {
    const init =
      body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    const reply = await fetch(`${path}/${name}`, { method, ...init })
    if (!reply.ok) throw new Error(`${method} ${path}/${name}: ${reply.status}`)
    return reply.json()
  }
  return {
    connectUrl: `${path}/connect`,
    me: () => ask('GET', 'me'),
    checkout: async (package_id) => (await ask('POST', 'checkout', { package_id })).url,
    disconnect: async () => void (await ask('POST', 'disconnect', {})),
  }
}

export function QuotaProvider({ source, children }: { source: Source; children: ReactNode }) {
  const [state, setState] = useState<Standing & { status: QuotaState['status'] }>({
    status: 'loading',
    connected: false,
    balance: null,
  })
  const [spent, setSpent] = useState(0)
  const refresh = useCallback(async () => {
    const me = await source.me().catch(() => null)
    setState((before) => (me ? { status: 'ready', ...me } : { ...before, status: 'failed' }))
  }, [source])
  useEffect(() => void refresh(), [refresh])
  const onSpend = useCallback<QuotaState['onSpend']>((spend) => {
    setSpent((before) => before + spend.credits_used)
    setState((before) => ({ ...before, balance: spend.balance_after }))
  }, [])
  const disconnect = useCallback(async () => {
    await source.disconnect()
    await refresh()
  }, [source, refresh])
  const value = useMemo(
    () => ({ ...state, spent, onSpend, refresh, disconnect, source }),
    [state, spent, onSpend, refresh, disconnect, source],
  )
  return <Context value={value}>{children}</Context>
}

/** @throws Error outside a QuotaProvider */
export function useQuota(): QuotaState {
  const state = useContext(Context)
  if (!state) throw new Error('useQuota: there is no <QuotaProvider> above')
  return state
}
