// Customers.
// owns: customers. never: their payment methods (payment-methods.ts).
// always true: a deleted customer stays as a stub, and nothing new can name it.

import type Stripe from 'stripe'
import { z } from 'zod'
import { missing } from './errors.ts'
import { emit } from './events.ts'
import { equal, listed } from './lists.ts'
import { clearable, created, listParams, mergedMetadata, metadata, params, text } from './params.ts'
import { must, type Work } from './work.ts'

const FIELDS = {
  description: clearable.optional(),
  email: clearable.optional(),
  metadata: metadata.optional(),
  name: clearable.optional(),
  phone: clearable.optional(),
}
export const CUSTOMER_CREATE = params({ ...FIELDS, preferred_locales: z.array(text).optional() })
export const CUSTOMER_UPDATE = params({
  ...FIELDS,
  invoice_settings: z.strictObject({ default_payment_method: clearable.optional() }).optional(),
})
export const CUSTOMER_LIST = listParams({ created: created.optional(), email: text.optional() })

type Fields = { [K in keyof typeof FIELDS]?: z.output<(typeof FIELDS)[K]> }

/** A customer that may still be named. @throws refusal `resource_missing` */
export async function liveCustomer(work: Work, id: string, param: string | null): Promise<Stripe.Customer> {
  const found = await must(work, 'customer', id, param)
  if (found.deleted) throw missing('customer', id, param)
  return found
}

export async function createCustomer(work: Work, given: Fields): Promise<Stripe.Customer> {
  const customer: Stripe.Customer = {
    id: work.id('cus'),
    object: 'customer',
    address: null,
    balance: 0,
    created: work.nowS,
    currency: null,
    customer_account: null,
    default_source: null,
    delinquent: false,
    description: given.description || null,
    discount: null,
    email: given.email || null,
    invoice_prefix: work.id('inv').slice(-8).toUpperCase(),
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: false,
    metadata: mergedMetadata(null, given.metadata),
    name: given.name || null,
    next_invoice_sequence: 1,
    phone: given.phone || null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null,
  }
  work.add('customer', customer)
  emit(work, 'customer.created', customer)
  return customer
}

export async function retrieveCustomer(work: Work, _given: unknown, [id = '']: string[]) {
  return must(work, 'customer', id, null)
}

export async function updateCustomer(work: Work, given: z.output<typeof CUSTOMER_UPDATE>, [id = '']: string[]) {
  const before = await liveCustomer(work, id, null)
  const kept = (name: 'description' | 'email' | 'name' | 'phone') =>
    given[name] === undefined ? (before[name] ?? null) : given[name] || null
  const method = given.invoice_settings?.default_payment_method
  if (method) {
    const found = await must(work, 'payment_method', method, 'invoice_settings[default_payment_method]')
    if (found.customer !== id) throw missing('PaymentMethod', method, 'invoice_settings[default_payment_method]')
  }
  const after: Stripe.Customer = {
    ...before,
    description: kept('description'),
    email: kept('email'),
    name: kept('name'),
    phone: kept('phone'),
    metadata: mergedMetadata(before.metadata, given.metadata),
    invoice_settings:
      method === undefined
        ? before.invoice_settings
        : { ...before.invoice_settings, default_payment_method: method || null },
  }
  work.put('customer', after)
  emit(work, 'customer.updated', after, changes(before, after))
  return after
}

export async function deleteCustomer(
  work: Work,
  _given: unknown,
  [id = '']: string[],
): Promise<Stripe.DeletedCustomer> {
  const before = await liveCustomer(work, id, null)
  const stub: Stripe.DeletedCustomer = { id, object: 'customer', deleted: true }
  work.put('customer', stub)
  for await (const method of work.all('payment_method'))
    if (method.customer === id) work.put('payment_method', { ...method, customer: null })
  emit(work, 'customer.deleted', before)
  return stub
}

export async function listCustomers(work: Work, given: z.output<typeof CUSTOMER_LIST>) {
  return listed(work, 'customer', '/v1/customers', given, (one) => !one.deleted && equal(one, { email: given.email }))
}

/** The fields that differ, as they were. */
export function changes<T extends object>(before: T, after: T): Record<string, unknown> {
  const differ = Object.entries(before).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify((after as Record<string, unknown>)[name]),
  )
  return Object.fromEntries(differ)
}
