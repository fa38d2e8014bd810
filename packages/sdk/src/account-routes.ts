// What a person may do with their own account, as tables: signing in, security, devices, leaving, refunds, top-ups.
// owns: these rows. never: a decision. always true: the credential is that person's session (`sess_…`); what changes how
// they sign in needs a recent proof (403 `step_up_required`, then `account.stepUp`).

import { raw, route } from './route.ts'
import type {
  Account,
  AccountDelete,
  AccountPatch,
  AutoTopup,
  AutoTopupSet,
  Credentials,
  LoginRequest,
  Passkey,
  PasskeyAdd,
  PasskeyOptions,
  PasskeySignIn,
  RecoveryCodes,
  RefundCreated,
  RefundsReply,
  ResetConfirm,
  Security,
  SessionReply,
  SignedInDevices,
  StepUp,
  StepUpReply,
  TotpStart,
} from './types.ts'

type ById = { id: string }
type Sent = { sent: true }

export const AUTH_ROUTES = {
  register: route<Credentials, SessionReply>('POST', '/auth/register'),
  login: route<LoginRequest, SessionReply>('POST', '/auth/login'),
  passkeyOptions: route<undefined, PasskeyOptions>('POST', '/auth/passkey/options'),
  passkey: route<PasskeySignIn, SessionReply>('POST', '/auth/passkey'),
  me: route<undefined, { id: string; email: string; balance: number }>('GET', '/auth/me'),
  logout: route<undefined, { success: boolean }>('POST', '/auth/logout'),
  reset: route<{ email: string }, Sent>('POST', '/auth/reset'),
  confirmReset: route<ResetConfirm, { changed: true }>('POST', '/auth/reset/confirm'),
  verifyEmail: route<{ token: string }, { email: string }>('POST', '/auth/verify'),
}

export const ACCOUNT_ROUTES = {
  get: route<undefined, Account>('GET', '/account'),
  update: route<AccountPatch, Account>('PATCH', '/account'),
  export: raw<undefined>('GET', '/account/export'),
  remove: route<AccountDelete, { deleted: true }>('DELETE', '/account'),
  security: route<undefined, Security>('GET', '/account/security'),
  stepUpOptions: route<undefined, PasskeyOptions>('POST', '/account/step-up/options'),
  stepUp: route<StepUp, StepUpReply>('POST', '/account/step-up'),
  changePassword: route<{ current_password: string; password: string }, { changed: true }>('POST', '/account/password'),
  changeEmail: route<{ email: string }, Sent>('POST', '/account/email'),
  sendVerification: route<undefined, Sent>('POST', '/account/email/verify'),
  devices: route<undefined, SignedInDevices>('GET', '/account/sessions'),
  signOutDevice: route<ById, { signed_out: true }>('DELETE', '/account/sessions/{id}'),
  startTotp: route<undefined, TotpStart>('POST', '/account/totp'),
  confirmTotp: route<{ totp: string }, RecoveryCodes>('POST', '/account/totp/confirm'),
  removeTotp: route<undefined, { removed: true }>('DELETE', '/account/totp'),
  newRecoveryCodes: route<undefined, RecoveryCodes>('POST', '/account/recovery-codes'),
  passkeyOptions: route<undefined, PasskeyOptions>('POST', '/account/passkeys/options'),
  addPasskey: route<PasskeyAdd, Passkey>('POST', '/account/passkeys'),
  removePasskey: route<ById, { removed: true }>('DELETE', '/account/passkeys/{id}'),
}

/** Amounts are micro-dollars, unless a name says cents. */
export const PAYMENT_ROUTES = {
  refunds: route<undefined, RefundsReply>('GET', '/api/payments/refunds'),
  refund: route<{ amount?: number } | undefined, RefundCreated>('POST', '/api/payments/refunds'),
  autoTopup: route<undefined, AutoTopup>('GET', '/api/payments/auto-topup'),
  setAutoTopup: route<AutoTopupSet, AutoTopup>('PUT', '/api/payments/auto-topup'),
  removeCard: route<undefined, AutoTopup>('DELETE', '/api/payments/card'),
}
