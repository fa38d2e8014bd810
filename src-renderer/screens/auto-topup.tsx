// Automatic top-up, in the wallet.
// owns: the kept settings, and where a change is made. never: the settings' words. always true: what is shown is kept
// on this device and asked for anew; raising goes through a proof of the person, where their own sign-in is.

import { useCallback, useEffect, useState } from 'react'
import { Account } from '../../server/contract/api.ts'
import { AutoTopup } from '../../server/contract/payments.ts'
import type { Package } from '../../server/contract/records.ts'
import { ApiFailure, ownPage } from '../api.ts'
import { setMeta } from '../db.ts'
import { useMeta, useNotices, useTopups, useView } from '../live.ts'
import { useWallet, type Wallet } from '../session.ts'
import { shell } from '../shell/shell.ts'
import { CardTitle, Failed } from '../ui/bits.tsx'
import { say } from '../words.ts'
import { sentenceOf } from './account-page.tsx'
import type { AutoTopupWish, Terms } from './auto-topup-form.tsx'
import { AutoTopupPanel } from './auto-topup-panel.tsx'
import { type Guarded, useStepUp } from './security-step-up.tsx'

const PATH = '/api/payments/auto-topup'
/** The saved card. Removing it takes no proof, as turning off takes none. */
export const CARD_PATH = '/api/payments/card'

type Props = {
  packages: Package[] | undefined
  /** Why there are none, and how they are asked for again. */
  without: string | null
  askForThem: () => Promise<void>
  away: boolean
}

export function AutoTopupCard({ packages, without, askForThem, away }: Props) {
  const wallet = useWallet()
  const { settings, failed, ask } = useAutoTopup(wallet)
  const wrong = failed ?? without
  const email = useView()?.profile?.email ?? ''
  const { guarded, question } = useStepUp({ email })
  return (
    <section className="card p-5 sm:p-6" aria-label={say('Automatic top-up')}>
      <CardTitle>{say('Automatic top-up')}</CardTitle>
      {settings && packages ? (
        <AutoTopupPanel
          settings={settings}
          packages={packages}
          away={away}
          change={(wish) => changed(wallet, wish, guarded)}
          removeCard={async () => keep(wallet.db, await wallet.api.remove(CARD_PATH))}
        />
      ) : away ? (
        <p className="text-sm text-muted">{say('It is shown once the server can be reached.')}</p>
      ) : wrong ? (
        <Failed sentence={wrong} onAgain={() => Promise.all([ask(), askForThem()])} />
      ) : (
        <div className="skeleton h-20" role="status" aria-label={say('Loading the automatic top-up')} />
      )}
      {question}
    </section>
  )
}

type Asked = { settings: AutoTopup | undefined; failed: string | null; ask: () => Promise<void> }

/** The settings as last seen; asked for when the screen opens and when a purchase or a notice says that they moved. */
function useAutoTopup({ api, db }: Wallet): Asked {
  const kept = useMeta('auto_topup')
  const topups = useTopups()
  const notices = useNotices()
  const [failed, setFailed] = useState<string | null>(null)
  const ask = useCallback(async () => {
    setFailed(null)
    try {
      await keep(db, await api.get(PATH))
    } catch (error) {
      setFailed(sentenceOf(error)) // what was kept is shown all the same
    }
  }, [api, db])
  const moved = `${topups?.length} ${topups?.[0]?.status} ${notices?.length}`
  // biome-ignore lint/correctness/useExhaustiveDependencies: what moved is a reason to ask, and no part of the question
  useEffect(() => void ask(), [ask, moved])
  return { settings: kept?.settings, failed, ask }
}

const keep = (db: Wallet['db'], settings: unknown): Promise<void> =>
  setMeta(db, 'auto_topup', { settings: AutoTopup.parse(settings), at: Date.now() })

/** Makes a change; where it raises something, after a proof. False when that is done on the account page. */
async function changed({ api, db, account }: Wallet, wish: AutoTopupWish, guarded: Guarded): Promise<boolean> {
  try {
    await keep(db, await api.put(PATH, wish))
    return true
  } catch (error) {
    if (!(error instanceof ApiFailure) || error.code !== 'step_up_required') throw error
  }
  if (shell.kind === 'desktop') {
    await shell.open(`${api.origin}/wallet/account?top-up=${linkOf(wish)}`)
    return false
  }
  await keep(db, await guarded(() => asOwner(account, wish)))
  return true
}

/** The same by the sign-in of this browser, if it is this wallet's person who is signed in. */
async function asOwner(account: string, wish: AutoTopupWish): Promise<unknown> {
  const signedIn = Account.parse(await ownPage('/account'))
  if (signedIn.id !== account)
    throw new ApiFailure('other_account', say('Somebody else has signed in to this browser. Nothing was changed.'))
  return ownPage(PATH, wish, 'PUT')
}

const linkOf = ({ threshold, package_id, month_max_cents }: AutoTopupWish): string =>
  [threshold, package_id, month_max_cents].join('~')

/** The terms that a link of the wallet carries; null when it carries none. */
export function termsOfLink(text: string | undefined): Terms | null {
  const match = /^(\d{1,12})~([\w-]{1,64})~(\d{1,7})$/.exec(text ?? '')
  if (!match?.[2]) return null
  return { threshold: Number(match[1]), package_id: match[2], month_max_cents: Number(match[3]) }
}
