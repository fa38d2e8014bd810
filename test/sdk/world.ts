// The world that the SDK's cases run in: one server, a developer with money, a person who is connected in two ways.
// owns: setting it up over the public API. never: a look inside the server. always true: what comes out is plain data.

import { Webhook } from 'standardwebhooks'
import { buy, codeFor, connect, createApp, createKey, exchange, must, type Person, register } from '../support/api.ts'
import type { Server } from '../support/server.ts'
import type { World } from './suite.ts'

const SECRET = `whsec_${Buffer.from('a secret of the webhook tests').toString('base64')}`
const AT_MS = 1_764_000_000_000

/** @param redirectUri one of the public client; its origin may call the token endpoint from a page */
export async function makeWorld(server: Server, redirectUri: string): Promise<World & { person: Person }> {
  const developer = await register(server, 'developer')
  await buy(server, developer.session, 'pro')
  const app = await createApp(server, developer, {
    name: 'SDK tests',
    redirect_uris: ['http://127.0.0.1:7999/callback', 'http://127.0.0.1:7999/api/quota/callback'],
  })
  const [userKey, developerKey] = await Promise.all([
    createKey(server, developer, app, 'user'),
    createKey(server, developer, app, 'developer'),
  ])
  await must(server, 'POST', '/v1/funding/pool', { bearer: userKey, body: { amount: 20 } })
  const person = await register(server, 'ann')
  await buy(server, person.session, 'starter')
  const linkedUser = 'ann@example.org'
  const code = await codeFor(server, person, app)
  await exchange(server, app, code, { storage_mode: 'hosted', external_user_id: linkedUser })
  const pub = { ...(await createApp(server, developer, { type: 'public', redirect_uris: [redirectUri] })), redirectUri }
  const { accessToken, refreshToken } = await connect(server, person, pub)
  return {
    baseUrl: server.url,
    userKey,
    developerKey,
    session: developer.session,
    linkedUser,
    clientId: app.clientId,
    clientSecret: app.clientSecret ?? '',
    redirectUri: app.redirectUri,
    publicClientId: pub.clientId,
    tokens: { access_token: accessToken, refresh_token: refreshToken },
    webhook: webhook(),
    person,
  }
}

/** A delivery signed by the reference implementation of Standard Webhooks. */
function webhook(): World['webhook'] {
  const body = JSON.stringify({
    id: 'evt_1',
    type: 'user.connected',
    created_at: '2025-11-24T00:00:00Z',
    data: { user_id: 'usr_1' },
  })
  const signature = new Webhook(SECRET).sign('msg_1', new Date(AT_MS), body)
  const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': String(AT_MS / 1000), 'webhook-signature': signature }
  return { body, headers, secret: SECRET, now: AT_MS }
}
