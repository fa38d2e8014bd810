// What the settings refuse before the server starts: above all what would bend real money.
// owns: the table of refusals of server/config.ts. never: providers (providers.test.ts), a running server (start.test.ts).
// always true: each row differs from settings that are taken in the one thing it names.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readConfig } from '../server/config.ts'

const LIVE = {
  STRIPE_SECRET_KEY: 'sk_live_x',
  STRIPE_PUBLISHABLE_KEY: 'pk_live_x',
  STRIPE_WEBHOOK_SECRET: 'whsec_x',
  QUOTA_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
}

describe('the mode is the secret key’s', () => {
  const rows: [env: NodeJS.ProcessEnv, mode: string, livemode: boolean][] = [
    [{}, 'sandbox', false],
    [{ STRIPE_SECRET_KEY: 'sk_test_x' }, 'test', false],
    [{ STRIPE_SECRET_KEY: 'rk_test_x', STRIPE_PUBLISHABLE_KEY: 'pk_test_x' }, 'test', false],
    [LIVE, 'live', true],
    [{ ...LIVE, STRIPE_SECRET_KEY: 'rk_live_x' }, 'live', true],
  ]
  for (const [env, mode, livemode] of rows)
    test(`${env.STRIPE_SECRET_KEY ?? 'none'}: ${mode}`, () => {
      const config = readConfig(env)
      assert.deepEqual([config.mode, config.livemode], [mode, livemode])
    })
})

describe('refused at the start', () => {
  const rows: [what: string, env: NodeJS.ProcessEnv, message: RegExp][] = [
    ['live without a master key', { ...LIVE, QUOTA_MASTER_KEY: '' }, /^QUOTA_MASTER_KEY is required in live mode$/],
    [
      'live without the secret of its events',
      { ...LIVE, STRIPE_WEBHOOK_SECRET: '' },
      /^STRIPE_WEBHOOK_SECRET is required/,
    ],
    [
      'live with a shifted clock',
      { ...LIVE, QUOTA_CLOCK_OFFSET_MS: '1000' },
      /^QUOTA_CLOCK_OFFSET_MS is for the sandbox/,
    ],
    [
      'live with webhooks to this machine',
      { ...LIVE, QUOTA_WEBHOOK_LOCAL: '1' },
      /^QUOTA_WEBHOOK_LOCAL is for the sandbox/,
    ],
    ['live with wider rates', { ...LIVE, QUOTA_RATE_LIMIT_SCALE: '10' }, /^QUOTA_RATE_LIMIT_SCALE is for the sandbox/],
    [
      'a page of the test beside a live key',
      { ...LIVE, STRIPE_PUBLISHABLE_KEY: 'pk_test_x' },
      /must begin with pk_live_/,
    ],
    [
      'a live page beside a key of the test',
      { STRIPE_SECRET_KEY: 'sk_test_x', STRIPE_PUBLISHABLE_KEY: 'pk_live_x' },
      /must begin with pk_test_/,
    ],
    ['a publishable key in the place of the secret one', { STRIPE_SECRET_KEY: 'pk_live_x' }, /STRIPE_SECRET_KEY/],
  ]
  for (const [what, env, message] of rows) test(what, () => assert.throws(() => readConfig(env), { message }))
})
