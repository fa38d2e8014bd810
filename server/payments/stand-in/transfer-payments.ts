// The payment that a transfer makes at its destination.
// owns: its shape. never: the transfer. always true: it is a charge of the connected account, paid by the platform.

import type Stripe from 'stripe'
import { move } from './balance.ts'
import type { Work } from './work.ts'

/** @param work acting as the destination */
export function arrivedPayment(
  work: Work,
  { amount, transfer, availableOn }: { amount: number; transfer: string; availableOn: number },
): Stripe.Charge {
  const id = work.id('py')
  const transaction = move(work, { type: 'payment', category: 'charge', amount, source: id, availableOn })
  const nobody = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null }
  const payment: Stripe.Charge = {
    id,
    object: 'charge',
    amount,
    amount_captured: amount,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: transaction,
    billing_details: { address: nobody, email: null, name: null, phone: null, tax_id: null },
    calculated_statement_descriptor: null,
    captured: true,
    created: work.nowS,
    currency: 'usd',
    customer: null,
    description: null,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: null,
    failure_message: null,
    fraud_details: {},
    livemode: false,
    metadata: {},
    on_behalf_of: null,
    outcome: null,
    paid: true,
    payment_intent: null,
    payment_method: null,
    payment_method_details: { type: 'stripe_account', stripe_account: {} },
    receipt_email: null,
    receipt_number: null,
    receipt_url: null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: transfer,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: 'succeeded',
    transfer_data: null,
    transfer_group: null,
  }
  work.add('charge', payment)
  return payment
}
