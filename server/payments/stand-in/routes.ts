// The table of routes: what the stand-in speaks of Stripe's API.
// owns: which request goes where, and what it takes. never: what it does.
// always true: what is not in the table is refused as Stripe refuses an unknown address.

import type { z } from 'zod'
import * as accounts from './accounts.ts'
import type { Answer } from './answers.ts'
import * as balance from './balance.ts'
import * as charges from './charges.ts'
import * as checkout from './checkout.ts'
import * as customers from './customers.ts'
import * as disputes from './disputes.ts'
import { EVENT_LIST, listEvents, retrieveEvent } from './event-routes.ts'
import * as intents from './payment-intents.ts'
import * as methods from './payment-methods.ts'
import * as payouts from './payouts.ts'
import * as refunds from './refunds.ts'
import * as transfers from './transfers.ts'
import type { Work } from './work.ts'

export type Route = {
  method: 'DELETE' | 'GET' | 'POST'
  /** `{}` stands for an id. */
  path: string
  params: z.ZodType<{ expand?: string[] | undefined }>
  run: (work: Work, given: never, ids: string[]) => Promise<Answer>
}

const NONE = balance.EMPTY

/** Ties the parameters of a route to what takes them. */
function route<P extends { expand?: string[] | undefined }>(
  method: Route['method'],
  path: string,
  params: z.ZodType<P>,
  run: (work: Work, given: P, ids: string[]) => Promise<Answer>,
): Route {
  return { method, path, params, run }
}

