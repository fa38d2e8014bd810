// Buying: one payment from its start until it has a page.
// owns: what is kept of a payment that was started here. never: card data; the credit itself (it arrives by the feed).
// always true: the key is kept before the first request, so a retry of the same purchase is the same payment.

import { CheckoutReply } from '../server/contract/api.ts'
import type { Package } from '../server/contract/records.ts'
import { getMeta, setMeta } from './db.ts'
import type { Wallet } from './session.ts'
import { shell } from './shell/shell.ts'

export type Checkout = {
  key: string
  package_id: string
  price_cents: number
  save_card: boolean
  at: number
  topup_id: string | null
  url: string | null
}

/** Starts the payment of a package, or goes on with one that was started and got no answer; opens its page. */
export async function startCheckout({ api, db }: Wallet, chosen: Package, saveCard: boolean): Promise<void> {
  const before = await getMeta(db, 'checkout')
  const same = before?.package_id === chosen.id && before.save_card === saveCard
  const key = before && same && before.topup_id === null ? before.key : crypto.randomUUID()
  const draft: Checkout = {
    key,
    package_id: chosen.id,
    price_cents: chosen.price_cents,
    save_card: saveCard,
    at: Date.now(),
    topup_id: null,
    url: null,
  }
  await setMeta(db, 'checkout', draft)
  const back = `${api.origin}/wallet/add-money`
  const body = {
    package_id: chosen.id,
    ui: 'embedded', // the form on a page of the server
    success_url: `${back}?topup={CHECKOUT_SESSION_ID}`,
    cancel_url: back,
    ...(saveCard && { save_card: true }),
  }
  const reply = CheckoutReply.parse(await api.post('/api/payments/checkout', body, { 'idempotency-key': key }))
  await setMeta(db, 'checkout', { ...draft, topup_id: reply.id, url: reply.url })
  await shell.pay({ topup_id: reply.id, url: reply.url })
}
