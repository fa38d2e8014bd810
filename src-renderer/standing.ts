// What a shell shows of the wallet beside its page, and what the person chose there.
// owns: telling the shell how things stand, and following what it held for the page. never: an approval, or anything that
// raises a limit. always true: what comes from the shell is one of a closed list; it stops, refuses or shows, no more.

import { type UseNavigateResult, useNavigate } from '@tanstack/react-router'
import { useEffect } from 'react'
import type { ReturnKind } from '../server/contract/shell.ts'
import { enqueue } from './db-outbox.ts'
import { useBalance, useView } from './live.ts'
import { useSession, useWallet, type Wallet } from './session.ts'
import { shell } from './shell/shell.ts'

/** Tells the shell the balance, whether all spending is stopped, and how much waits. Mounted while a wallet is open. */
export function useStanding(): void {
  useWallet()
  const view = useView()
  const balance = useBalance()
  const available = balance?.available ?? null
  const frozen = view?.profile?.frozen ?? false
  const waiting = (view?.requests.length ?? 0) + (view?.approvals.length ?? 0)
  const isKnown = view !== undefined && balance !== undefined
  useEffect(() => {
    if (isKnown) shell.show({ available, frozen, waiting }).catch(() => {}) // a shell that cannot show it loses nothing
  }, [isKnown, available, frozen, waiting])
}

/** Takes what the shell holds for the page: when a wallet opens, and at each nudge after that. */
export function useReturns(): void {
  const session = useSession()
  const wallet = session.phase === 'open' ? session.wallet : null
  const isOut = session.phase === 'signed-out'
  const navigate = useNavigate()
  useEffect(() => {
    if (isOut) shell.show(null).catch(() => {})
  }, [isOut])
  useEffect(() => {
    if (!wallet) return
    const take = async () => {
      for (let held = await shell.takeReturn(); held !== null; held = await shell.takeReturn()) {
        await follow(held, { wallet, navigate })
      }
    }
    void take()
    return shell.on('returned', () => void take())
  }, [wallet, navigate])
}

type With = { wallet: Wallet; navigate: UseNavigateResult<string> }
const PLACES = ['activity', 'apps', 'add-money', 'settings'] as const
const home = (_id: string, { navigate }: With) => navigate({ to: '/' })

const FOLLOW: Record<ReturnKind, (id: string, at: With) => Promise<unknown>> = {
  request: home,
  approval: home,
  topup: (topup, { navigate }) => navigate({ to: '/add-money', search: { topup } }),
  app: (_id, { navigate }) => navigate({ to: '/apps' }),
  go(place, at) {
    const known = PLACES.find((one) => one === place)
    return known ? at.navigate({ to: `/${known}` }) : home(place, at)
  },
  pause: (connection_id, { wallet }) => enqueue(wallet.db, 'connection.pause', { connection_id }),
  refuse: (uid, { wallet }) => enqueue(wallet.db, 'request.answer', { uid, decision: 'deny' }),
  freeze: (_id, { wallet }) => enqueue(wallet.db, 'wallet.freeze', {}),
  unfreeze: home, // the line at the top of every screen says what would be allowed, and asks
}

async function follow(held: string, at: With): Promise<void> {
  const [kind, id] = held.split(':', 2) as [ReturnKind, string]
  await FOLLOW[kind](id, at)
  at.wallet.sync.now()
}
