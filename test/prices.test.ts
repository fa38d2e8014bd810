// The price book: exact prices, names, and an operator's file that is either right or refused.

import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { baseMicros, markupMicros, PriceTable, UnitPrices } from '../server/contract/receipts.ts'
import { compilePrices, pricesFor } from '../server/proxy/prices.ts'
import { bundledProviders } from '../server/proxy/prices-data.ts'
import { picosPerUnit } from '../server/proxy/prices-decimal.ts'
import { parsePrices, readPriceFile } from '../server/proxy/prices-file.ts'

const AT = Date.parse('2026-11-23T00:00:00Z')
const book = compilePrices({ at: AT })
const all = compilePrices({ at: AT, tiers: true })

type Data = NonNullable<Parameters<typeof compilePrices>[0]['providers']>
const provider = (id: string, models: Data[number]['models']): Data[number] => ({
  id,
  name: id,
  api_pattern: 'x',
  models,
})
const model = (id: string, prices: Data[number]['models'][number]['prices']) => ({ id, match: { equals: id }, prices })

describe('picosPerUnit reads decimal text exactly', () => {
  const rows: [text: string, per: bigint, picos: string | null][] = [
    ['0.15', 1_000_000n, '150000'],
    ['0.6', 1_000_000n, '600000'],
    ['20', 1_000_000n, '20000000'],
    ['0', 1_000_000n, '0'],
    ['0.000001', 1_000_000n, '1'],
    ['1e-6', 1_000_000n, '1'],
    ['1.5e-5', 1_000_000n, '15'],
    ['2e+3', 1_000_000n, '2000000000'],
    ['12', 1_000n, '12000000000'],
    ['0.36', 3_600n, '100000000'],
    ['0.0000001', 1_000_000n, null], // a tenth of a pico-dollar
    ['1e-7', 1_000_000n, null],
    ['0.30000000000000004', 1_000_000n, null], // somebody did arithmetic in floats
    ['0.04', 3_600n, null],
    ['-1', 1_000_000n, null],
    ['+1', 1_000_000n, null],
    ['.5', 1_000_000n, null],
    ['1.', 1_000_000n, null],
    ['1,5', 1_000_000n, null],
    [' 1', 1_000_000n, null],
    ['NaN', 1_000_000n, null],
    ['Infinity', 1_000_000n, null],
    ['0x10', 1_000_000n, null],
    ['', 1_000_000n, null],
    ['9999999999999', 1_000_000n, null],
  ]
  for (const [text, per, picos] of rows) {
    it(`${text || '(empty)'} per ${per} → ${picos}`, () => assert.equal(picosPerUnit(text, per), picos))
  }
})

