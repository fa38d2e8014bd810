// Buying over HTTP from a server that believes it speaks to Stripe: webhooks, the landing, debts, the books.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import Stripe from 'stripe'
import type { Listening } from '../../server/payments/stand-in/http.ts'
import { type StandIn, standIn } from '../../server/payments/stand-in/stand-in.ts'
import { books, call, chat, createApp, createKey, must, type Person, register } from '../support/api.ts'
import { ADMIN_TOKEN, databases, type Server, startServer } from '../support/server.ts'

const SECRET = 'whsec_of_this_test'
const URLS = { success_url: 'https://app.example/ok?s={CHECKOUT_SESSION_ID}', cancel_url: 'https://app.example/no' }
type Made = { id: string; url: string; client_secret?: string }

for (const db of databases()) {
  describe(`payments over HTTP (${db})`, () => {
    let server: Server
    let stripe: StandIn
    let listening: Listening
    before(async () => {
      stripe = standIn({ now: Date.now, settings: { pageUrl: (path) => `https://checkout.example/${path}` } })
      listening = await stripe.listen()
      const keys = {
        STRIPE_SECRET_KEY: 'sk_test_http',
        STRIPE_PUBLISHABLE_KEY: 'pk_test_http',
        STRIPE_WEBHOOK_SECRET: `whsec_of_another_endpoint,${SECRET}`,
      }
      server = await startServer({ db, env: { ...keys, STRIPE_API_BASE: listening.url } })
    })
    after(async () => {
      await server?.stop()
      await listening?.close()
    })

    const begin = (person: Person, more: Record<string, unknown> = {}) =>
      must<Made>(server, 'POST', '/api/payments/checkout', {
        bearer: person.session,
        body: { package_id: 'basic', ...URLS, ...more },
      })
    const balance = async (person: Person) =>
      (await must<{ balance: number }>(server, 'GET', '/account', { bearer: person.session })).balance
    /** The session of a checkout, by the last part of the page's address. */
    const sessionOf = ({ url }: Made) => url.slice(url.lastIndexOf('/') + 1)
    const hook = (payload: string, signature?: string) =>
      call(server, 'POST', '/webhooks/stripe', {
        raw: payload,
        headers: signature === undefined ? {} : { 'stripe-signature': signature },
      })
    const signed = (payload: string, secret = SECRET, ageS = 0) =>
      Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp: Math.floor(Date.now() / 1000) - ageS })
    const eventText = (more: Record<string, unknown>) =>
      JSON.stringify({
        id: 'evt_1',
        object: 'event',
        created: 1,
        livemode: false,
        type: 'payment_intent.succeeded',
        data: { object: { id: 'pi_x' } },
        ...more,
      })

    test('a webhook that is not signed over these bytes, now, by the right secret, is refused', async () => {
      const text = eventText({})
      const rows: [string, string, string | undefined, number][] = [
        ['no signature', text, undefined, 400],
        ['another secret', text, signed(text, 'whsec_other'), 400],
        ['an altered byte', text.replace('pi_x', 'pi_y'), signed(text), 400],
        ['the same JSON, written otherwise', JSON.stringify(JSON.parse(text), null, 1), signed(text), 400],
        ['too old', text, signed(text, SECRET, 301), 400],
        ['from the future', text, signed(text, SECRET, -400), 400],
        ['only the old scheme', text, signed(text).replace('v1=', 'v0='), 400],
        ['not JSON', 'x', signed('x'), 400],
        [
          'of a type that is nothing to us',
          eventText({ type: 'customer.created' }),
          signed(eventText({ type: 'customer.created' })),
          200,
        ],
        ['of the other mode', eventText({ livemode: true }), signed(eventText({ livemode: true })), 200],
        ['about a payment that is none', text, signed(text), 200],
      ]
      for (const [name, payload, signature, status] of rows)
        assert.equal((await hook(payload, signature)).status, status, name)
      const genuine = await hook(text, signed(text))
      assert.equal(genuine.headers.get('x-ratelimit-limit'), null, 'who signs may tell us as often as they need to')
      // Refused before it is read: the connection may be closed while it is still being written.
      const large = await hook('x'.repeat(5_000_000), 't=1').catch(() => null)
      assert.ok(large === null || large.status === 413)
    })

    test('paid and told by webhook, twenty times at once: credited once, whatever the event says', async () => {
      const person = await register(server)
      const made = await begin(person)
      assert.match(made.url, /^https:\/\/checkout\.example\/pay\/cs_/)
      const { intent } = await stripe.pay(sessionOf(made))
      const lie = { id: intent?.id, amount_received: 99_999_999, metadata: { checkout: 'chk_of_a_victim' } }
      const text = eventText({ data: { object: lie } })
      const replies = await Promise.all(Array.from({ length: 20 }, () => hook(text, signed(text))))
      assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([200]))
      assert.equal(await balance(person), 8_500_000)
    })

    test('the landing looks by itself, and believes no address', async () => {
      const person = await register(server)
      const made = await begin(person)
      const land = (id: string) => call(server, 'GET', `/payments/landing/${id}`)
      const unpaid = await land(made.id)
      assert.deepEqual([unpaid.status, unpaid.headers.get('location')], [303, URLS.cancel_url])
      assert.equal(await balance(person), 0)
      await stripe.pay(sessionOf(made))
      const paid = await land(made.id)
      assert.deepEqual([paid.status, paid.headers.get('location')], [303, `https://app.example/ok?s=${made.id}`])
      assert.equal(await balance(person), 8_500_000)
      assert.equal((await land('chk_of_nobody')).status, 404)
      assert.equal(
        (await call(server, 'POST', `/sandbox/checkouts/${made.id}`, { body: { outcome: 'paid' } })).status,
        404,
      )
    })

    test('the embedded form has a page of its own, for Stripe alone', async () => {
      const person = await register(server)
      const made = await begin(person, { ui: 'embedded' })
      assert.equal(made.url, `${server.url}/pay/${made.id}`)
      assert.ok(made.client_secret)
      const page = await call(server, 'GET', `/pay/${made.id}`)
      assert.equal(page.status, 200)
      assert.match(
        page.headers.get('content-security-policy') ?? '',
        /default-src 'none'; script-src 'self' https:\/\/js\.stripe\.com /,
      )
      assert.ok(page.text.includes(made.client_secret ?? '-') && page.text.includes('pk_test_http'))
      assert.equal((await call(server, 'GET', '/pay/chk_of_nobody')).status, 404)
      assert.equal(
        (await call(server, 'GET', `/pay/${(await begin(person)).id}`)).status,
        404,
        'a hosted one has none here',
      )
    })

    test('Stripe is away: nothing is begun twice', async () => {
      const person = await register(server)
      stripe.faults.requests([{ method: 'POST', path: '/v1/checkout/sessions', at: 'edge', ends: 500, times: 3 }])
      const ask = () =>
        call<Made>(server, 'POST', '/api/payments/checkout', {
          bearer: person.session,
          headers: { 'idempotency-key': 'k' },
          body: { package_id: 'basic', ...URLS },
        })
      assert.equal((await ask()).status, 503)
      const [first, second] = [await ask(), await ask()]
      assert.deepEqual([first.status, first.body.url], [200, second.body.url])
    })

    test('a lost dispute: calls answer 402 account_in_debt until the debt is paid', async () => {
      const person = await register(server)
      const app = await createApp(server, person)
      const key = await createKey(server, person, app, 'developer')
      const pay = async () => {
        const made = await begin(person)
        const { intent } = await stripe.pay(sessionOf(made))
        await call(server, 'GET', `/payments/landing/${made.id}`)
        return String(intent?.latest_charge)
      }
      const charge = await pay()
      assert.equal((await chat(server, key)).status, 200)
      const { id } = await stripe.dispute(charge)
      await stripe.closeDispute(id, 'lost')
      const text = eventText({ type: 'charge.dispute.closed', data: { object: { id, charge } } })
      assert.equal((await hook(text, signed(text))).status, 200)
      const refused = await chat(server, key)
      type Refused = { error: { code: string; details: { limit: string; required: number } } }
      const { error } = refused.body as unknown as Refused
      assert.deepEqual([refused.status, error.code, error.details.limit], [402, 'account_in_debt', 'debt'])
      assert.ok(error.details.required > 0)
      assert.equal(await balance(person), 0)
      await pay()
      assert.equal(await balance(person), 8_500_000 - error.details.required)
      assert.equal((await chat(server, key)).status, 200)
    })

    test('refunds, automatic top-ups, the payout account: whose they are, and what they ask', async () => {
      const [person, other] = [await register(server), await register(server)]
      const made = await begin(person, { save_card: true })
      await stripe.pay(sessionOf(made))
      await call(server, 'GET', `/payments/landing/${made.id}`)
      const bearer = person.session
      const ask = (amount: number, key = 'a') =>
        call(server, 'POST', '/api/payments/refunds', { bearer, headers: { 'idempotency-key': key }, body: { amount } })
      const [first, again] = [await ask(1_000_000), await ask(1_000_000)]
      assert.deepEqual([first.status, again.status, again.headers.get('idempotency-replayed')], [200, 200, 'true'])
      assert.equal((await ask(2_000_000)).status, 422)
      assert.equal((await ask(7_510_000, 'b')).status, 402)
      assert.equal((await ask(15_000, 'c')).status, 400)
      assert.equal(await balance(person), 7_500_000)
      const set = { enabled: true, threshold: 1_000_000, package_id: 'basic', month_max_cents: 5_000 }
      const put = (session: string) =>
        call<{ enabled: boolean; card: { last4: string } }>(server, 'PUT', '/api/payments/auto-topup', {
          bearer: session,
          body: set,
        })
      const on = await put(bearer)
      assert.deepEqual([on.status, on.body.enabled, on.body.card?.last4], [200, true, '4242'])
      assert.equal((await put(other.session)).status, 400)
      const drop = (bearer?: string) =>
        call<typeof on.body>(server, 'DELETE', '/api/payments/card', bearer === undefined ? {} : { bearer })
      const key = await createKey(server, person, await createApp(server, person))
      const refusals = [await drop(), await drop('sess_x'), await drop(key), await drop(other.session)]
      assert.deepEqual(
        refusals.map(({ status }) => status),
        [401, 401, 401, 404],
        'nobody’s, a wrong one, an app’s, somebody else’s',
      )
      const [dropped, twice] = [await drop(bearer), await drop(bearer)]
      assert.deepEqual([dropped.status, dropped.body.card, dropped.body.enabled, twice.status], [200, null, false, 404])
      assert.equal((await put(bearer)).status, 400, 'without a card nothing is turned on')
      const onboarded = await call<{ onboarding_url: string; stripe_account_id: string }>(
        server,
        'POST',
        '/developers/connect/onboard',
        { bearer, body: {} },
      )
      assert.deepEqual([onboarded.status, onboarded.body.stripe_account_id?.slice(0, 5)], [201, 'acct_'])
      assert.match(onboarded.body.onboarding_url, /^https:\/\/checkout\.example\/onboard\//)
      const status = (session: string) =>
        must<{ status: string }>(server, 'GET', '/developers/connect/status', { bearer: session })
      assert.deepEqual([(await status(bearer)).status, (await status(other.session)).status], ['incomplete', 'none'])
      const refresh = async (session: string) => {
        const options = { headers: { authorization: `Bearer ${session}` }, redirect: 'manual' as const }
        const reply = await fetch(`${server.url}/developers/connect/refresh`, options)
        return [reply.status, reply.headers.get('location')?.replace(/onboard\/.*/, 'onboard/…')]
      }
      assert.deepEqual(await refresh(bearer), [303, 'https://checkout.example/onboard/…'])
      assert.deepEqual(await refresh(other.session), [303, `${server.url}/wallet/developer/payouts`])
      assert.equal((await status(other.session)).status, 'none', 'without a fresh proof no account is made')
      await stripe.completeOnboarding(onboarded.body.stripe_account_id)
      const text = eventText({ type: 'account.updated', data: { object: { id: onboarded.body.stripe_account_id } } })
      await hook(text, signed(text))
      assert.equal((await status(bearer)).status, 'active')
      const payouts = await must<{ earnings: Record<string, number>; payouts: unknown[] }>(
        server,
        'GET',
        '/developers/payouts',
        { bearer },
      )
      assert.deepEqual(payouts.earnings, { pending: 0, payable: 0, reserve: 0, paid: 0, flagged: 0 })
      assert.equal((await call(server, 'GET', '/developers/payouts/payout_x', { bearer })).status, 404)
    })

    test('a receipt for whoever paid, as a page and a file, and for nobody else', async () => {
      const [person, other, developer] = [await register(server), await register(server), await register(server)]
      const name = 'Łukasz <王小明>'
      await must(server, 'PATCH', '/account', { bearer: person.session, body: { name } })
      const read = (id: string, by: Person | null, path = '') =>
        call(server, 'GET', `/payments/receipts/${id}${path}`, by ? { bearer: by.session } : {})
      const made = await begin(person)
      assert.equal((await read(made.id, person)).status, 404, 'not paid yet')
      await stripe.pay(sessionOf(made))
      await call(server, 'GET', `/payments/landing/${made.id}`)
      const page = await read(made.id, person)
      assert.deepEqual([page.status, page.headers.get('cache-control')], [200, 'no-store'])
      assert.match(page.headers.get('content-security-policy') ?? '', /^default-src 'none'/)
      for (const words of ['&#60;王小明&#62;', person.email, 'Basic package', '>$8.50<', '>$1.50<', '>$10.00<'])
        assert.ok(page.text.includes(words), words)
      assert.ok(!page.text.includes(made.id.slice(-32)) || page.text.includes(`${made.id}/pdf`))
      const pdf = await read(made.id, person, '/pdf')
      assert.deepEqual([pdf.status, pdf.headers.get('content-type')], [200, 'application/pdf'])
      assert.match(pdf.headers.get('content-disposition') ?? '', /^attachment; filename="receipt-chk_\w+\.pdf"$/)
      const nobody = await read(made.id, null)
      assert.deepEqual([nobody.status, nobody.text.includes(person.email)], [401, false])
      for (const [by, path] of [
        [other, ''],
        [other, '/pdf'],
        [null, '/pdf'],
      ] as const)
        assert.equal((await read(made.id, by, path)).status, 404)
      assert.equal((await call(server, 'GET', `/payments/receipts/${made.id}`, { bearer: 'sess_x' })).status, 401)

      await must(server, 'POST', '/api/payments/refunds', { bearer: person.session, body: { amount: 2_000_000 } })
      const after = (await read(made.id, person)).text
      assert.match(after, /Refunded on [\s\S]*-\$2\.00[\s\S]*Paid after refunds[\s\S]*\$8\.00/)

      const app = await createApp(server, developer)
      const key = await createKey(server, developer, app)
      const theirs = await must<Made>(server, 'POST', '/api/payments/checkout', {
        bearer: key,
        body: { package_id: 'starter', ...URLS, external_user_id: 'someone@app.example' },
      })
      await stripe.pay(sessionOf(theirs))
      await call(server, 'GET', `/payments/landing/${theirs.id}`)
      const open = await read(theirs.id, null)
      assert.deepEqual([open.status, /Billed to|someone@|example\.org/.test(open.text)], [200, false])
      assert.equal((await read(theirs.id.slice(0, -1), null)).status, 401)
    })

    test('the books agree with Stripe, say so when they do not, and leave for an accountant', async () => {
      type Report = { ok: boolean; ours: number; provider: number; differences: { kind: string; what: string }[] }
      const reconcile = () => must<Report>(server, 'POST', '/admin/books/reconcile', { bearer: ADMIN_TOKEN, body: {} })
      const report = await reconcile()
      assert.deepEqual([report.ok, report.differences, report.ours - report.provider], [true, [], 0])
      const direct = new Stripe('sk_test_http', { httpClient: Stripe.createFetchHttpClient(stripe.fetch) })
      await direct.paymentIntents.create({
        amount: 777,
        currency: 'usd',
        payment_method: 'pm_card_visa',
        confirm: true,
      })
      const after = await reconcile()
      assert.equal(after.ok, false)
      assert.deepEqual(after.differences.map(({ kind }) => kind).sort(), ['not_in_our_books', 'total'])
      assert.match((await call(server, 'GET', '/metrics')).text, /quota_book_differences 2/)
      const csv = await call(server, 'GET', '/admin/books/export.csv', { bearer: ADMIN_TOKEN })
      const rows = csv.text
        .trimEnd()
        .split('\r\n')
        .slice(1)
        .map((row) => row.split(','))
      assert.ok(rows.length > 10)
      assert.equal(
        rows.reduce((sum, row) => sum + Math.round(Number(row[6]) * 1e6), 0),
        0,
      )
      const journal = await call(server, 'GET', '/admin/books/export.journal', { bearer: ADMIN_TOKEN })
      assert.match(journal.text, /^commodity USD[\s\S]*\* \(\d+\) topup:pi_\w+[\s\S]*assets:stripe {2}USD 10\.000000\n/)
      assert.equal((await call(server, 'GET', '/admin/books/export.csv')).status, 404)
      assert.equal((await books(server)).balance.ok, true)
    })
  })
}
