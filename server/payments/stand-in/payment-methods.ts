// Payment methods: cards and bank accounts, by what the test numbers do.
// owns: payment methods and what their plastic does. never: a charge.
// always true: a method belongs to one customer at most, and once taken off it can never be used again.

import type Stripe from 'stripe'
import type { z } from 'zod'
import { z as zod } from 'zod'
import { cardNumbered, type Plastic, plasticNamed } from './cards.ts'
import { liveCustomer } from './customers.ts'
import { invalid, missing, refused } from './errors.ts'
import { emit } from './events.ts'
import { equal, listed } from './lists.ts'
import { integer, listParams, mergedMetadata, metadata, params, text } from './params.ts'
import { must, type Work } from './work.ts'

const NO_DETAILS: Stripe.PaymentMethod.BillingDetails = {
  address: { city: null, country: null, line1: null, line2: null, postal_code: null, state: null },
  email: null,
  name: null,
  phone: null,
  tax_id: null,
}
const EXPIRES = { month: 12, year: 2034 }

/** A new method of this plastic, of nobody. */
export function newMethod(
  work: Work,
  plastic: Plastic,
  given: { email?: string | null; metadata?: Record<string, string> } = {},
) {
  const id = work.id('pm')
  const method: Stripe.PaymentMethod = {
    id,
    object: 'payment_method',
    allow_redisplay: 'unspecified',
    billing_details: { ...NO_DETAILS, email: given.email ?? null },
    created: work.nowS,
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: given.metadata ?? {},
    type: plastic.type,
    ...(plastic.type === 'card' ? { card: cardOf(plastic) } : { us_bank_account: bankOf(plastic) }),
  }
  work.add('payment_method', method)
  work.add('_plastic', { id: `_plastic_${id}`, plastic })
  return method
}

/** What a method does when it is charged. */
export async function plasticOf(work: Work, methodId: string): Promise<Plastic> {
  const found = await work.find('_plastic', `_plastic_${methodId}`)
  if (!found) throw new Error(`${methodId} has no plastic`)
  return found.plastic
}

/** A method by its id, or a fresh one by the name of a ready-made one (`pm_card_visa`). */
export async function methodNamed(work: Work, name: string, param: string): Promise<Stripe.PaymentMethod> {
  const found = await work.find('payment_method', name)
  if (found) return found
  const plastic = plasticNamed(name)
  if (!plastic) throw missing('PaymentMethod', name, param)
  return newMethod(work, plastic)
}

/** Gives a method to a customer. @throws refusal when it is somebody's already */
export function attachTo(work: Work, method: Stripe.PaymentMethod, customerId: string): Stripe.PaymentMethod {
  if (method.customer === customerId) return method
  if (method.customer !== null)
    throw refused('The payment method you provided has already been attached to a customer.', {
      param: 'payment_method',
    })
  const attached: Stripe.PaymentMethod = { ...method, customer: customerId }
  work.put('payment_method', attached)
  emit(work, 'payment_method.attached', attached)
  return attached
}

function cardOf({ brand, last4 }: Plastic): Stripe.PaymentMethod.Card {
  const network = brand === 'bank' ? 'visa' : brand
  return {
    brand: network,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
    country: 'US',
    display_brand: network,
    exp_month: EXPIRES.month,
    exp_year: EXPIRES.year,
    fingerprint: `standin${last4}fingerprint`.slice(0, 16),
    funding: 'credit',
    generated_from: null,
    last4,
    networks: { available: [network], preferred: null },
    regulated_status: 'unregulated',
    three_d_secure_usage: { supported: true },
    wallet: null,
  }
}

function bankOf({ last4 }: Plastic): Stripe.PaymentMethod.UsBankAccount {
  return {
    account_holder_type: 'individual',
    account_type: 'checking',
    bank_name: 'STRIPE TEST BANK',
    financial_connections_account: null,
    fingerprint: `standin${last4}fingerprint`.slice(0, 16),
    last4,
    networks: { preferred: 'ach', supported: ['ach'] },
    routing_number: '110000000',
    status_details: null,
  }
}

