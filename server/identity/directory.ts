// What identity has to know about apps and consents, which rank above it; `connections` provides it.
// owns: the port's types, and the wallet's own client. never: an implementation, SQL.
// always true: an unknown, deleted or suspended client is null, so nothing can be authorized for it.

import type { InteractionAnswer } from '../contract/api.ts'
import type { Cap, Connection, Estimate, LimitCalendar } from '../contract/records.ts'

/** An app as the authorization server sees it (RFC 7591 calls it a client). */
export type ClientRecord = {
  /** The app's id. */
  id: string
  client_id: string
  name: string
  logo_uri: string | null
  verified_domain: string | null
  type: 'confidential' | 'public'
  /** SHA-256, in hex, of each secret that is valid now: one, or two during a rotation; none for a public client. */
  secret_hashes: readonly string[]
  redirect_uris: readonly string[]
  allowed_scopes: readonly string[]
  markup_bps: number
}

export type Approval = {
  /** The request that is answered; its one answer is part of the same commit. */
  uid: string
  userId: string
  appId: string
  scopes: readonly string[]
  answer: InteractionAnswer
  /** The markup the person was shown and agreed to. */
  clientMarkupBps: number
}

/** A code that is to become a link; `externalUserId` null: the server assigns one. */
export type HostedCode = { codeId: string; userId: string; clientId: string; externalUserId: string | null }

export type Directory = {
  client: (clientId: string) => Promise<ClientRecord | null>
  /** The connection of this person and app, whatever its status; null when there never was one. */
  current: (userId: string, appId: string) => Promise<Connection | null>
  /**
   * Makes or replaces the connection; omitted `answer.caps` means DEFAULT_CAP.
   * @throws Fault `bad_request` with param "caps" (or the field at fault), `not_found` when it was answered otherwise
   */
  approve: (approval: Approval) => Promise<{ connectionId: string }>
  /** What a limit buys, in calls of a usual model at this markup; null when that cannot be said. */
  estimate: (cap: Cap | null, markupBps: number) => Promise<Estimate | null> | Estimate | null
  /** The calendar of a person's limits. */
  calendar: (userId: string) => Promise<LimitCalendar>
  /**
   * Uses up a code and links the person to the app's user, in one commit.
   * @returns null when the code was used before
   * @throws Fault `external_user_taken` (the code is still good), `not_found` (the connection has ended)
   */
  link: (code: HostedCode) => Promise<{ externalUserId: string } | null>
  /** The app has given tokens of this person back; the connection ends when nothing of it is left. */
  left: (by: { userId: string; clientId: string }) => Promise<void>
}

export const WALLET_CLIENT_ID = 'quota-wallet'

/** The wallet itself: public, first party, the only client that may have the scope `wallet`. */
export function walletClient(publicUrl: string): ClientRecord {
  return {
    id: WALLET_CLIENT_ID,
    client_id: WALLET_CLIENT_ID,
    name: 'Quota Wallet',
    logo_uri: null,
    verified_domain: new URL(publicUrl).hostname,
    type: 'public',
    secret_hashes: [],
    redirect_uris: ['http://127.0.0.1/callback', `${publicUrl}/wallet/callback`],
    allowed_scopes: ['openid', 'wallet'],
    markup_bps: 0,
  }
}