describe('the bundled data', () => {
  it('prices gpt-4o-mini at 150,000 / 600,000 picos; 1,000 in and 500 out are 450 + 90 micros', () => {
    const found = book.find('gpt-4o-mini')
    assert.ok(found)
    assert.equal(found.unitPrices.input, '150000')
    assert.equal(found.unitPrices.output, '600000')
    assert.equal(found.unitPrices.cached_input, '75000')
    assert.equal(found.unitPrices.reasoning, '600000')
    const base = baseMicros({ input: 1_000, output: 500 }, found.unitPrices)
    assert.equal(base, 450)
    assert.equal(base + markupMicros(base, 2_000), 540)
  })

  it('holds the OpenAI chat models, with their windows and ceilings', () => {
    const rows = [
      ['gpt-4o', '2500000', '10000000', 128_000, 16_384],
      ['gpt-4.1', '2000000', '8000000', 1_047_576, 32_768],
      ['gpt-4.1-mini', '400000', '1600000', 1_047_576, 32_768],
      ['gpt-4.1-nano', '100000', '400000', 1_047_576, 32_768],
      ['gpt-5', '1250000', '10000000', 400_000, 128_000],
      ['gpt-5-mini', '250000', '2000000', 400_000, 128_000],
      ['gpt-5-nano', '50000', '400000', 400_000, 128_000],
      ['gpt-5.1', '1250000', '10000000', 400_000, 128_000],
      ['o1', '15000000', '60000000', 200_000, 100_000],
      ['o3', '2000000', '8000000', 200_000, 100_000],
      ['o3-mini', '1100000', '4400000', 200_000, 100_000],
      ['o4-mini', '1100000', '4400000', 200_000, 100_000],
      ['gpt-4-turbo', '10000000', '30000000', 128_000, 4_096],
      ['gpt-3.5-turbo', '500000', '1500000', 16_385, 4_096],
    ] as const
    for (const [name, input, output, contextWindow, maxOutput] of rows) {
      const found = book.find(name)
      const shown = [found?.unitPrices.input, found?.unitPrices.output, found?.contextWindow, found?.maxOutput]
      assert.deepEqual(shown, [input, output, contextWindow, maxOutput], name)
    }
  })

  it('agrees with the data to the last pico, model by model', () => {
    let compared = 0
    for (const source of bundledProviders) {
      for (const info of source.models) {
        const price = book.list().find((row) => row.provider === source.id && row.model === info.id)
        if (!price || Array.isArray(info.prices) || typeof info.prices.output_mtok !== 'number') continue
        // Float division is fine to check against: both sides are far below 2^53 and the error is far below half a pico.
        assert.equal(price.unitPrices.output, String(Math.round(info.prices.output_mtok * 1e6)), price.name)
        compared++
      }
    }
    assert.ok(compared > 1_000)
  })

  it('gives every model whole picos for every kind it fills, a ceiling, and a window or none', () => {
    for (const row of all.list()) {
      UnitPrices.parse(row.unitPrices)
      assert.ok(row.maxOutput > 0 && (row.contextWindow === null || row.contextWindow > 0), row.name)
      if (row.unitPrices.input !== undefined) assert.ok(row.unitPrices.cached_input !== undefined, row.name)
      if (row.unitPrices.output !== undefined) assert.ok(row.unitPrices.reasoning !== undefined, row.name)
      assert.ok(
        Object.values(row.unitPrices).some((price) => price !== '0'),
        row.name,
      )
    }
  })

  it('has each name once', () => {
    const names = all.list().map((row) => row.name)
    assert.equal(new Set(names).size, names.length)
  })

  it('leaves out what it cannot price in full, and says why', () => {
    for (const name of [
      'gpt-4o-mini-search-preview', // searches unasked: the data match it to gpt-4o-mini
      'gpt-4o-search-preview-2025-03-11',
      'o3-deep-research',
      'gpt-4o-audio-preview',
      'ft:gpt-4o-2024-08-06:somebody::abc',
      'google/gemini-embedding-2', // tokens of films are no kind of unit here
      'omni-moderation-latest', // no price
      'deepseek/deepseek-chat', // by the hour of the day
      'gpt-5.4', // tiers, not asked for
      'no-such-model',
      '',
      'gpt-4o-mini\n',
      `gpt-4o-mini${'x'.repeat(300)}`,
      '../gpt-4o-mini',
    ]) {
      assert.equal(book.find(name), null, name)
    }
    for (const row of book.refused) assert.ok(row.reason.length > 0)
    assert.ok(book.refused.some((row) => row.model === 'gpt-5.4' && /tiered/.test(row.reason)))
  })
})

describe('tiers', () => {
  it('are exact on both sides of the boundary, and never cheaper above it', () => {
    const found = all.find('gpt-5.4')
    assert.ok(found)
    assert.equal(pricesFor(found, 271_999).input, '2500000')
    assert.equal(pricesFor(found, 272_000).input, '5000000')
    assert.equal(pricesFor(found, 272_000).reasoning, '22500000')
    for (const row of all.list()) {
      let below = row.unitPrices
      for (const tier of row.tiers) {
        for (const [kind, price] of Object.entries(tier.unitPrices)) {
          assert.ok(BigInt(price) >= BigInt(below[kind as 'input'] ?? '0'), `${row.name} ${kind}`)
        }
        below = tier.unitPrices
      }
    }
  })

  it('are rows of the public table, so that a receipt can be looked up', () => {
    const { models } = all.table()
    assert.equal(models['gpt-5.4']?.input, '2500000')
    assert.equal(models['gpt-5.4#input>271999']?.input, '5000000')
  })
})

