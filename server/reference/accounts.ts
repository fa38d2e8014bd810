// The reference of people's accounts.
// owns: the table of /auth and /account. never: a route.
// always true: each row is a route of the server; a test compares the two.

import { z } from 'zod'
import * as A from '../contract/api.ts'
import { MicrosOrZero } from '../contract/money.ts'
import { type Group, only } from './operation.ts'

const ME = ['session'] as const
const PUBLIC = ['nobody'] as const
const said = (word: 'changed' | 'sent' | 'removed' | 'signed_out' | 'deleted') => only(word, z.literal(true))
const proof = ['step_up_required'] as const

export const ACCOUNTS: readonly Group[] = [
  {
    name: 'Signing in',
    text: 'A session is a bearer `sess_…` for scripts, and a cookie on the server’s own pages.',
    operations: [
      {
        at: 'POST /auth/register',
        summary: 'A new account, signed in.',
        who: PUBLIC,
        body: A.Credentials,
        status: 201,
        answer: A.SessionReply,
        errors: ['invalid_email', 'weak_password', 'email_exists'],
      },
      {
        at: 'POST /auth/login',
        summary: 'Signs in.',
        who: PUBLIC,
        body: A.LoginRequest,
        answer: A.SessionReply,
        errors: ['invalid_credentials', 'second_factor_required', 'invalid_second_factor'],
      },
      {
        at: 'POST /auth/passkey/options',
        summary: 'What a passkey is asked.',
        who: PUBLIC,
        answer: A.PasskeyOptions,
        errors: ['passkeys_unavailable'],
      },
      {
        at: 'POST /auth/passkey',
        summary: 'Signs in by a passkey.',
        who: PUBLIC,
        body: A.PasskeySignIn,
        answer: A.SessionReply,
        errors: ['invalid_passkey'],
      },
      {
        at: 'POST /auth/reset',
        summary: 'Sends a link to choose a new password, if there is such an account.',
        who: PUBLIC,
        body: A.ResetRequest,
        status: 202,
        answer: said('sent'),
        errors: ['mail_unavailable'],
      },
      {
        at: 'POST /auth/reset/confirm',
        summary: 'Chooses it.',
        who: PUBLIC,
        body: A.ResetConfirm,
        answer: said('changed'),
        errors: ['invalid_link', 'weak_password'],
      },
      {
        at: 'POST /auth/verify',
        summary: 'Confirms an address by the link in a mail.',
        who: PUBLIC,
        body: A.EmailVerify,
        answer: only('email', z.string()),
        errors: ['invalid_link'],
      },
      {
        at: 'GET /auth/me',
        summary: 'Who is signed in.',
        who: ME,
        answer: z.object({ id: z.string(), email: z.string(), balance: MicrosOrZero }),
      },
      { at: 'POST /auth/logout', summary: 'Signs out.', who: ME, answer: only('success', z.literal(true)) },
    ],
  },
  {
    name: 'The account',
    text: 'What is marked needs a proof that it is you, a few minutes old at most: 403 `step_up_required` says which will do.',
    operations: [
      { at: 'GET /account', summary: 'The profile.', who: ME, answer: A.Account },
      { at: 'PATCH /account', summary: 'Changes it.', who: ME, body: A.AccountPatch, answer: A.Account },
      {
        at: 'DELETE /account',
        summary: 'Deletes the account.',
        who: ME,
        body: A.AccountDelete,
        answer: said('deleted'),
        errors: ['step_up_required', 'account_not_empty', 'account_in_debt'],
      },
      {
        at: 'GET /account/export',
        summary: 'Everything that is held of you, as a file.',
        who: ME,
        answer: z.looseObject({}),
      },
      {
        at: 'POST /account/email',
        summary: 'A new address, once its link was followed.',
        who: ME,
        body: A.EmailChange,
        status: 202,
        answer: said('sent'),
        errors: ['step_up_required', 'invalid_email'],
      },
      {
        at: 'POST /account/email/verify',
        summary: 'Sends the link again.',
        who: ME,
        status: 202,
        answer: said('sent'),
      },
      { at: 'GET /account/security', summary: 'How you can sign in.', who: ME, answer: A.Security },
      {
        at: 'POST /account/step-up/options',
        summary: 'What a passkey is asked for a proof.',
        who: ME,
        answer: A.PasskeyOptions,
      },
      {
        at: 'POST /account/step-up',
        summary: 'The proof.',
        who: ME,
        body: A.StepUp,
        answer: A.StepUpReply,
        errors: ['invalid_credentials', 'invalid_second_factor', 'invalid_passkey'],
      },
      {
        at: 'POST /account/password',
        summary: 'A new password.',
        who: ME,
        body: A.PasswordChange,
        answer: said('changed'),
        errors: ['invalid_credentials', 'weak_password'],
      },
      { at: 'GET /account/sessions', summary: 'Where you are signed in.', who: ME, answer: A.SignedInDevices },
      {
        at: 'DELETE /account/sessions/{id}',
        summary: 'Signs one out.',
        who: ME,
        answer: said('signed_out'),
        errors: ['not_found'],
      },
      {
        at: 'POST /account/totp',
        summary: 'Begins with authenticator codes.',
        who: ME,
        answer: A.TotpStart,
        errors: ['step_up_required', 'already_set'],
      },
      {
        at: 'POST /account/totp/confirm',
        summary: 'Turns them on by the first code.',
        who: ME,
        body: A.TotpConfirm,
        answer: A.RecoveryCodes,
        errors: ['invalid_second_factor'],
      },
      { at: 'DELETE /account/totp', summary: 'Turns them off.', who: ME, answer: said('removed'), errors: proof },
      {
        at: 'POST /account/recovery-codes',
        summary: 'New recovery codes.',
        who: ME,
        answer: A.RecoveryCodes,
        errors: proof,
      },
      {
        at: 'POST /account/passkeys/options',
        summary: 'What a new passkey is asked.',
        who: ME,
        answer: A.PasskeyOptions,
        errors: ['step_up_required', 'passkeys_unavailable'],
      },
      {
        at: 'POST /account/passkeys',
        summary: 'Adds it.',
        who: ME,
        body: A.PasskeyAdd,
        status: 201,
        answer: A.Passkey,
        errors: ['step_up_required', 'invalid_passkey'],
      },
      {
        at: 'DELETE /account/passkeys/{id}',
        summary: 'Removes it.',
        who: ME,
        answer: said('removed'),
        errors: ['step_up_required', 'not_found'],
      },
    ],
  },
]
