// Sign-in and consent: what is asked, and what a person's answer does.
// owns: reading and answering an interaction. never: passwords (routes.ts), limits (connections, by the directory).
// always true: an answer is given once, by a session that may give it; no grant is saved before its connection exists.
//
// Who may answer (login CSRF, consent phishing):
//   - With a cookie, only the browser that asked: it holds the cookie `quota_asked` for this uid, and the request has to
//     come from our own page. So a link to somebody else's request can be opened, but not approved.
//   - With a session bearer, whoever holds the uid: no browser sends a bearer by itself, and the code goes back only to
//     the browser that asked, whose own cookie is needed to go on.
//   - If that browser is signed in already, a bearer of another account is refused; a cookie of another account is a
//     person who changed accounts on purpose, and the old sign-in of the browser ends.
//   - `prompt=login` and an expired max_age need a password given after the request was made.

import type { Provider } from 'oidc-provider'
import { type Interaction, InteractionAnswer } from '../contract/api.ts'
import { type Cap, Cap as CapSchema, DEFAULT_CAP } from '../contract/records.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { parse } from '../http.ts'
import { skewMs } from './clock.ts'
import { type ClientRecord, type Directory, WALLET_CLIENT_ID, walletClient } from './directory.ts'
import { agreed } from './policy.ts'

/** Who answers; for a cookie, routes.ts has seen that the browser is the one that asked. */
export type Answerer = { userId: string; createdAt: number; via: 'bearer' | 'cookie' }
export type Asking = { deps: Deps; provider: Provider; directory: Directory }
type Asked = InstanceType<Provider['Interaction']>

/** What a person is asked. @throws Fault `not_found` when the request has ended or never was */
export async function readInteraction(asking: Asking, uid: string, answerer: Answerer | null): Promise<Interaction> {
  const asked = await pending(asking, uid)
  const client = await clientOf(asking, asked)
  const signedIn = answerer !== null && isFresh(asking, asked, answerer) ? answerer : null
  const requested = requestedCap(asked.params)
  const wallet = client.client_id === WALLET_CLIENT_ID
  return {
    uid,
    prompt: signedIn && !wallet ? 'consent' : 'login',
    client: {
      id: client.id,
      name: client.name,
      logo_uri: client.logo_uri,
      verified_domain: client.verified_domain,
      markup_bps: client.markup_bps,
    },
    scopes: scopesOf(asked),
    requested_cap: requested,
    estimate: wallet ? null : await asking.directory.estimate(requested ?? DEFAULT_CAP),
    current: signedIn && !wallet ? await asking.directory.current(signedIn.userId, client.id) : null,
    match: null,
  }
}

/** Reads an answer. @throws Fault `bad_request`, with the field at fault as param ("caps" for anything inside them) */
export function parseAnswer(body: unknown): InteractionAnswer {
  const { caps, ...rest } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const answer = parse(InteractionAnswer, Array.isArray(body) ? body : rest)
  if (caps === undefined) return answer
  const checked = InteractionAnswer.shape.caps.safeParse(caps)
  if (!checked.success)
    throw fault('bad_request', { message: `caps: ${checked.error.issues[0]?.message ?? 'malformed'}`, param: 'caps' })
  return { ...answer, caps: checked.data }
}

/**
 * Answers a request. The same decision again gets the same reply and changes nothing.
 * @param answerer null may only deny, from the browser that asked
 * @returns where the browser that asked goes on
 * @throws Fault `not_found`, `unauthorized`, `csrf`, `forbidden`, `consent_required`, `bad_request` (limits)
 */
