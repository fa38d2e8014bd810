// Secrets are planted, calls of every kind are made, and everything the server wrote or said is searched.
// owns: the list of secrets and of places. never: an exception. always true: a search that finds nothing is shown to find a marker.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { buy, call, connect, must, type Person, type Tokens } from '../support/api.ts'
import { type Collector, startCollector } from '../support/collector.ts'
import { type Answer, type Asked, ask } from '../support/relay-client.ts'
import { storedBy } from '../support/relay-stored.ts'
import { begin, broken, chunk, completion, json, pieces, reset } from '../support/relay-upstream.ts'
import { pricedAlike, relayWorld, settled, UPSTREAM_KEY, type World } from '../support/relay-world.ts'
import { ADMIN_TOKEN, databases } from '../support/server.ts'

const PROMPT = 'canary-of-the-prompt-5d41'
const COMPLETION = 'canary-of-the-answer-9f3b'
const PASSWORD = 'canary-of-the-password-77aa'
const WRONG_KEY = `sk-quota-canaryofawrongkeycanaryofawron`
const WRONG_TOKEN = 'canary-of-a-wrong-token-0123456789'
const USAGE = { prompt_tokens: 10, completion_tokens: 4 }

for (const db of databases()) {
  describe(`secrets (${db})`, () => {
    let world: World
    let collector: Collector
    let person: Person
    let tokens: Tokens
    const failures: { name: string; reply: Answer }[] = []

    before(async () => {
      collector = await startCollector()
      world = await relayWorld({
        db,
        models: pricedAlike(['good', 'echo', 'dies', 'errs', 'html', 'cut', 'hang']),
        env: {
          QUOTA_LOG_LEVEL: 'debug',
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
          QUOTA_UPSTREAM_TIMEOUT_S: '3',
          QUOTA_ANSWER_TIMEOUT_S: '3',
          QUOTA_STREAM_IDLE_S: '3',
        },
      })
      const email = 'canary@example.org'
      const made = await must<{ user: { id: string }; session_token: string }>(world.server, 'POST', '/auth/register', {
        body: { email, password: PASSWORD },
      })
      person = { id: made.user.id, email, password: PASSWORD, session: made.session_token }
      await buy(world.server, person.session, 'starter')
      tokens = await connect(world.server, person, world.app)
      scripts()
      await traffic()
      await settled(world.server)
    })
    after(async () => {
      await world.stop()
      await collector.stop()
    })

    function scripts(): void {
      const told = `Incorrect API key ${UPSTREAM_KEY}; you said: ${PROMPT}; see https://vendor.example/${UPSTREAM_KEY}`
      const { upstream } = world
      upstream.on('good', (response, seen) =>
        seen.body.stream === true
          ? pieces(chunk(COMPLETION), `data: ${JSON.stringify({ choices: [], usage: USAGE })}\n\ndata: [DONE]\n\n`)(
              response,
              seen,
            )
          : json(200, completion(COMPLETION, USAGE))(response),
      )
      upstream.on(
        'echo',
        json(401, JSON.stringify({ error: { message: told } }), {
          'x-vendor-key': UPSTREAM_KEY,
          'set-cookie': `k=${UPSTREAM_KEY}`,
        }),
      )
      upstream.on('errs', pieces(chunk('word '), `data: ${JSON.stringify({ error: { message: told } })}\n\n`))
      upstream.on(
        'html',
        (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end(`<p>${told}</p>`),
      )
      upstream.on('cut', broken(chunk(COMPLETION)))
      upstream.on('dies', reset)
      upstream.on('hang', (response) => begin(response))
    }

    async function traffic(): Promise<void> {
      const send = async (name: string, model: string, asked: Asked = {}, body: object = {}) => {
        const messages = [{ role: 'user', content: PROMPT }]
        const reply = await ask(world.server.url, {
          bearer: tokens.accessToken,
          ...asked,
          body: { model, messages, max_tokens: 50, ...body },
        })
        if (!reply.text.includes('[DONE]') && reply.status !== 200) failures.push({ name, reply })
        if (model === 'errs' || model === 'cut' || model === 'hang') failures.push({ name, reply })
      }
      const both = ['good', 'echo', 'dies', 'errs', 'html', 'cut', 'hang'].flatMap((model) => [
        send(`${model}, JSON`, model),
        send(`${model}, stream`, model, {}, { stream: true }),
      ])
      await Promise.all([
        ...both,
        send('kept', 'good', { headers: { 'idempotency-key': 'canary-of-a-key-11' } }),
        send('kept stream', 'good', { headers: { 'idempotency-key': 'canary-of-a-key-12' } }, { stream: true }),
        send('by key', 'good', { bearer: world.developerKey }),
        send('wrong key', 'good', { bearer: WRONG_KEY }),
        send('wrong token', 'good', { bearer: WRONG_TOKEN }),
        send('malformed', 'good', {}, { max_tokens: PROMPT }),
        send('too dear', 'good', {}, { max_tokens: 9_000_000 }),
        send('unknown model', PROMPT),
        send('unsupported', 'good', {}, { api_key: UPSTREAM_KEY }),
        send('part', 'good', {}, { messages: [{ role: 'user', content: [{ type: PROMPT }] }] }),
        send('left', 'good', { leaveAfterFrames: 1 }, { stream: true }),
        ask(world.server.url, { bearer: tokens.accessToken, body: `{"model":"good","messages":"${PROMPT}` }),
        call(world.server, 'POST', '/auth/login', { body: { email: person.email, password: `${PASSWORD}-wrong` } }),
        call(world.server, 'POST', '/auth/login', { body: { email: person.email, password: PASSWORD } }),
      ])
    }

    const secrets = (): [string, string][] => [
      ['the password', PASSWORD],
      ['a session', person.session.slice(5)],
      ['an access token', tokens.accessToken],
      ['a refresh token', tokens.refreshToken],
      ['the client’s secret', String(world.app.clientSecret)],
      ['a developer key', world.developerKey.slice(16)],
      ['a user key', world.userKey.slice(16)],
      ['a wrong key', WRONG_KEY.slice(9)],
      ['a wrong token', WRONG_TOKEN],
      ['the vendor’s key', UPSTREAM_KEY],
      ['the operator’s token', ADMIN_TOKEN],
      ['an answer', COMPLETION],
      ['an Idempotency-Key', 'canary-of-a-key'],
    ]

    function assertAbsent(where: string, text: Buffer | string, list: [string, string][]): void {
      for (const [name, secret] of list) {
        assert.ok(secret.length > 8)
        for (const form of [
          secret,
          Buffer.from(secret).toString('base64').slice(2, -4),
          Buffer.from(secret).toString('hex'),
        ]) {
          assert.equal(text.includes(form), false, `${name} stands in ${where}`)
        }
      }
    }

    test('not in the logs, prompts neither', () => {
      const logs = world.server.logs()
      assert.ok(logs.includes('"msg":"ready"'))
      assertAbsent('the logs', logs, [...secrets(), ['a prompt', PROMPT]])
    })

    test('not in traces, prompts neither', async () => {
      const spans = await collector.until((all) => all.filter(({ kind }) => kind === 2).length >= 20)
      assert.ok(spans.some(({ attributes }) => attributes['gen_ai.request.model'] === 'good'))
      assertAbsent('the traces', collector.raw(), [...secrets(), ['a prompt', PROMPT]])
    })

    test('not in what is stored, prompts neither', async () => {
      const stored = await storedBy(world.server)
      assert.ok(
        stored.includes(Buffer.from(world.app.id)) && stored.includes(Buffer.from('receipt')),
        'this looks in the wrong place',
      )
      assertAbsent('the store', stored, [...secrets(), ['a prompt', PROMPT]])
    })

    test('not in error bodies and heads', () => {
      assert.ok(failures.length >= 15, String(failures.length))
      const spoken = secrets().filter(([name]) => name !== 'an answer')
      for (const { name, reply } of failures)
        assertAbsent(`the answer to "${name}"`, reply.text + JSON.stringify(reply.headers), spoken)
    })

    test('not in the operator’s routes', async () => {
      for (const path of ['/metrics', '/admin/audit/entries', '/admin/audit/holds', '/admin/audit/report']) {
        const { text, status } = await call(world.server, 'GET', path, { bearer: ADMIN_TOKEN })
        assert.equal(status, 200)
        assertAbsent(path, text, [...secrets(), ['a prompt', PROMPT]])
      }
    })

    test('not in what the vendor hears, but its own key', () => {
      for (const seen of world.upstream.calls) {
        const heard = JSON.stringify(seen.headers) + seen.raw
        assertAbsent(
          'what the vendor hears',
          heard,
          secrets().filter(([name]) => !/vendor|answer/.test(name)),
        )
      }
    })

    test('the prompt did reach the vendor, with the vendor’s key', () => {
      assert.ok(world.upstream.calls.some(({ raw }) => raw.includes(PROMPT)))
      assert.ok(world.upstream.calls.every(({ headers }) => headers.authorization === `Bearer ${UPSTREAM_KEY}`))
    })
  })
}