describe('dates', () => {
  const data = [
    provider('openai', [
      model('dated', [
        { prices: { input_mtok: 10, output_mtok: 40 } },
        {
          constraint: { type: 'start_date' as const, start_date: '2026-12-01' },
          prices: { input_mtok: 2, output_mtok: 8 },
        },
      ]),
    ]),
  ]
  it('the price of the day holds, and the book knows when it ends', () => {
    const before = compilePrices({ at: AT, providers: data })
    assert.equal(before.find('dated')?.unitPrices.input, '10000000')
    assert.equal(before.validUntil, Date.parse('2026-12-01T00:00:00Z'))
    const after = compilePrices({ at: Date.parse('2026-12-01T00:00:00Z'), providers: data })
    assert.equal(after.find('dated')?.unitPrices.input, '2000000')
    assert.equal(after.validUntil, null)
    assert.notEqual(before.version, after.version)
  })
})

describe('names', () => {
  const twoHave = [
    provider('openai', [model('mine', { input_mtok: 1, output_mtok: 1 })]),
    provider('acme', [
      model('mine', { input_mtok: 2, output_mtok: 2 }),
      model('shared', { input_mtok: 2, output_mtok: 2 }),
      model('alone', { input_mtok: 2, output_mtok: 2 }),
    ]),
    provider('zeta', [
      model('shared', { input_mtok: 3, output_mtok: 3 }),
      model('vendor/deep', { input_mtok: 3, output_mtok: 3 }),
    ]),
  ]
  const small = compilePrices({ at: AT, providers: twoHave })
  const rows: [name: string, options: Parameters<typeof small.find>[1], found: string | null][] = [
    ['mine', {}, 'openai/mine'],
    ['openai/mine', {}, 'openai/mine'],
    ['acme/mine', {}, 'acme/mine'],
    ['ACME/mine', {}, 'acme/mine'],
    ['alone', {}, 'acme/alone'],
    ['shared', {}, null],
    ['shared', { among: ['openai', 'zeta'] }, 'zeta/shared'],
    ['alone', { among: ['openai', 'zeta'] }, null],
    ['acme/alone', { among: ['openai'] }, null],
    ['mine', { bare: 'acme' }, 'acme/mine'],
    ['zeta/vendor/deep', {}, 'zeta/vendor/deep'],
    ['vendor/deep', {}, 'zeta/vendor/deep'],
    ['openai/alone', {}, null],
    ['acme/', {}, null],
    ['/mine', {}, null],
  ]
  for (const [name, options, found] of rows) {
    it(`${name} ${JSON.stringify(options)} → ${found}`, () => {
      const row = small.find(name, options)
      assert.equal(row && `${row.provider}/${row.model}`, found)
    })
  }

  it('a snapshot is priced as its family and sent upstream under its own name', () => {
    const found = book.find('openai/gpt-4o-2024-08-06')
    assert.equal(found?.name, 'gpt-4o')
    assert.equal(found?.upstreamModel, 'gpt-4o-2024-08-06')
    const claude = book.find('anthropic/claude-opus-4-1-20250805')
    assert.equal(claude?.name, 'anthropic/claude-opus-4-1')
    assert.equal(claude?.maxOutput, 32_000)
  })
})

