// Passkeys, by an authenticator in software that can tell every lie: what is refused, and that nothing moves then.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { databases } from '../support/server.ts'
import {
  type Authenticator,
  addTotp,
  as,
  authenticator,
  type Lies,
  newPerson,
  refused,
  succeeds,
} from './account.rig.ts'
import { bearer, browser, type Json, type Rig, type Signed, startRig } from './identity.rig.ts'

const EVIL = 'https://evil.example'

for (const database of databases()) {
  describe(`passkeys on ${database}`, () => {
    let rig: Rig
    before(async () => {
      rig = await startRig(database, { host: 'localhost' })
    })
    after(() => rig.close())

    const optionsOf = async (session: string, path: string): Promise<Json> =>
      (await succeeds(as(rig, session, 'POST', path))).body.options as Json
    const add = (person: Signed, passkey: Json, name = 'My phone') =>
      as(rig, person.session, 'POST', '/account/passkeys', { name, passkey })
    const withPasskey = async (): Promise<Signed & { key: Authenticator }> => {
      const person = await newPerson(rig)
      const key = authenticator(rig.url)
      await succeeds(add(person, key.create(await optionsOf(person.session, '/account/passkeys/options'))), 201)
      return { ...person, key }
    }
    const signInOptions = async (): Promise<Json> =>
      (await succeeds(browser(rig.url).go('POST', '/auth/passkey/options'))).body.options as Json
    const signIn = (passkey: Json) => browser(rig.url).go('POST', '/auth/passkey', { json: { passkey } })

    describe('adding one', () => {
      const lies: [string, Lies][] = [
        ['from another origin', { origin: EVIL }],
        ['for another name', { rpId: 'evil.example' }],
        ['as if it were signing in', { type: 'webauthn.get' }],
        ['without the person present', { present: false }],
        ['without the person verified', { verified: false }],
        ['to another challenge', { challenge: Buffer.from('another').toString('base64url') }],
      ]
      for (const [name, lie] of lies)
        test(`refused: made ${name}`, async () => {
          const ann = await newPerson(rig)
          const options = await optionsOf(ann.session, '/account/passkeys/options')
          await refused(rig, () => add(ann, authenticator(rig.url).create(options, lie)), 401, 'invalid_passkey')
        })

      test('a challenge is answered once, by the session that asked, within five minutes', async () => {
        const [ann, bob] = [await newPerson(rig), await newPerson(rig)]
        const options = await optionsOf(ann.session, '/account/passkeys/options')
        const made = authenticator(rig.url).create(options)
        await refused(rig, () => add(bob, made), 401, 'invalid_passkey')
        await succeeds(add(ann, made), 201)
        await refused(rig, () => add(ann, authenticator(rig.url).create(options)), 401, 'invalid_passkey')
        const late = await optionsOf(ann.session, '/account/passkeys/options')
        rig.later(299_000)
        await succeeds(as(rig, ann.session, 'POST', '/account/step-up', { password: ann.password }))
        rig.later(2000)
        await refused(rig, () => add(ann, authenticator(rig.url).create(late)), 401, 'invalid_passkey')
      })

      test('a challenge for signing in adds nothing', async () => {
        const ann = await newPerson(rig)
        const options = { ...(await optionsOf(ann.session, '/account/passkeys/options')), ...(await signInOptions()) }
        await refused(rig, () => add(ann, authenticator(rig.url).create(options)), 401, 'invalid_passkey')
      })

      test('the same one twice, for oneself and for another', async () => {
        const ann = await withPasskey()
        const bob = await newPerson(rig)
        for (const person of [ann, bob]) {
          const again = ann.key.create(await optionsOf(person.session, '/account/passkeys/options'))
          await refused(rig, () => add(person, again), 409, 'already_set')
        }
      })

      test('what cannot be read', async () => {
        const ann = await newPerson(rig)
        const good = authenticator(rig.url).create(await optionsOf(ann.session, '/account/passkeys/options'))
        const response = { ...(good.response as Json), attestationObject: 'AAAA' }
        await refused(rig, () => add(ann, { ...good, response }), 401, 'invalid_passkey')
        await refused(rig, () => add(ann, { id: 'x', response: {} }), 401, 'invalid_passkey')
        await refused(rig, () => add(ann, good, 'a\u202eb'), 400, 'bad_request')
        await refused(rig, () => as(rig, ann.session, 'POST', '/account/passkeys', { name: 'x' }), 400, 'bad_request')
      })
    })

    describe('signing in', () => {
      test('gives a session of the owner, without a second factor: it is both', async () => {
        const ann = await withPasskey()
        await addTotp(rig, ann)
        const options = await signInOptions()
        assert.deepEqual(
          [options.rpId, options.userVerification, options.allowCredentials],
          ['localhost', 'required', undefined],
        )
        const reply = await succeeds(signIn(ann.key.get(options)))
        assert.equal((reply.body.user as Json).id, ann.id)
        assert.match(reply.headers.getSetCookie()[0] ?? '', /^quota_session=sess_/)
        const security = await browser(rig.url).go('GET', '/account/security', {
          headers: bearer(String(reply.body.session_token)),
        })
        assert.ok(security.body.recent_until)
        assert.equal(typeof ((security.body.passkeys as Json[])[0] as Json).last_used_at, 'string')
      })

      const lies: [string, Lies][] = [
        ['to another origin', { origin: EVIL }],
        ['for another name', { rpId: 'evil.example' }],
        ['as if it were being made', { type: 'webauthn.create' }],
        ['without the person present', { present: false }],
        ['without the person verified', { verified: false }],
        ['with a signature of something else', { badSignature: true }],
        ['with a counter that went back', { counter: 1 }],
        ['with a counter of zero after others', { counter: 0 }],
        ['for another person', { userHandle: Buffer.from('user_x').toString('base64url') }],
        ['to a challenge of its own', { challenge: Buffer.from('mine').toString('base64url') }],
      ]
      for (const [name, lie] of lies)
        test(`refused: signed ${name}`, async () => {
          const ann = await withPasskey()
          await succeeds(signIn(ann.key.get(await signInOptions())))
          const options = await signInOptions()
          await refused(rig, () => signIn(ann.key.get(options, lie)), 401, 'invalid_passkey')
        })

      test('an answer works once, also for 8 at once', async () => {
        const ann = await withPasskey()
        const answer = ann.key.get(await signInOptions())
        const replies = await Promise.all(Array.from({ length: 8 }, () => signIn(answer)))
        assert.deepEqual(replies.map((r) => r.status).sort(), [200, ...Array(7).fill(401)])
        await refused(rig, () => signIn(answer), 401, 'invalid_passkey')
      })

      test('unknown and removed ones are refused alike', async () => {
        const ann = await withPasskey()
        const listed = (await as(rig, ann.session, 'GET', '/account/security')).body.passkeys as Json[]
        const bob = await withPasskey()
        await refused(rig, () => as(rig, bob.session, 'DELETE', `/account/passkeys/${listed[0]?.id}`), 404, 'not_found')
        await succeeds(as(rig, ann.session, 'DELETE', `/account/passkeys/${listed[0]?.id}`))
        const gone = ann.key.get(await signInOptions())
        const error = await refused(rig, () => signIn(gone), 401, 'invalid_passkey')
        const stranger = authenticator(rig.url).get(await signInOptions())
        const other = await refused(rig, () => signIn(stranger), 401, 'invalid_passkey')
        assert.deepEqual({ ...error, request_id: '' }, { ...other, request_id: '' })
      })
    })

    describe('stepping up', () => {
      test('marks the session that asked, and no other', async () => {
        const ann = await withPasskey()
        rig.later(301_000)
        const again = String((await succeeds(signIn(ann.key.get(await signInOptions())))).body.session_token)
        rig.later(301_000)
        const remove = (session: string) => as(rig, session, 'POST', '/account/totp')
        const error = await refused(rig, () => remove(again), 403, 'step_up_required')
        assert.deepEqual(error.details, { methods: ['password', 'passkey'] })
        const stepUp = (session: string, passkey: Json) => as(rig, session, 'POST', '/account/step-up', { passkey })
        const answer = ann.key.get(await optionsOf(again, '/account/step-up/options'))
        await refused(rig, () => stepUp(ann.session, answer), 401, 'invalid_passkey')
        await succeeds(stepUp(again, answer))
        await refused(rig, () => remove(ann.session), 403, 'step_up_required')
        await succeeds(remove(again))
      })

      test('another person’s passkey does not, nor an answer to a sign-in', async () => {
        const [ann, bob] = [await withPasskey(), await withPasskey()]
        const stepUp = (passkey: Json) => as(rig, ann.session, 'POST', '/account/step-up', { passkey })
        const asked = await optionsOf(ann.session, '/account/step-up/options')
        await refused(rig, () => stepUp(bob.key.get(asked)), 401, 'invalid_passkey')
        const other = await signInOptions()
        await refused(rig, () => stepUp(ann.key.get(other)), 401, 'invalid_passkey')
      })

      test('without a passkey there is nothing to ask', async () => {
        const ann = await newPerson(rig)
        await refused(rig, () => as(rig, ann.session, 'POST', '/account/step-up/options'), 404, 'not_found')
      })
    })
  })

  test(`at a bare address there are no passkeys, and it is said (${database})`, async () => {
    const rig = await startRig(database)
    try {
      const ann = await newPerson(rig)
      await refused(rig, () => as(rig, ann.session, 'POST', '/account/passkeys/options'), 400, 'passkeys_unavailable')
      await refused(rig, () => browser(rig.url).go('POST', '/auth/passkey/options'), 400, 'passkeys_unavailable')
      assert.equal((await as(rig, ann.session, 'GET', '/account/security')).body.passkeys_possible, false)
    } finally {
      await rig.close()
    }
  })
}