// --- routes ---------------------------------------------------------------------------------------------------------

const TYPES = zod.enum(['card', 'us_bank_account'])
const CARD = zod.strictObject({
  number: text.optional(),
  token: text.optional(),
  exp_month: integer.optional(),
  exp_year: integer.optional(),
  cvc: text.optional(),
})
export const METHOD_CREATE = params({ type: TYPES, card: CARD.optional(), metadata: metadata.optional() })

export async function createMethod(work: Work, given: z.output<typeof METHOD_CREATE>) {
  const kept = { metadata: mergedMetadata(null, given.metadata) }
  if (given.type === 'us_bank_account') return newMethod(work, plasticNamed('pm_usBankAccount') as Plastic, kept)
  const { number, token } = given.card ?? {}
  if (number === undefined && token === undefined)
    throw invalid('card', 'Missing required param: card.', 'parameter_missing')
  const plastic = number === undefined ? plasticNamed((token ?? '').replace('tok_', 'pm_card_')) : cardNumbered(number)
  if (!plastic) throw refused('Your card number is incorrect.', { code: 'incorrect_number', param: 'card[number]' })
  return newMethod(work, plastic, kept)
}

export async function retrieveMethod(work: Work, _given: unknown, [id = '']: string[]) {
  return must(work, 'payment_method', id, null)
}

export const METHOD_UPDATE = params({
  metadata: metadata.optional(),
  allow_redisplay: zod.enum(['always', 'limited', 'unspecified']).optional(),
})

export async function updateMethod(work: Work, given: z.output<typeof METHOD_UPDATE>, [id = '']: string[]) {
  const before = await must(work, 'payment_method', id, null)
  const after: Stripe.PaymentMethod = {
    ...before,
    metadata: mergedMetadata(before.metadata, given.metadata),
    ...(given.allow_redisplay === undefined ? {} : { allow_redisplay: given.allow_redisplay }),
  }
  work.put('payment_method', after)
  emit(work, 'payment_method.updated', after, { metadata: before.metadata })
  return after
}

export const METHOD_LIST = listParams({ customer: text.optional(), type: TYPES.optional() })

export async function listMethods(work: Work, given: z.output<typeof METHOD_LIST>, [ofCustomer]: string[]) {
  const customer = ofCustomer ?? given.customer
  const path = ofCustomer === undefined ? '/v1/payment_methods' : `/v1/customers/${ofCustomer}/payment_methods`
  if (customer !== undefined) await liveCustomer(work, customer, ofCustomer === undefined ? 'customer' : null)
  return listed(
    work,
    'payment_method',
    path,
    given,
    (one) => customer !== undefined && equal(one, { customer, type: given.type }),
  )
}

export const METHOD_ATTACH = params({ customer: text })

export async function attachMethod(work: Work, given: z.output<typeof METHOD_ATTACH>, [id = '']: string[]) {
  await liveCustomer(work, given.customer, 'customer')
  const method = await methodNamed(work, id, 'payment_method')
  if ((await plasticOf(work, method.id)).declines !== undefined)
    throw refused('Your card was declined.', { code: 'card_declined' })
  return attachTo(work, method, given.customer)
}

export async function detachMethod(work: Work, _given: unknown, [id = '']: string[]) {
  const before = await must(work, 'payment_method', id, null)
  if (before.customer === null)
    throw refused('The payment method you provided is not attached to a customer so detachment is impossible.', {
      param: 'payment_method',
    })
  const after: Stripe.PaymentMethod = { ...before, customer: null }
  work.put('payment_method', after)
  work.put('_plastic', { id: `_plastic_${id}`, plastic: { ...(await plasticOf(work, id)), isSpent: true } })
  emit(work, 'payment_method.detached', after, { customer: before.customer })
  return after
}