describe("an operator's price file", () => {
  it('adds models and replaces them, cached and reasoning priced as given or as input and output', () => {
    const overrides = parsePrices(
      {
        models: {
          'gpt-4o-mini': { provider: 'openai', input: '1.00', output: '20', context_window: 1000, max_output: 50 },
          'test-flat': { provider: 'openai', input: '0', output: '0', request: '1000' },
          'acme/fast': { provider: 'acme', input: '1', cached_input: '0.25', output: '2', reasoning: '3' },
        },
      },
      'test',
    )
    const mine = compilePrices({ at: AT, overrides })
    const mini = mine.find('gpt-4o-mini')
    assert.deepEqual(
      [mini?.unitPrices.input, mini?.unitPrices.cached_input, mini?.maxOutput, mini?.contextWindow],
      ['1000000', '1000000', 50, 1000],
    )
    assert.equal(mine.list().filter((row) => row.name === 'gpt-4o-mini').length, 1)
    assert.equal(mine.find('gpt-4o-mini-2024-07-18'), null) // the family's price is gone; its alias must not keep the old one
    const flat = mine.find('test-flat')
    assert.equal(baseMicros({ request: 1, input: 99_999, output: 5 }, flat?.unitPrices ?? {}), 1_000)
    const fast = mine.find('acme/fast')
    assert.deepEqual(
      [fast?.model, fast?.unitPrices.cached_input, fast?.unitPrices.reasoning],
      ['fast', '250000', '3000000'],
    )
    assert.notEqual(mine.version, book.version)
  })

  const bad: [why: string, content: unknown, message: RegExp][] = [
    ['a number instead of text', { models: { m: { input: 1, output: '2' } } }, /models\.m\.input/],
    ['a missing price', { models: { m: { input: '1' } } }, /models\.m\.output/],
    ['seven decimals', { models: { m: { input: '0.0000001', output: '2' } } }, /models\.m\.input.*decimal text/],
    ['a negative price', { models: { m: { input: '-1', output: '2' } } }, /models\.m\.input/],
    ['an unknown field', { models: { m: { input: '1', output: '2', outptu: '3' } } }, /models\.m.*outptu/],
    ['an unknown top field', { models: {}, model: {} }, /model/],
    ['no models', {}, /models/],
    ['a name with a space', { models: { 'a b': { input: '1', output: '2' } } }, /models\.a b/],
    [
      'a provider in capitals',
      { models: { m: { provider: 'OpenAI', input: '1', output: '2' } } },
      /models\.m\.provider/,
    ],
    ['all zero', { models: { m: { input: '0', output: '0' } } }, /models\.m.*zero/],
    ['a fractional limit', { models: { m: { input: '1', output: '2', max_output: 1.5 } } }, /models\.m\.max_output/],
    ['a zero window', { models: { m: { input: '1', output: '2', context_window: 0 } } }, /context_window/],
    ['a list', [], /\(top\)/],
  ]
  for (const [why, content, message] of bad) {
    it(`refuses ${why}, naming the place`, () =>
      assert.throws(() => parsePrices(content, 'price file x.json'), message))
  }

  it('names the file when it is missing, or no JSON', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'quota-prices-')), 'prices.json')
    assert.throws(() => readPriceFile(path), /price file .*prices\.json/)
    writeFileSync(path, '{"models": ')
    assert.throws(() => readPriceFile(path), /price file .*prices\.json/)
    writeFileSync(path, '{"models": {"m": {"input": "1", "output": "2"}}}')
    assert.equal(readPriceFile(path).length, 1)
  })
})

describe('the public table', () => {
  it('is valid, and its version is a hash of its content: the same twice, another for any other price', () => {
    PriceTable.parse(book.table())
    assert.equal(book.table().version, book.version)
    assert.equal(compilePrices({ at: AT }).version, book.version)
    const cents = (output: string) =>
      compilePrices({ at: AT, overrides: parsePrices({ models: { m: { input: '1', output } } }, 't') }).version
    assert.notEqual(cents('2'), cents('2.000001'))
    assert.equal(cents('2'), cents('2.0'))
  })
})