export async function answerInteraction(
  asking: Asking,
  uid: string,
  answerer: Answerer | null,
  answer: InteractionAnswer,
): Promise<{ redirect_to: string }> {
  const asked = await pending(asking, uid, answer.decision)
  if (asked.result) return { redirect_to: asked.returnTo }
  if (answer.decision === 'deny')
    return finish(asked, answer.decision, {
      error: 'access_denied',
      error_description: 'The person denied the request.',
    })
  if (!answerer || !isFresh(asking, asked, answerer)) throw fault('unauthorized')
  if (asked.session && asked.session.accountId !== answerer.userId) leaveOtherAccount(asked, answerer)
  const client = await clientOf(asking, asked)
  await agree(asking, { asked, client, answerer, answer })
  const grantId = await saveGrant(asking.provider, {
    accountId: answerer.userId,
    clientId: client.client_id,
    scopes: scopesOf(asked),
  })
  const ts = Math.floor((answerer.createdAt - skewMs(asking.deps)) / 1000)
  return finish(asked, answer.decision, {
    login: { accountId: answerer.userId, remember: true, ts },
    consent: { grantId },
  })
}

// --- below: how ------------------------------------------------------------------------------------------------------

async function pending(asking: Asking, uid: string, decision?: string): Promise<Asked> {
  const asked = /^[A-Za-z0-9_-]{1,64}$/.test(uid) ? await asking.provider.Interaction.find(uid) : undefined
  if (!asked || (asked.result && asked.result.decision !== decision)) throw fault('not_found')
  return asked
}

async function clientOf({ deps, directory }: Asking, asked: Asked): Promise<ClientRecord> {
  const id = String(asked.params.client_id)
  const client = id === WALLET_CLIENT_ID ? walletClient(deps.publicUrl) : await directory.client(id)
  if (!client) throw fault('not_found') // deleted or suspended meanwhile
  return client
}

function scopesOf(asked: Asked): string[] {
  return String(asked.params.scope ?? '')
    .split(' ')
    .filter(Boolean)
}

/** The limit an app suggests; a malformed suggestion is none. */
export function requestedCap(params: Record<string, unknown>): Cap | null {
  const { cap_amount: amount, cap_period: period } = params
  if (typeof amount !== 'string' || !/^\d{1,16}$/.test(amount)) return null
  const cap = CapSchema.safeParse({ amount: Number(amount), period: period ?? DEFAULT_CAP.period })
  return cap.success ? cap.data : null
}

// The request may insist on a password that is newer than itself (OpenID Connect Core 3.1.2.1: prompt, max_age).
function isFresh({ deps }: Asking, asked: Asked, answerer: Answerer): boolean {
  const { name, reasons } = asked.prompt
  if (name !== 'login' || !reasons.some((reason) => reason === 'login_prompt' || reason === 'max_age')) return true
  return answerer.createdAt >= asked.iat * 1000 + skewMs(deps)
}

function leaveOtherAccount(asked: Asked, answerer: Answerer): void {
  if (answerer.via === 'bearer') {
    throw fault('forbidden', {
      message: 'This browser is signed in to another account.',
      hint: 'Sign out there first.',
    })
  }
  delete asked.session
}

async function agree(
  { directory }: Asking,
  {
    asked,
    client,
    answerer,
    answer,
  }: { asked: Asked; client: ClientRecord; answerer: Answerer; answer: InteractionAnswer },
): Promise<void> {
  if (client.client_id === WALLET_CLIENT_ID) return
  const scopes = scopesOf(asked)
  if (answer.decision === 'approve') {
    await directory.approve({
      userId: answerer.userId,
      appId: client.id,
      scopes,
      answer,
      clientMarkupBps: client.markup_bps,
    })
  } else if (!agreed(await directory.current(answerer.userId, client.id), client, scopes)) {
    throw fault('consent_required')
  }
}

async function saveGrant(
  provider: Provider,
  { accountId, clientId, scopes }: { accountId: string; clientId: string; scopes: string[] },
) {
  const grant = new provider.Grant({ accountId, clientId })
  grant.addOIDCScope(scopes)
  return grant.save()
}

async function finish(
  asked: Asked,
  decision: string,
  result: NonNullable<Asked['result']>,
): Promise<{ redirect_to: string }> {
  asked.result = { ...result, decision }
  await asked.persist()
  return { redirect_to: asked.returnTo }
}
