// Receipts beside the published prices: a tier by the size of the input is a row of its own.

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { checkReceipt } from '../../packages/sdk/src/receipts.ts'
import { baseMicros, type ReceiptPayload } from '../../server/contract/receipts.ts'
import { compilePrices, pricesFor } from '../../server/proxy/prices.ts'
import { signReceipt } from '../../server/receipts/receipts.ts'

const book = compilePrices({ at: Date.parse('2026-11-23T12:00:00Z'), tiers: true })
const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const receiptKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
const keys = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1' }] } as Parameters<
  typeof checkReceipt
>[1]['keys']

/** A charge of a model with a tier above 271,999 tokens, at the prices for an input of another size. */
async function check(input: number, pricedAs: number, estimated = false) {
  const model = book.find('gpt-5.4')
  assert.ok(model)
  const units = { input, output: 10 }
  const all = pricesFor(model, pricedAs)
  const unit_prices = { input: all.input ?? '', output: all.output ?? '' }
  const base = baseMicros(units, unit_prices)
  const sums = { units, unit_prices, base, markup_bps: 0, markup: 0, granted: 0, total: base }
  const names = { iss: 'http://x', jti: 'req_1', sub: 'user_1', app: 'app_1', connection: null, route: '/v1/x' }
  const rest = { v: 1, iat: 1, model: model.name, price_version: book.version, estimated, rev: 1, prev: null } as const
  const payload: ReceiptPayload = { ...names, ...sums, ...rest }
  const receipt = signReceipt({ issuer: '', receiptKeyPem, receiptKid: 'k1' }, payload)
  const found = await checkReceipt(receipt, { keys, prices: book.table() })
  return found.ok ? 'ok' : found.problem
}

describe('the prices of a receipt', () => {
  const rows: [text: string, input: number, pricedAs: number, estimated: boolean, found: string][] = [
    ['below the tier', 271_999, 271_999, false, 'ok'],
    ['above the tier', 272_000, 272_000, false, 'ok'],
    ['the dearer tier for a small input', 1000, 272_000, false, 'prices'],
    ['the cheaper tier for a large one', 272_000, 1000, false, 'prices'],
    ['the cheaper tier, where nobody knew how the call went', 272_000, 1000, true, 'ok'],
    ['the dearer tier, where nobody knew', 1000, 272_000, true, 'prices'],
  ]
  for (const [text, input, pricedAs, estimated, found] of rows)
    test(`${text}: ${found}`, async () => assert.equal(await check(input, pricedAs, estimated), found))
})
