// Codes of an authenticator app and recovery codes: what is refused, once only, and asked again.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { databases } from '../support/server.ts'
import { addTotp, as, codeAt, login, mailsTo, newPerson, type Otp, refused, standing, succeeds } from './account.rig.ts'
import { browser, type Json, OWN, type Rig, type Signed, startRig } from './identity.rig.ts'

const MINUTE = 60_000

for (const database of databases()) {
  describe(`second factor on ${database}`, () => {
    let rig: Rig
    const now = () => rig.now()
    const later = (ms: number) => rig.later(ms)
    before(async () => {
      rig = await startRig(database)
    })
    after(() => rig.close())
    const withTotp = async (): Promise<Signed & Otp> => {
      const person = await newPerson(rig)
      return { ...person, ...(await addTotp(rig, person)) }
    }

    test('nothing asks for a code before the first one was confirmed', async () => {
      const ann = await newPerson(rig)
      const { body } = await succeeds(as(rig, ann.session, 'POST', '/account/totp'))
      assert.match(String(body.uri), /^otpauth:\/\/totp\/Quota%20Wallet:p-.*secret=/)
      await refused(
        rig,
        () => as(rig, ann.session, 'POST', '/account/totp/confirm', { totp: '000000' }),
        401,
        'invalid_second_factor',
      )
      await succeeds(login(rig, ann))
      const security = await as(rig, ann.session, 'GET', '/account/security')
      assert.deepEqual([security.body.totp, security.body.recovery_codes_left], [false, 0])
    })

    test('a confirmed one cannot be replaced without being removed, nor confirmed twice', async () => {
      const ann = await withTotp()
      await refused(rig, () => as(rig, ann.session, 'POST', '/account/totp'), 409, 'already_set')
      const again = { totp: codeAt(ann.secret, now()) }
      await refused(rig, () => as(rig, ann.session, 'POST', '/account/totp/confirm', again), 409, 'already_set')
    })

    test('the password alone is told what is missing; a wrong password is told nothing', async () => {
      const ann = await withTotp()
      const error = await refused(rig, () => login(rig, ann), 401, 'second_factor_required')
      assert.deepEqual(error.details, { methods: ['totp', 'recovery_code'] })
      const wrong = { ...ann, password: 'not the password' }
      await refused(rig, () => login(rig, wrong, { totp: codeAt(ann.secret, now()) }), 401, 'invalid_credentials')
      await refused(rig, () => login(rig, wrong), 401, 'invalid_credentials')
    })

    test('a code works once, also for 8 sign-ins at once, and an older one not after it', async () => {
      const ann = await withTotp()
      const totp = codeAt(ann.secret, now())
      const replies = await Promise.all(Array.from({ length: 8 }, () => login(rig, ann, { totp })))
      assert.deepEqual(replies.map((r) => r.status).sort(), [200, ...Array(7).fill(401)])
      await refused(rig, () => login(rig, ann, { totp }), 401, 'invalid_second_factor')
      await refused(rig, () => login(rig, ann, { totp: codeAt(ann.secret, now(), -1) }), 401, 'invalid_second_factor')
      await succeeds(login(rig, ann, { totp: codeAt(ann.secret, now(), 1) }))
    })

    for (const [name, steps] of [
      ['two steps old', -2],
      ['two steps early', 2],
      ['an hour old', -120],
    ] as const) {
      test(`a code ${name} is refused`, async () => {
        const ann = await withTotp()
        await refused(
          rig,
          () => login(rig, ann, { totp: codeAt(ann.secret, now(), steps) }),
          401,
          'invalid_second_factor',
        )
      })
    }

    for (const [name, field, param] of [
      ['five digits', { totp: '12345' }, 'totp'],
      ['letters', { totp: 'abcdef' }, 'totp'],
      ['a number', { totp: 123456 }, 'totp'],
      ['65 characters', { recovery_code: 'x'.repeat(65) }, 'recovery_code'],
      ['an unknown field', { second_factor: '123456' }, 'second_factor'],
    ] as const) {
      test(`malformed: ${name}`, async () => {
        const ann = await withTotp()
        const error = await refused(rig, () => login(rig, ann, { ...field }), 400, 'bad_request')
        assert.equal(error.param, param)
      })
    }

    test('a recovery code works once, in any writing, also at once, and the person is told', async () => {
      const ann = await withTotp()
      assert.equal(new Set(ann.codes).size, 10)
      for (const code of ann.codes) assert.match(code, /^[a-z2-9]{4}(-[a-z2-9]{4}){3}$/)
      const [first = '', second = ''] = ann.codes
      const replies = await Promise.all(Array.from({ length: 8 }, () => login(rig, ann, { recovery_code: first })))
      assert.deepEqual(replies.map((r) => r.status).sort(), [200, ...Array(7).fill(401)])
      await refused(rig, () => login(rig, ann, { recovery_code: first }), 401, 'invalid_second_factor')
      await succeeds(login(rig, ann, { recovery_code: ` ${second.toUpperCase().replaceAll('-', ' ')} ` }))
      const security = await as(rig, ann.session, 'GET', '/account/security')
      assert.equal(security.body.recovery_codes_left, 8)
      const mails = await mailsTo(rig, ann.email, 4)
      assert.equal(mails.filter((mail) => mail.subject.includes('recovery code was used')).length, 2)
      for (const mail of mails) assert.ok(!ann.codes.some((code) => mail.text.includes(code)))
    })

    test('another person’s recovery code is nothing', async () => {
      const [ann, bob] = [await withTotp(), await withTotp()]
      const of = { recovery_code: bob.codes[0] }
      await refused(rig, () => login(rig, ann, of), 401, 'invalid_second_factor')
      await succeeds(login(rig, bob, of))
    })

    test('new recovery codes end the old ones', async () => {
      const ann = await withTotp()
      const { body } = await succeeds(as(rig, ann.session, 'POST', '/account/recovery-codes'))
      const [fresh] = body.recovery_codes as string[]
      await refused(rig, () => login(rig, ann, { recovery_code: ann.codes[3] }), 401, 'invalid_second_factor')
      await succeeds(login(rig, ann, { recovery_code: fresh }))
    })

    test('neither the secret nor a recovery code lies in the database in clear', async () => {
      const ann = await withTotp()
      const kept = await standing(rig)
      for (const canary of [ann.secret, ...ann.codes, ...ann.codes.map((code) => code.replaceAll('-', ''))])
        assert.ok(!kept.includes(canary))
    })

    test('ten wrong codes close the second factor for an hour, right ones too, and a right password alone says nothing of it', async () => {
      const ann = await withTotp()
      for (let i = 0; i < 10; i++)
        await refused(rig, () => login(rig, ann, { totp: '000000' }), 401, 'invalid_second_factor')
      const right = () => login(rig, ann, { totp: codeAt(ann.secret, now()) })
      await refused(rig, right, 429, 'rate_limit_exceeded')
      await refused(rig, () => login(rig, ann, { recovery_code: ann.codes[0] }), 429, 'rate_limit_exceeded')
      await refused(rig, () => login(rig, ann), 401, 'second_factor_required')
      later(61 * MINUTE)
      await succeeds(right())
    })

    describe('what asks for a fresh proof', () => {
      const routes: [string, string, unknown][] = [
        ['POST', '/account/password', { current_password: 'x', password: 'a new password' }],
        ['POST', '/account/email', { email: 'new@example.org' }],
        ['POST', '/account/totp', undefined],
        ['POST', '/account/totp/confirm', { totp: '123456' }],
        ['DELETE', '/account/totp', undefined],
        ['POST', '/account/recovery-codes', undefined],
        ['POST', '/account/passkeys/options', undefined],
        ['POST', '/account/passkeys', { name: 'x', passkey: { id: 'x', response: {} } }],
        ['DELETE', '/account/passkeys/pk_x', undefined],
      ]
      for (const [method, path, json] of routes) {
        test(`${method} ${path}: without a session 401, after five minutes 403 that names the ways`, async () => {
          await refused(rig, () => browser(rig.url).go(method, path, json ? { json } : {}), 401, 'unauthorized')
          const ann = await newPerson(rig)
          later(5 * MINUTE + 1000)
          const error = await refused(rig, () => as(rig, ann.session, method, path, json), 403, 'step_up_required')
          assert.deepEqual(error.details, { methods: ['password'] })
        })
      }

      test('password or code prove it for five minutes, for this session alone', async () => {
        const ann = await withTotp()
        later(6 * MINUTE)
        const other = await succeeds(login(rig, ann, { totp: codeAt(ann.secret, now()) }))
        later(6 * MINUTE)
        const start = () => as(rig, ann.session, 'POST', '/account/recovery-codes')
        const error = await refused(rig, start, 403, 'step_up_required')
        assert.deepEqual(error.details, { methods: ['password', 'totp'] })
        const stepUp = (json: Json, session = ann.session) => as(rig, session, 'POST', '/account/step-up', json)
        await refused(rig, () => stepUp({ password: 'wrong' }), 401, 'invalid_credentials')
        await refused(rig, () => stepUp({ totp: '000000' }), 401, 'invalid_second_factor')
        await refused(rig, () => stepUp({}), 400, 'bad_request')
        await refused(rig, () => stepUp({ password: ann.password, totp: '000000' }), 400, 'bad_request')
        await refused(rig, () => stepUp({ recovery_code: ann.codes[0] }), 400, 'bad_request')
        const { body } = await succeeds(stepUp({ totp: codeAt(ann.secret, now()) }))
        assert.ok(Math.abs(Date.parse(String(body.recent_until)) - now() - 5 * MINUTE) < 5000)
        await succeeds(start())
        const elsewhere = String(other.body.session_token)
        await refused(rig, () => as(rig, elsewhere, 'DELETE', '/account/totp'), 403, 'step_up_required')
        await succeeds(stepUp({ password: ann.password }, elsewhere))
        await succeeds(as(rig, elsewhere, 'DELETE', '/account/totp'))
        await succeeds(login(rig, ann))
        later(6 * MINUTE)
        await refused(rig, start, 403, 'step_up_required')
      })

      test('a code that signed in does not step up as well', async () => {
        const ann = await withTotp()
        const totp = codeAt(ann.secret, now())
        const { body } = await succeeds(login(rig, ann, { totp }))
        const session = String(body.session_token)
        await refused(rig, () => as(rig, session, 'POST', '/account/step-up', { totp }), 401, 'invalid_second_factor')
      })

      test('a code steps nobody up who has no authenticator app', async () => {
        const ann = await newPerson(rig)
        await refused(
          rig,
          () => as(rig, ann.session, 'POST', '/account/step-up', { totp: '123456' }),
          401,
          'invalid_second_factor',
        )
      })

      test('a cookie from another page changes nothing', async () => {
        const on = browser(rig.url)
        const ann = await newPerson(rig, on)
        const attack = (headers: Record<string, string>) => on.go('POST', '/account/totp', { headers })
        await refused(rig, () => attack({}), 403, 'csrf')
        await refused(rig, () => attack({ ...OWN, origin: 'https://evil.example' }), 403, 'csrf')
        await succeeds(attack(OWN))
        assert.ok(ann.id)
      })
    })
  })

  describe(`rates of the second factor on ${database}`, () => {
    let rig: Rig
    before(async () => {
      rig = await startRig(database, { scale: 1 })
    })
    after(() => rig.close())

    test('the sixth try of a minute is refused, by account: sign-in, step-up and password', async () => {
      const ann = await newPerson(rig)
      const tries: [string, Json][] = [
        ['/account/step-up', { password: 'wrong password' }],
        ['/account/password', { current_password: 'wrong password', password: 'a new password' }],
      ]
      for (const [path, json] of tries) {
        for (let i = 0; i < 5; i++)
          await refused(rig, () => as(rig, ann.session, 'POST', path, json), 401, 'invalid_credentials')
        const sixth = await as(rig, ann.session, 'POST', path, json)
        assert.equal(sixth.status, 429)
        assert.ok(Number(sixth.headers.get('retry-after')) > 0)
        await refused(rig, () => as(rig, ann.session, 'POST', path, json), 429, 'rate_limit_exceeded')
      }
      for (let i = 0; i < 5; i++) await login(rig, { ...ann, password: 'wrong' })
      await refused(rig, () => login(rig, ann), 429, 'rate_limit_exceeded')
    })
  })
}
