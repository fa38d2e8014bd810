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
//   - The person's wallet, when the browser that asked is signed in as that person (requests.ts).
//   - `prompt=login` needs a password given after the request was made, max_age one no older than that then.

import { randomInt } from 'node:crypto'
import type { Provider } from 'oidc-provider'
import { type Interaction, InteractionAnswer } from '../contract/api.ts'
import { type Cap, Cap as CapSchema, DEFAULT_CAP } from '../contract/records.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { parse } from '../http.ts'
import { skewMs } from './clock.ts'
import { type ClientRecord, type Directory, WALLET_CLIENT_ID, walletClient } from './directory.ts'
import { modelId } from './models.ts'
import { agreed } from './policy.ts'
import { type Offer, offerRequest, type RequestRow, requestRow, settleRequest, stillSignedIn } from './requests.ts'

/** Who answers; for a cookie, routes.ts has seen that the browser is the one that asked. */
export type Answerer = { userId: string; createdAt: number; via: 'bearer' | 'cookie'; tokenHash: string }
export type Asking = { deps: Deps; provider: Provider; directory: Directory }
type Asked = InstanceType<Provider['Interaction']>

/**
 * What a person is asked. A request that has reached consent is put on the feed of who is signed in at the browser that
 * asked; one that their wallet has answered says where that browser goes on.
 * @param bound whether this is the browser that asked, or a script with a session bearer
 * @throws Fault `not_found` when the request has ended or never was
 */
export async function readInteraction(
  asking: Asking,
  uid: string,
  answerer: Answerer | null,
  bound: boolean,
): Promise<Interaction> {
  const asked = await found(asking, uid)
  const answered = bound ? await goOn(asking, asked, answerer) : null
  if (asked.result && !answered) throw fault('not_found')
  const client = await clientOf(asking, asked)
  const signedIn = answerer !== null && isFresh(asking, asked, answerer) ? answerer : null
  const requested = requestedCap(asked.params)
  const wallet = client.client_id === WALLET_CLIENT_ID
  const shown = signedIn && !wallet ? signedIn : null
  return {
    uid,
    prompt: shown ? 'consent' : 'login',
    client: clientDocument(client),
    scopes: scopesOf(asked),
    requested_cap: requested,
    estimate: wallet ? null : await asking.directory.estimate(requested ?? DEFAULT_CAP, client.markup_bps),
    current: shown ? await asking.directory.current(shown.userId, client.id) : null,
    match: shown && bound && !answered ? await offer(asking, asked, client, shown) : null,
    ...(shown ? { calendar: await asking.directory.calendar(shown.userId) } : {}),
    ...(answered ? { redirect_to: answered } : {}),
  }
}

/**
 * Shows a request to the wallet of whoever is signed in at the authorization server, as soon as it is made.
 */
export async function offerAtOnce(asking: Asking, asked: Asked): Promise<void> {
  const { session, prompt, params } = asked
  if (!session?.uid || prompt.name !== 'consent' || params.client_id === WALLET_CLIENT_ID) return
  const login = await asking.provider.Session.findByUid(session.uid)
  if (!login?.accountId || login.accountId !== session.accountId) return
  const signedInAt = (login.loginTs ?? asked.iat) * 1000 + skewMs(asking.deps)
  const client = await clientOf(asking, asked)
  await offer(asking, asked, client, { userId: login.accountId, createdAt: signedInAt, tokenHash: null })
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
  const asked = await found(asking, uid)
  if (asked.result && asked.result.decision !== answer.decision) throw fault('not_found')
  if (asked.result) return { redirect_to: asked.returnTo }
  if (answer.decision === 'deny') {
    await asking.deps.db.tx(settleRequest, { uid, decision: 'deny', userId: answerer?.userId ?? null })
    return finish(asked, 'deny', DENIED)
  }
  if (!answerer || !isFresh(asking, asked, answerer)) throw fault('unauthorized')
  if (asked.session && asked.session.accountId !== answerer.userId) leaveOtherAccount(asked, answerer)
  await agree(asking, { asked, client: await clientOf(asking, asked), answerer, answer })
  return signIn(asking, asked, answer.decision, answerer)
}

// --- below: how ------------------------------------------------------------------------------------------------------

const DENIED = { error: 'access_denied', error_description: 'The person denied the request.' }

/** Hands the answer over to the browser that asked: who it is signed in as, and what was agreed. */
async function signIn(
  asking: Asking,
  asked: Asked,
  decision: string,
  answerer: Pick<Answerer, 'userId' | 'createdAt'>,
) {
  const grantId = await saveGrant(asking.provider, {
    accountId: answerer.userId,
    clientId: String(asked.params.client_id),
    scopes: scopesOf(asked),
  })
  const ts = Math.floor((answerer.createdAt - skewMs(asking.deps)) / 1000)
  return finish(asked, decision, {
    login: { accountId: answerer.userId, remember: true, ts },
    consent: { grantId },
  })
}