export const ROUTES: readonly Route[] = [
  route('GET', '/v1/account', NONE, (work) => accounts.retrieveAccount(work, {}, [])),
  route('POST', '/v1/account_links', accounts.LINK_CREATE, accounts.createLink),
  route('GET', '/v1/accounts', accounts.ACCOUNT_LIST, accounts.listAccounts),
  route('POST', '/v1/accounts', accounts.ACCOUNT_CREATE, accounts.createAccount),
  route('GET', '/v1/accounts/{}', NONE, accounts.retrieveAccount),
  route('POST', '/v1/accounts/{}', accounts.ACCOUNT_UPDATE, accounts.updateAccount),
  route('DELETE', '/v1/accounts/{}', NONE, accounts.deleteAccount),
  route('GET', '/v1/accounts/{}/capabilities', NONE, accounts.listCapabilities),
  route('GET', '/v1/accounts/{}/capabilities/{}', NONE, accounts.retrieveCapability),
  route('POST', '/v1/accounts/{}/login_links', NONE, accounts.createLoginLink),
  route('GET', '/v1/balance', NONE, balance.retrieveBalance),
  route('GET', '/v1/balance_transactions', balance.TRANSACTION_LIST, balance.listTransactions),
  route('GET', '/v1/balance_transactions/{}', NONE, balance.retrieveTransaction),
  route('GET', '/v1/charges', charges.CHARGE_LIST, charges.listCharges),
  route('GET', '/v1/charges/{}', NONE, charges.retrieveCharge),
  route('POST', '/v1/charges/{}', charges.CHARGE_UPDATE, charges.updateCharge),
  route('GET', '/v1/checkout/sessions', checkout.SESSION_LIST, checkout.listSessions),
  route('POST', '/v1/checkout/sessions', checkout.SESSION_CREATE, checkout.createSession),
  route('GET', '/v1/checkout/sessions/{}', NONE, checkout.retrieveSession),
  route('POST', '/v1/checkout/sessions/{}', checkout.SESSION_UPDATE, checkout.updateSession),
  route('POST', '/v1/checkout/sessions/{}/expire', NONE, checkout.expireSession),
  route('GET', '/v1/checkout/sessions/{}/line_items', checkout.LINE_ITEM_LIST, checkout.listLineItems),
  route('GET', '/v1/customers', customers.CUSTOMER_LIST, customers.listCustomers),
  route('POST', '/v1/customers', customers.CUSTOMER_CREATE, customers.createCustomer),
  route('GET', '/v1/customers/{}', NONE, customers.retrieveCustomer),
  route('POST', '/v1/customers/{}', customers.CUSTOMER_UPDATE, customers.updateCustomer),
  route('DELETE', '/v1/customers/{}', NONE, customers.deleteCustomer),
  route('GET', '/v1/customers/{}/payment_methods', methods.METHOD_LIST, methods.listMethods),
  route('GET', '/v1/disputes', disputes.DISPUTE_LIST, disputes.listDisputes),
  route('GET', '/v1/disputes/{}', NONE, disputes.retrieveDispute),
  route('POST', '/v1/disputes/{}', disputes.DISPUTE_UPDATE, disputes.updateDispute),
  route('POST', '/v1/disputes/{}/close', NONE, disputes.closeDispute),
  route('GET', '/v1/events', EVENT_LIST, listEvents),
  route('GET', '/v1/events/{}', NONE, retrieveEvent),
  route('GET', '/v1/payment_intents', intents.INTENT_LIST, intents.listIntents),
  route('POST', '/v1/payment_intents', intents.INTENT_CREATE, intents.createIntent),
  route('GET', '/v1/payment_intents/{}', NONE, intents.retrieveIntent),
  route('POST', '/v1/payment_intents/{}', intents.INTENT_UPDATE, intents.updateIntent),
  route('POST', '/v1/payment_intents/{}/cancel', intents.INTENT_CANCEL, intents.cancelIntent),
  route('POST', '/v1/payment_intents/{}/confirm', intents.INTENT_CONFIRM, intents.confirmIntent),
  route('GET', '/v1/payment_methods', methods.METHOD_LIST, (work, given) => methods.listMethods(work, given, [])),
  route('POST', '/v1/payment_methods', methods.METHOD_CREATE, methods.createMethod),
  route('GET', '/v1/payment_methods/{}', NONE, methods.retrieveMethod),
  route('POST', '/v1/payment_methods/{}', methods.METHOD_UPDATE, methods.updateMethod),
  route('POST', '/v1/payment_methods/{}/attach', methods.METHOD_ATTACH, methods.attachMethod),
  route('POST', '/v1/payment_methods/{}/detach', NONE, methods.detachMethod),
  route('GET', '/v1/payouts', payouts.PAYOUT_LIST, payouts.listPayouts),
  route('POST', '/v1/payouts', payouts.PAYOUT_CREATE, payouts.createPayout),
  route('GET', '/v1/payouts/{}', NONE, payouts.retrievePayout),
  route('POST', '/v1/payouts/{}', payouts.PAYOUT_UPDATE, payouts.updatePayout),
  route('POST', '/v1/payouts/{}/cancel', NONE, payouts.cancelPayout),
  route('GET', '/v1/radar/early_fraud_warnings', disputes.WARNING_LIST, disputes.listWarnings),
  route('GET', '/v1/radar/early_fraud_warnings/{}', NONE, disputes.retrieveWarning),
  route('GET', '/v1/refunds', refunds.REFUND_LIST, refunds.listRefunds),
  route('POST', '/v1/refunds', refunds.REFUND_CREATE, refunds.createRefund),
  route('GET', '/v1/refunds/{}', NONE, refunds.retrieveRefund),
  route('POST', '/v1/refunds/{}', refunds.REFUND_UPDATE, refunds.updateRefund),
  route('GET', '/v1/transfers', transfers.TRANSFER_LIST, transfers.listTransfers),
  route('POST', '/v1/transfers', transfers.TRANSFER_CREATE, transfers.createTransfer),
  route('GET', '/v1/transfers/{}', NONE, transfers.retrieveTransfer),
  route('POST', '/v1/transfers/{}', transfers.TRANSFER_UPDATE, transfers.updateTransfer),
  route('GET', '/v1/transfers/{}/reversals', transfers.REVERSAL_LIST, transfers.listReversals),
  route('POST', '/v1/transfers/{}/reversals', transfers.REVERSAL_CREATE, transfers.createReversal),
  route('GET', '/v1/transfers/{}/reversals/{}', NONE, transfers.retrieveReversal),
]

const PATTERNS = ROUTES.map((one) => ({
  route: one,
  pattern: new RegExp(`^${one.path.replaceAll('{}', '([A-Za-z0-9_]+)')}$`),
}))

/** The route of a request, and the ids in its path. */
export function routeOf(method: string, path: string): { route: Route; ids: string[] } | undefined {
  for (const { route: found, pattern } of PATTERNS) {
    const match = found.method === method ? pattern.exec(path) : null
    if (match) return { route: found, ids: match.slice(1) }
  }
  return undefined
}
