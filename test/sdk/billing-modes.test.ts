// The public page on billing modes: its snippets, word for word, but for the address and the key.
// owns: the text of those snippets. never: a change to it. always true: each is run as it stands, and what it says of the
// money ("deducted from …") is looked at in the books.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import OpenAI from 'openai'
import { buy, codeFor, createApp, createKey, exchange, grant, must, type Person, register } from '../support/api.ts'
import { assertBooks, balanceOf } from '../support/relay-world.ts'
import { type Server, startServer } from '../support/server.ts'

const USER_PAYS = `
await fetch("https://api.usequota.ai/v1/users/user_123/chat/completions", {
method: "POST",
headers: {
"Authorization": "Bearer sk-quota-your-api-key",
"Content-Type": "application/json",
},
body: JSON.stringify({
model: "gpt-4o",
messages: [{role: "user", content: "Hello!"}],
}),
});
// Cost deducted from user's dollar balance (base + your markup)`

const GRANT = `
// Grant $0.50 of free balance to a new user
await fetch("https://api.usequota.ai/v1/funding/grant", {
method: "POST",
headers: {
"Authorization": "Bearer sk-quota-your-api-key",
"Content-Type": "application/json",
},
body: JSON.stringify({
external_user_id: "user_123",
amount: 0.50,
description: "Welcome bonus",
}),
});`

const DEVELOPER_PAYS = `
// All requests use your API key
const client = new OpenAI({
baseURL: "https://api.usequota.ai/v1",
apiKey: "sk-quota-your-api-key",
});
// Cost deducted from YOUR balance
await client.chat.completions.create({...});`

const HOSTED = `
// After the user connects via OAuth, Quota stores the token link.
// Your app just sends X-Quota-User with your API key:
await fetch("https://api.usequota.ai/v1/chat/completions", {
method: "POST",
headers: {
"Authorization": "Bearer sk-quota-your-api-key",
"X-Quota-User": "user_123",
"Content-Type": "application/json",
},
body: JSON.stringify({
model: "gpt-4o-mini",
messages: [{role: "user", content: "Hello!"}],
}),
});
// Cost deducted from the linked USER's dollar balance`

let server: Server
before(async () => {
  server = await startServer({ env: { QUOTA_SANDBOX_TOKEN_MS: '0' } })
})
after(() => server.stop())

/** Runs a snippet as it stands, but for address and key; the page's \`{...}\` is a request. @returns what its call answered */
async function run(snippet: string, key: string): Promise<Response> {
  const code = snippet
    .replaceAll('https://api.usequota.ai', server.url)
    .replaceAll('sk-quota-your-api-key', key)
    .replace('{...}', '{model: "gpt-4o-mini", messages: [{role: "user", content: "Hello!"}]}')
  let answer: Response | null = null
  const listening: typeof fetch = async (input, init) => {
    const reply = await fetch(input, init)
    answer = reply.clone()
    return reply
  }
  const AsyncFunction = (async () => undefined).constructor as new (
    ...words: string[]
  ) => (...given: unknown[]) => Promise<void>
  const sdk = class extends OpenAI {
    constructor(options: ConstructorParameters<typeof OpenAI>[0]) {
      super({ ...options, fetch: listening })
    }
  }
  await new AsyncFunction('fetch', 'OpenAI', code)(listening, sdk)
  assert.ok(answer, 'the snippet called nobody')
  return answer
}

type Paid = { quota: { credits_used: number; base_credits: number; markup_credits: number; billing_mode: string } }

/** A developer with an app at 20 % markup, money and keys of both modes. */
async function publisher() {
  const developer = await register(server, 'developer')
  await buy(server, developer.session, 'pro')
  const app = await createApp(server, developer, { markup_bps: 2000 })
  const [user, own] = await Promise.all([
    createKey(server, developer, app),
    createKey(server, developer, app, 'developer'),
  ])
  return { developer, app, user, own, left: () => balanceOf(server, developer) }
}

/** Who is charged, in each of the modes: they alone. */
const person = async (name: string): Promise<Person> => {
  const one = await register(server, name)
  await buy(server, one.session, 'starter')
  return one
}

test('user pays: base and markup, from the balance that the user bought through the app', async () => {
  const { user, left } = await publisher()
  await buy(server, user, 'starter', { external_user_id: 'user_123' })
  const before = await left()
  const reply = await run(USER_PAYS, user)
  const { quota } = (await reply.json()) as Paid
  assert.deepEqual([reply.status, quota.markup_credits], [200, Math.floor(quota.base_credits / 5)])
  const { balance } = await must<{ balance: number }>(server, 'GET', '/v1/users/user_123/balance', { bearer: user })
  assert.deepEqual([balance, await left()], [4_050_000 - quota.credits_used, before])
})

test('grant: fifty cents from the pool; the user spends them, and no markup is taken', async () => {
  const { user, left } = await publisher()
  await grant(server, user, 'somebody_else', 1)
  await must(server, 'POST', '/v1/funding/pool', { bearer: user, body: { amount: 0.5 } })
  const before = await left()
  const reply = await run(GRANT, user)
  assert.deepEqual([reply.status, ((await reply.json()) as { amount_granted: string }).amount_granted], [200, '$0.50'])
  const { quota } = (await (await run(USER_PAYS, user)).json()) as Paid
  assert.deepEqual([quota.markup_credits, quota.credits_used], [0, quota.base_credits])
  const { balance } = await must<{ balance: number }>(server, 'GET', '/v1/users/user_123/balance', { bearer: user })
  assert.deepEqual([balance, await left()], [500_000 - quota.credits_used, before])
  const empty = await run(GRANT, user)
  const { error } = (await empty.json()) as { error: { code: string } }
  assert.deepEqual([empty.status, error.code], [402, 'insufficient_balance'])
})

test('developer pays: the stock SDK, from the developer’s balance, without markup', async () => {
  const { own, left } = await publisher()
  const before = await left()
  const { quota } = (await (await run(DEVELOPER_PAYS, own)).json()) as Paid
  assert.deepEqual(
    [quota.markup_credits, quota.billing_mode, await left()],
    [0, 'developer', before - quota.credits_used],
  )
})

test('hosted: the linked person pays, base and markup, and the app holds no token', async () => {
  const { app, user, left } = await publisher()
  const ann = await person('ann')
  const unlinked = await run(HOSTED, user)
  assert.equal(unlinked.status, 404)
  const code = await codeFor(server, ann, app)
  await exchange(server, app, code, { storage_mode: 'hosted', external_user_id: 'user_123' })
  const before = await left()
  const { quota } = (await (await run(HOSTED, user)).json()) as Paid
  assert.equal(quota.markup_credits, Math.floor(quota.base_credits / 5))
  assert.deepEqual([await balanceOf(server, ann), await left()], [4_050_000 - quota.credits_used, before])
  await assertBooks(server)
})