/**
 * Where the browser that asked goes on, when the answer was given before: by the wallet, or here and this is asked again.
 * An approval counts only while that browser is signed in as who gave it.
 */
async function goOn(asking: Asking, asked: Asked, answerer: Answerer | null): Promise<string | null> {
  const { db, now } = asking.deps
  const row = await requestRow(db, asked.uid)
  if (!row?.decision) return null
  const by = row.decided_by
  if (row.decision !== 'deny') {
    const present = by !== null && (answerer?.userId === by || (await stillSignedIn(db, row, by, now())))
    if (!present) return null
  }
  if (!asked.result && !(await carryOut(asking, asked, row, answerer))) return null
  return asked.returnTo
}

/** What the wallet's answer means to the authorization server; the browser would have said the same. */
async function carryOut(asking: Asking, asked: Asked, row: RequestRow, answerer: Answerer | null): Promise<boolean> {
  if (row.decision === 'deny') {
    await finish(asked, 'deny', DENIED)
    return true
  }
  const by = row.decided_by
  const createdAt = row.signed_in_at ?? (answerer?.userId === by ? answerer.createdAt : null)
  if (row.decision !== 'approve' || by === null || createdAt === null) return false
  if (asked.session && asked.session.accountId !== by) delete asked.session
  await signIn(asking, asked, 'approve', { userId: by, createdAt })
  return true
}

type Shown = { userId: string; createdAt: number; tokenHash: string | null }

/** Puts a request on a person's feed. @returns the digits shown on both sides, or null when their wallet does not show it */
async function offer(asking: Asking, asked: Asked, client: ClientRecord, shown: Shown): Promise<string | null> {
  const { deps, directory } = asking
  const opSession = asked.session?.accountId === shown.userId ? asked.session.uid : undefined
  const before = await requestRow(deps.db, asked.uid)
  const known = shown.tokenHash === null || before?.session_hash === shown.tokenHash
  if (before?.user_id === shown.userId && known) {
    return before.shown === 1 && before.expires_at > deps.now() ? before.digits : null
  }
  const requested = requestedCap(asked.params)
  const scopes = scopesOf(asked)
  const given: Offer = {
    uid: asked.uid,
    userId: shown.userId,
    appId: client.id,
    scopes,
    markupBps: client.markup_bps,
    sessionHash: shown.tokenHash,
    opSession: opSession === undefined ? null : modelId('Session.alias', opSession),
    signedInAt: shown.createdAt,
    endsAt: (asked.exp ?? asked.iat) * 1000 + skewMs(deps),
    digits: randomInt(10, 100),
    document: {
      uid: asked.uid,
      client: clientDocument(client),
      scopes,
      requested_cap: requested,
      estimate: await directory.estimate(requested ?? DEFAULT_CAP, client.markup_bps),
      calendar: await directory.calendar(shown.userId),
    },
  }
  return deps.db.tx(offerRequest, given)
}

function clientDocument({ id, name, logo_uri, verified_domain, markup_bps }: ClientRecord) {
  return { id, name, logo_uri, verified_domain, markup_bps }
}

async function found(asking: Asking, uid: string): Promise<Asked> {
  const asked = /^[A-Za-z0-9_-]{1,64}$/.test(uid) ? await asking.provider.Interaction.find(uid) : undefined
  if (!asked) throw fault('not_found')
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

// The request may insist on a password that is newer than itself, or of some age (OpenID Connect Core 3.1.2.1).
function isFresh({ deps }: Asking, asked: Asked, answerer: Answerer): boolean {
  const { name, reasons } = asked.prompt
  if (name !== 'login') return true
  const askedAt = asked.iat * 1000 + skewMs(deps)
  if (reasons.includes('login_prompt')) return answerer.createdAt >= askedAt
  return !reasons.includes('max_age') || answerer.createdAt >= askedAt - Number(asked.params.max_age) * 1000
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
  { deps, directory }: Asking,
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
      uid: asked.uid,
      userId: answerer.userId,
      appId: client.id,
      scopes,
      answer,
      clientMarkupBps: client.markup_bps,
    })
  } else if (!agreed(await directory.current(answerer.userId, client.id), client, scopes)) {
    throw fault('consent_required')
  } else {
    await deps.db.tx(settleRequest, { uid: asked.uid, decision: 'continue', userId: answerer.userId })
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
