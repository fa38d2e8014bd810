// The shape of a checkout session.
// owns: its fields as they are when it is made. never: a request's rules, an outcome.
// always true: the amount is the sum of the line items; what we never use is there as Stripe has it when unused.

import type Stripe from 'stripe'
import type { z } from 'zod'
import type { LINE_ITEM, SESSION_CREATE } from './checkout.ts'
import { letters } from './ids.ts'
import { mergedMetadata } from './params.ts'
import type { Work } from './work.ts'

type Session = Stripe.Checkout.Session
type Given = z.output<typeof SESSION_CREATE>

const DAY_S = 86_400

export function lineItem(work: Work, given: z.output<typeof LINE_ITEM>): Stripe.LineItem {
  const { price_data: price, quantity } = given
  const amount = price.unit_amount * quantity
  return {
    id: work.id('li'),
    object: 'item',
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: amount,
    amount_tax: 0,
    amount_total: amount,
    currency: price.currency,
    description: price.product_data.name,
    metadata: mergedMetadata(null, given.metadata),
    price: {
      id: work.id('price'),
      object: 'price',
      active: false,
      billing_scheme: 'per_unit',
      created: work.nowS,
      currency: price.currency,
      custom_unit_amount: null,
      livemode: false,
      lookup_key: null,
      metadata: {},
      nickname: null,
      product: work.id('prod'),
      recurring: null,
      tax_behavior: price.tax_behavior ?? 'unspecified',
      tiers_mode: null,
      transform_quantity: null,
      type: 'one_time',
      unit_amount: price.unit_amount,
      // On the wire a decimal is text; the SDK makes a number of its own of it.
      unit_amount_decimal: String(price.unit_amount) as unknown as Stripe.Price['unit_amount_decimal'],
    },
    quantity,
  }
}

export function newSession(
  work: Work,
  given: Given,
  { total, email }: { total: number; email: string | null },
): Session {
  const id = work.id('cs_test')
  const isEmbedded = given.ui_mode === 'embedded_page'
  const saved = given.saved_payment_method_options
  return {
    ...UNUSED,
    id,
    amount_subtotal: total,
    amount_total: total,
    cancel_url: given.cancel_url ?? null,
    client_reference_id: given.client_reference_id || null,
    client_secret: isEmbedded ? `${id}_secret_${letters(25)}` : null,
    created: work.nowS,
    currency: given.line_items[0]?.price_data.currency ?? 'usd',
    customer: given.customer ?? null,
    customer_creation: given.customer === undefined ? (given.customer_creation ?? 'if_required') : null,
    customer_details:
      given.customer === undefined && given.customer_email === undefined
        ? null
        : details(given.customer_email ?? email),
    customer_email: given.customer_email ?? null,
    expires_at: given.expires_at ?? work.nowS + DAY_S,
    locale: (given.locale ?? null) as Stripe.Checkout.Session.Locale | null,
    metadata: mergedMetadata(null, given.metadata),
    payment_method_types: given.payment_method_types ?? ['card', 'us_bank_account'],
    ...(isEmbedded ? { redirect_on_completion: given.redirect_on_completion ?? 'always' } : {}),
    ...(given.return_url === undefined ? {} : { return_url: given.return_url }),
    saved_payment_method_options:
      given.customer === undefined && saved === undefined
        ? null
        : {
            allow_redisplay_filters: saved?.allow_redisplay_filters ?? ['always'],
            payment_method_remove: saved?.payment_method_remove ?? 'disabled',
            payment_method_save: saved?.payment_method_save ?? null,
          },
    submit_type: given.submit_type ?? null,
    success_url: given.success_url ?? null,
    ui_mode: given.ui_mode ?? 'hosted_page',
    url: isEmbedded ? null : work.settings.pageUrl(`pay/${id}`),
  }
}

export function details(email: string | null): Stripe.Checkout.Session.CustomerDetails {
  return {
    address: null,
    business_name: null,
    email,
    individual_name: null,
    name: null,
    phone: null,
    tax_exempt: 'none',
    tax_ids: null,
  }
}

/** What a session of ours never uses. */
const UNUSED = {
  object: 'checkout.session',
  adaptive_pricing: { enabled: false },
  after_expiration: null,
  allow_promotion_codes: null,
  allowed_payment_method_types: null,
  automatic_tax: { enabled: false, liability: null, provider: null, status: null },
  billing_address_collection: null,
  collected_information: null,
  consent: null,
  consent_collection: null,
  currency_conversion: null,
  custom_fields: [],
  custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
  customer_account: null,
  discounts: [],
  integration_identifier: null,
  invoice: null,
  invoice_creation: null,
  livemode: false,
  managed_payments: null,
  mode: 'payment',
  origin_context: null,
  payment_intent: null,
  payment_link: null,
  payment_method_collection: 'if_required',
  payment_method_configuration_details: null,
  payment_method_options: {},
  payment_status: 'unpaid',
  permissions: null,
  phone_number_collection: { enabled: false },
  recovered_from: null,
  setup_intent: null,
  shipping_address_collection: null,
  shipping_cost: null,
  shipping_options: [],
  status: 'open',
  subscription: null,
  total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
  wallet_options: null,
} satisfies Partial<Session>
