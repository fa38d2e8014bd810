// Every expected failure, as one closed table.
// owns: codes, their HTTP status, type and public sentence. never: private causes (those stay in the server's log).
// always true: a code that is not a row here cannot be thrown, and every row has its anchor in /docs.

import { z } from 'zod'

type Row = readonly [status: number, type: string, message: string]

const BAD = 'invalid_request_error'
const AUTH = 'authentication_error'
const MONEY = 'insufficient_funds'
const DENIED = 'permission_error'
const MISSING = 'not_found_error'
const CONFLICT = 'conflict_error'
const RATE = 'rate_limit_error'
const UPSTREAM = 'upstream_error'
const SERVER = 'server_error'

export const FAULTS = {
  bad_request: [400, BAD, 'The request is malformed.'],
  unsupported_parameter: [400, BAD, 'This parameter is not supported here.'],
  user_required: [400, BAD, 'This key bills a user: name one in the path or in X-Quota-User.'],
  invalid_email: [400, BAD, 'This is not an e-mail address.'],
  weak_password: [400, BAD, 'A password has at least 8 characters.'],
  url_not_allowed: [400, BAD, 'This address is not allowed.'],
  invalid_link: [400, BAD, 'This link is not valid, or no longer. Ask for a new one.'],
  passkeys_unavailable: [400, BAD, 'Passkeys need a server that is reached by a name.'],
  invalid_signature: [400, BAD, 'The signature does not verify.'],
  invalid_api_key: [401, AUTH, 'No valid credential was given.'],
  invalid_token: [401, AUTH, 'The access token is not valid.'],
  invalid_dpop_proof: [401, AUTH, 'The proof of the token’s key is missing, malformed, or was used before.'],
  invalid_credentials: [401, AUTH, 'E-mail or password is wrong.'],
  second_factor_required: [401, AUTH, 'The password is right; a second factor is needed too.'],
  invalid_second_factor: [401, AUTH, 'This code is wrong, or was used before.'],
  invalid_passkey: [401, AUTH, 'This passkey was not accepted.'],
  unauthorized: [401, AUTH, 'Sign in first.'],
  insufficient_credits: [402, MONEY, 'The balance does not cover this call.'],
  insufficient_balance: [402, MONEY, 'The balance does not cover this.'],
  cap_exceeded: [402, MONEY, 'The limit set for this app is reached.'],
  per_call_ceiling_exceeded: [402, MONEY, 'This call could cost more than the limit for one call.'],
  account_in_debt: [402, MONEY, 'This account owes money.'],
  held_by_other_calls: [402, MONEY, 'Running calls have reserved the rest; it fits once they end.'],
  insufficient_scope: [403, DENIED, 'The token lacks the scope for this.'],
  forbidden: [403, DENIED, 'This is not allowed.'],
  csrf: [403, DENIED, 'The request did not come from the wallet’s own pages.'],
  step_up_required: [403, DENIED, 'Confirm first that it is you.'],
  connection_paused: [403, DENIED, 'The person has paused this app.'],
  approval_refused: [403, DENIED, 'The person refused this call; nothing was charged.'],
  approval_timeout: [403, DENIED, 'The person did not answer in time; nothing was charged.'],
  approval_required: [403, DENIED, 'This call needs the person’s approval.'],
  model_not_allowed: [403, DENIED, 'The person has not allowed this model for this app.'],
  app_suspended: [403, DENIED, 'This app is suspended.'],
  connection_revoked: [403, DENIED, 'The person has disconnected this app.'],
  grant_limit_exceeded: [403, DENIED, 'This user would be granted more than the app’s settings allow.'],
  not_found: [404, MISSING, 'There is no such thing here.'],
  user_not_found: [404, MISSING, 'No such user is linked to this app.'],
  model_not_found: [404, MISSING, 'There is no such model here.'],
  method_not_allowed: [405, BAD, 'This method is not allowed here.'],
  email_exists: [409, CONFLICT, 'An account with this e-mail exists.'],
  account_not_empty: [409, CONFLICT, 'There is still something in this account.'],
  already_set: [409, CONFLICT, 'This is set up already.'],
  topup_in_progress: [409, CONFLICT, 'An automatic top-up is charging this card; try again in a moment.'],
  external_user_taken: [409, CONFLICT, 'This user id is linked to another person.'],
  consent_required: [409, CONFLICT, 'The person has to agree to the new terms first.'],
  idempotency_in_progress: [409, CONFLICT, 'A request with this Idempotency-Key is still running.'],
  mutation_gap: [409, CONFLICT, 'A mutation is missing before this one.'],
  version_conflict: [412, CONFLICT, 'This was changed elsewhere meanwhile.'],
  body_too_large: [413, BAD, 'The body is too large.'],
  uri_too_long: [414, BAD, 'The address is too long.'],
  unsupported_media_type: [415, BAD, 'Send application/json, uncompressed.'],
  idempotency_mismatch: [422, CONFLICT, 'This Idempotency-Key was used with another request.'],
  id_reused: [422, CONFLICT, 'This id was used for something else.'],
  rate_limit_exceeded: [429, RATE, 'Too many requests.'],
  rate_limit: [429, RATE, 'The model provider limits the rate of requests.'],
  internal_error: [500, SERVER, 'Something broke here; it is logged.'],
  upstream_error: [502, UPSTREAM, 'The model provider failed; nothing was charged.'],
  mail_unavailable: [503, SERVER, 'This server cannot send mail.'],
  provider_unavailable: [503, UPSTREAM, 'No provider is configured for this model.'],
  payments_unavailable: [503, SERVER, 'The payment provider cannot be reached right now; nothing was charged.'],
  ledger_unavailable: [503, SERVER, 'The books cannot be written right now; nothing was charged.'],
  draining: [503, SERVER, 'This server is shutting down; try again.'],
  gateway_timeout: [504, UPSTREAM, 'The model provider did not answer in time.'],
} as const satisfies Record<string, Row>

export type FaultCode = keyof typeof FAULTS

/** The body of every error of ours; the OAuth protocol endpoints use the RFC 6749 shape instead. */
export const ErrorBody = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    code: z.string(),
    param: z.string().nullable(),
    details: z.record(z.string(), z.unknown()).nullable(),
    hint: z.string().nullable(),
    docs_url: z.string(),
    request_id: z.string(),
  }),
})
export type ErrorBody = z.infer<typeof ErrorBody>

/** What `details` of a 402 holds: which limit spoke, and when it lets go. Amounts are micros. */
export const LimitDetails = z.object({
  limit: z.enum(['debt', 'per_call', 'cap', 'balance', 'held']),
  period: z.enum(['day', 'week', 'month', 'total']).nullable(),
  amount: z.number().nullable(),
  spent: z.number().nullable(),
  held: z.number(),
  available: z.number(),
  required: z.number(),
  resets_at: z.string().nullable(),
  retry_after_ms: z.number().optional(),
})
export type LimitDetails = z.infer<typeof LimitDetails>
