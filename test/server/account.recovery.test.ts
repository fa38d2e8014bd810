// A lost password, a changed one, and proving an address: links that work once, and replies that tell nothing.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { databases } from '../support/server.ts'
import { addTotp, as, login, mailsTo, newPerson, refused, succeeds, tokenIn } from './account.rig.ts'
import { type Answer, browser, type Json, type Rig, refresh, type Signed, startRig, tokensFor } from './identity.rig.ts'

const NEW = 'a quite new password'
const HOUR = 3_600_000
const wallet = { client: 'quota-wallet', redirect: 'http://127.0.0.1:4567/callback', scope: 'openid wallet' }

for (const database of databases()) {
  describe(`recovery on ${database}`, () => {
    let rig: Rig
    before(async () => {
      rig = await startRig(database)
    })
    after(() => rig.close())
    const post = (path: string, json: Json): Promise<Answer> => browser(rig.url).go('POST', path, { json })
    const ask = (email: string) => post('/auth/reset', { email })
    const set = (token: string, password = NEW) => post('/auth/reset/confirm', { token, password })
    const link = async (person: Signed, number = 2): Promise<string> => {
      await succeeds(ask(person.email), 202)
      return tokenIn((await mailsTo(rig, person.email, number))[number - 1])
    }

    describe('a reset', () => {
      test('sets a new password, ends every session and refresh token, and signs nobody in', async () => {
        const ann = await newPerson(rig)
        const phone = await tokensFor(rig, ann, wallet)
        const app = await tokensFor(rig, ann)
        const reply = await succeeds(set(await link(ann)))
        assert.deepEqual([reply.body, reply.headers.getSetCookie()], [{ changed: true }, []])
        assert.equal((await as(rig, ann.session, 'GET', '/auth/me')).status, 401)
        for (const [flow, tokens] of [
          [wallet, phone],
          [{}, app],
        ] as const) {
          const refused = await refresh(rig, flow, tokens.refresh)
          assert.deepEqual([refused.status, refused.body.error], [400, 'invalid_grant'])
        }
        assert.equal((await login(rig, ann)).status, 401)
        await succeeds(login(rig, { ...ann, password: NEW }))
      })

      test('a link works once, also for 8 at once', async () => {
        const ann = await newPerson(rig)
        const token = await link(ann)
        const replies = await Promise.all(Array.from({ length: 8 }, (_, i) => set(token, `${NEW} ${i}`)))
        assert.deepEqual(replies.map((r) => r.status).sort(), [200, ...Array(7).fill(400)])
        const winner = replies.findIndex((r) => r.status === 200)
        await succeeds(login(rig, { ...ann, password: `${NEW} ${winner}` }))
        await refused(rig, () => set(token), 400, 'invalid_link')
      })

      test('a newer link ends the older one; a second is not sent within the minute', async () => {
        const ann = await newPerson(rig)
        const older = await link(ann)
        for (let i = 0; i < 3; i++) await succeeds(ask(ann.email), 202)
        rig.later(61_000)
        const newer = await link(ann, 3)
        assert.equal((await mailsTo(rig, ann.email, 3)).length, 3)
        await refused(rig, () => set(older), 400, 'invalid_link')
        await succeeds(set(newer))
      })

      for (const [name, token] of [
        ['unknown', () => 'x'.repeat(43)],
        ['empty', () => ''],
        ['SQL', () => "' OR 1=1--"],
      ] as const)
        test(`a token that is ${name} is refused`, async () => {
          await refused(rig, () => set(token()), 400, 'invalid_link')
        })

      test('an hour later it is refused', async () => {
        const ann = await newPerson(rig)
        const token = await link(ann)
        rig.later(HOUR + 1000)
        await refused(rig, () => set(token), 400, 'invalid_link')
      })

      test('a link for another purpose is refused, and works for its own', async () => {
        const ann = await newPerson(rig)
        const [mail] = await mailsTo(rig, ann.email, 1)
        const verify = tokenIn(mail)
        await refused(rig, () => set(verify), 400, 'invalid_link')
        const reset = await link(ann)
        await refused(rig, () => post('/auth/verify', { token: reset }), 400, 'invalid_link')
        await succeeds(post('/auth/verify', { token: verify }))
      })

      test('a password that is too weak leaves the link as it was', async () => {
        const ann = await newPerson(rig)
        const token = await link(ann)
        await refused(rig, () => set(token, '1234567'), 400, 'weak_password')
        await succeeds(set(token))
      })

      test('a changed password ends links that are under way', async () => {
        const ann = await newPerson(rig)
        const token = await link(ann)
        const change = { current_password: ann.password, password: NEW }
        await succeeds(as(rig, ann.session, 'POST', '/account/password', change))
        await refused(rig, () => set(token, 'another password'), 400, 'invalid_link')
      })

      test('a proven address keeps its second factor; one never proven loses it, for it may be a stranger’s', async () => {
        const proven = await newPerson(rig)
        await succeeds(post('/auth/verify', { token: tokenIn((await mailsTo(rig, proven.email, 1))[0]) }))
        await addTotp(rig, proven)
        await succeeds(set(await link(proven, 3)))
        await refused(rig, () => login(rig, { ...proven, password: NEW }), 401, 'second_factor_required')

        const squatter = await newPerson(rig)
        await addTotp(rig, squatter)
        await succeeds(set(await link(squatter, 3)))
        const owner = await succeeds(login(rig, { ...squatter, password: NEW }))
        const security = await as(rig, String(owner.body.session_token), 'GET', '/account/security')
        assert.deepEqual([security.body.totp, security.body.email_verified], [false, true])
      })

      test('the reply is one, whoever asks, and comes before an account is looked for; only an account gets a mail', async () => {
        const ann = await newPerson(rig)
        const sent = rig.mails.length
        const { get } = rig.db
        const looks: unknown[] = []
        let goOn = () => {}
        const closed = new Promise<void>((done) => {
          goOn = done
        })
        const looking: typeof get = async (sql, params) => {
          if (!sql.includes('FROM users WHERE email')) return get.call(rig.db, sql, params) as never
          looks.push(params?.[0])
          await closed
          return get.call(rig.db, sql, params) as never
        }
        Object.assign(rig.db, { get: looking })
        try {
          for (const email of [ann.email, 'nobody@example.org']) {
            const reply = await ask(email)
            assert.deepEqual([reply.status, reply.text], [202, '{"sent":true}'])
          }
        } finally {
          goOn()
          Object.assign(rig.db, { get })
        }
        await mailsTo(rig, ann.email, 2)
        assert.deepEqual(looks, [ann.email, 'nobody@example.org'])
        assert.deepEqual(
          rig.mails.slice(sent).map((mail) => mail.to),
          [ann.email],
        )
      })

      for (const email of ['no-at-sign', 'a@b@c.org', 'a b@c.org', 'a@c.org\nBcc: b@d.org'])
        test(`not an address: ${JSON.stringify(email)}`, async () => {
          await refused(rig, () => ask(email), 400, 'invalid_email')
        })

      test('a page of somebody else cannot ask for it', async () => {
        const headers = { origin: 'https://evil.example' }
        const attack = () => browser(rig.url).go('POST', '/auth/reset', { headers, json: { email: 'x@example.org' } })
        await refused(rig, attack, 403, 'csrf')
      })
    })

    describe('a change of password', () => {
      const change = (session: string, current_password: string, password = NEW) =>
        as(rig, session, 'POST', '/account/password', { current_password, password })

      test('needs the old one', async () => {
        const ann = await newPerson(rig)
        const error = await refused(rig, () => change(ann.session, 'not it'), 401, 'invalid_credentials')
        assert.equal(error.param, 'current_password')
        await refused(rig, () => change(ann.session, ann.password, 'short'), 400, 'weak_password')
      })

      test('ends other sessions, sign-ins and refresh tokens, and leaves this browser and everybody else alone', async () => {
        const here = browser(rig.url)
        const ann = await newPerson(rig, here)
        const bob = await newPerson(rig)
        const other = browser(rig.url)
        const away = await succeeds(login(rig, ann, {}, other))
        const flow = { ...wallet, redirect: `${rig.url}/wallet/callback` }
        const inTab = await tokensFor(rig, ann, flow, other)
        const desktop = await tokensFor(rig, ann, wallet)
        const bobs = await tokensFor(rig, bob, wallet)
        await succeeds(change(ann.session, ann.password))
        assert.equal((await as(rig, ann.session, 'GET', '/auth/me')).status, 200)
        assert.equal((await as(rig, String(away.body.session_token), 'GET', '/auth/me')).status, 401)
        for (const tokens of [inTab, desktop]) {
          assert.equal((await refresh(rig, wallet, tokens.refresh)).body.error, 'invalid_grant')
          assert.equal((await refresh(rig, flow, tokens.refresh)).body.error, 'invalid_grant')
        }
        assert.equal((await refresh(rig, wallet, bobs.refresh)).status, 200)
        assert.equal((await as(rig, bob.session, 'GET', '/auth/me')).status, 200)
        // The other browser was signed in at the authorization server too; it is asked again.
        const silent = new URLSearchParams({ prompt: 'none' })
        const { at } = await other.follow(
          `/oauth/authorize?client_id=quota-wallet&response_type=code&scope=openid+wallet&code_challenge=${'x'.repeat(43)}&code_challenge_method=S256&redirect_uri=${encodeURIComponent(flow.redirect)}&${silent}`,
        )
        assert.equal(at.searchParams.get('error'), 'login_required')
        const mails = await mailsTo(rig, ann.email, 2)
        assert.match(mails[1]?.subject ?? '', /password was changed/)
      })

      test('twice at once with the same old password: once', async () => {
        const ann = await newPerson(rig)
        const replies = await Promise.all([0, 1, 2, 3].map((i) => change(ann.session, ann.password, `${NEW} ${i}`)))
        assert.deepEqual(replies.map((r) => r.status).sort(), [200, 401, 401, 401])
      })
    })

    describe('an address', () => {
      test('is proven by its link, once, and userinfo says so', async () => {
        const ann = await newPerson(rig)
        const info = async () => {
          const { access } = await tokensFor(rig, ann, { scope: 'openid email credits.spend' })
          return (
            await browser(rig.url).go('GET', '/oauth/userinfo', { headers: { authorization: `Bearer ${access}` } })
          ).body
        }
        assert.equal((await info()).email_verified, false)
        const token = tokenIn((await mailsTo(rig, ann.email, 1))[0])
        const reply = await succeeds(post('/auth/verify', { token }))
        assert.deepEqual(reply.body, { email: ann.email })
        assert.equal((await info()).email_verified, true)
        assert.equal((await as(rig, ann.session, 'GET', '/account')).body.email_verified, true)
        await refused(rig, () => post('/auth/verify', { token }), 400, 'invalid_link')
        await refused(rig, () => as(rig, ann.session, 'POST', '/account/email/verify'), 409, 'already_set')
      })

      test('changes only when the new one is proven, and frees the old one', async () => {
        const ann = await newPerson(rig)
        const next = `next-${ann.email}`
        await succeeds(as(rig, ann.session, 'POST', '/account/email', { email: next.toUpperCase() }), 202)
        const token = tokenIn((await mailsTo(rig, next, 1))[0])
        assert.equal((await as(rig, ann.session, 'GET', '/auth/me')).body.email, ann.email)
        await succeeds(post('/auth/verify', { token }))
        assert.equal((await as(rig, ann.session, 'GET', '/auth/me')).body.email, next)
        await succeeds(login(rig, { ...ann, email: next }))
        assert.equal((await login(rig, ann)).status, 401)
        assert.match((await mailsTo(rig, ann.email, 2))[1]?.subject ?? '', /address was changed/)
        const row = await rig.db.get<{ row: string }>(
          `SELECT row FROM changes WHERE feed = ? AND topic = 'profile' ORDER BY rev DESC LIMIT 1`,
          [ann.id],
        )
        assert.equal((JSON.parse(row?.row ?? '{}') as Json).email, next)
      })

      test('that somebody has is not told here, but to its mailbox, and is not taken', async () => {
        const [ann, bob] = [await newPerson(rig), await newPerson(rig)]
        const reply = await succeeds(as(rig, ann.session, 'POST', '/account/email', { email: bob.email }), 202)
        assert.deepEqual(reply.body, { sent: true })
        const mail = (await mailsTo(rig, bob.email, 2))[1]
        assert.throws(() => tokenIn(mail))
        assert.equal((await as(rig, ann.session, 'GET', '/auth/me')).body.email, ann.email)
      })

      test('that somebody took while the mail was under way is refused', async () => {
        const ann = await newPerson(rig)
        const next = `taken-${ann.email}`
        await succeeds(as(rig, ann.session, 'POST', '/account/email', { email: next }), 202)
        const token = tokenIn((await mailsTo(rig, next, 1))[0])
        await succeeds(post('/auth/register', { email: next, password: NEW }), 201)
        await mailsTo(rig, next, 2)
        await refused(rig, () => post('/auth/verify', { token }), 400, 'invalid_link')
      })
    })

    test('mails carry no password, and links lie hashed', async () => {
      const ann = await newPerson(rig)
      const token = await link(ann)
      const kept = JSON.stringify(await rig.db.all('SELECT * FROM mail_tokens'))
      assert.ok(!kept.includes(token))
      for (const mail of rig.mails) assert.ok(!mail.text.includes(ann.password) && !mail.text.includes(NEW))
    })
  })

  describe(`rates of recovery on ${database}`, () => {
    let rig: Rig
    before(async () => {
      rig = await startRig(database, { scale: 1 })
    })
    after(() => rig.close())

    test('the fourth reset of a minute is refused, the sixth link too, whoever is named', async () => {
      const post = (path: string, json: Json) => browser(rig.url).go('POST', path, { json })
      for (let i = 0; i < 3; i++) await succeeds(post('/auth/reset', { email: `nobody-${i}@example.org` }), 202)
      await refused(rig, () => post('/auth/reset', { email: 'nobody@example.org' }), 429, 'rate_limit_exceeded')
      const guess = () => post('/auth/reset/confirm', { token: 'x'.repeat(43), password: NEW })
      for (let i = 0; i < 5; i++) await refused(rig, guess, 400, 'invalid_link')
      await refused(rig, guess, 429, 'rate_limit_exceeded')
    })
  })
}
