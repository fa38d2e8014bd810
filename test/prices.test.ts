// The price book: exact prices, names, and an operator's file that is either right or refused.

import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { baseMicros, markupMicros, PriceTable, UnitPrices, type Units } from '../server/contract/receipts.ts'
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
      'google/gemini-omni-flash-preview', // video tokens are no kind of unit here
      'omni-moderation-latest', // no price
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

describe('hours of the day', () => {
  const dollars = (input: number) => ({ input_mtok: input, output_mtok: 2 * input })
  const hours = (start: string, end: string) => ({
    type: 'time_of_date' as const,
    start_time: `${start}:00Z`,
    end_time: `${end}:00Z`,
  })
  const data = [
    provider('deepseek', [
      model('peaks', [
        { prices: dollars(1) },
        { constraint: { type: 'start_date' as const, start_date: '2026-11-24' }, prices: dollars(2) },
        { constraint: hours('01:00', '04:00'), prices: dollars(4) },
        { constraint: hours('22:00', '00:30'), prices: dollars(6) },
      ]),
    ]),
  ]
  // The last row that holds is the price; the next moment at which anything changes ends it.
  const rows: [at: string, input: string, until: string][] = [
    ['2026-11-23T00:30:00Z', '1000000', '2026-11-23T01:00:00Z'],
    ['2026-11-23T01:00:00Z', '4000000', '2026-11-23T04:00:00Z'],
    ['2026-11-23T03:59:59.999Z', '4000000', '2026-11-23T04:00:00Z'],
    ['2026-11-23T04:00:00Z', '1000000', '2026-11-23T22:00:00Z'],
    ['2026-11-23T22:00:00Z', '6000000', '2026-11-24T00:00:00Z'],
    ['2026-11-24T00:29:59Z', '6000000', '2026-11-24T00:30:00Z'],
    ['2026-11-24T00:30:00Z', '2000000', '2026-11-24T01:00:00Z'],
    ['2026-11-24T12:00:00Z', '2000000', '2026-11-24T22:00:00Z'],
  ]
  for (const [at, input, until] of rows) {
    it(`at ${at}: ${input} until ${until}`, () => {
      const then = compilePrices({ at: Date.parse(at), providers: data })
      assert.equal(then.find('deepseek/peaks')?.unitPrices.input, input)
      assert.equal(then.validUntil, Date.parse(until))
      assert.equal(
        then.peaks['deepseek/peaks']?.input,
        '6000000',
        'what a rise is compared with is the dearest of the day',
      )
    })
  }
  it('a condition that is not understood leaves the model out', () => {
    const odd = { ...hours('01:00', '04:00'), start_time: '01:00:00+02:00' }
    const strange = [
      provider('deepseek', [model('odd', [{ prices: dollars(1) }, { constraint: odd, prices: dollars(2) }])]),
    ]
    const then = compilePrices({ at: AT, providers: strange })
    assert.equal(then.find('deepseek/odd'), null)
    assert.match(then.refused[0]?.reason ?? '', /not understood/)
  })
  it('DeepSeek’s own models are priced by it', () => {
    const off = all.find('deepseek/deepseek-v4-flash')?.unitPrices // 00:00 UTC is off-peak
    const peak = compilePrices({ at: AT + 2 * 3_600_000, tiers: true }).find('deepseek/deepseek-v4-flash')?.unitPrices
    assert.deepEqual([off?.input, off?.output, peak?.input, peak?.output], ['220000', '660000', '440000', '1320000'])
  })
})

describe('a provider that sells another’s models', () => {
  it('Azure has OpenAI’s at OpenAI’s price, under its own name, but for those the data lists as its own', () => {
    const found = all.find('azure/gpt-4o')
    assert.deepEqual(
      [found?.name, found?.unitPrices, found?.contextWindow],
      ['azure/gpt-4o', all.find('gpt-4o')?.unitPrices, 128_000],
    )
    assert.equal(all.table().models['azure/gpt-4o']?.input, '2500000')
    assert.equal(all.find('azure/gpt-4o-mini-search-preview'), null)
    assert.equal(all.list().filter(({ name }) => name === 'azure/o1').length, 1)
  })
})

describe('a rise of more than three times', () => {
  const prices = (input: number, output: number, more = {}) => ({ input_mtok: input, output_mtok: output, ...more })
  const tiered = (base: number, start: number, price: number) => ({ base, tiers: [{ start, price }] })
  const dataOf = (...models: Parameters<typeof provider>[1]) => [provider('groq', models)]
  const compile = (now: Parameters<typeof model>[1], accepted = {}, tiers = true) =>
    compilePrices({ at: AT, tiers, accepted, providers: dataOf(model('m', now), model('other', prices(1, 1))) })

  const rows: [
    what: string,
    before: Parameters<typeof model>[1],
    now: Parameters<typeof model>[1],
    rises: [row: string, kind: string, before: string, now: string][],
  ][] = [
    ['nothing changed', prices(1, 2), prices(1, 2), []],
    ['three times is not more than three times', prices(1, 2), prices(3, 6), []],
    [
      'a pico above, in input (and what is billed as input)',
      prices(1, 2),
      prices(3.000001, 2),
      [
        ['groq/m', 'input', '1000000', '3000001'],
        ['groq/m', 'cached_input', '1000000', '3000001'],
        ['groq/m', 'cache_write', '1000000', '3000001'],
        ['groq/m', 'cache_write_1h', '1000000', '3000001'],
      ],
    ],
    [
      'in output',
      prices(1, 2),
      prices(1, 7),
      [
        ['groq/m', 'output', '2000000', '7000000'],
        ['groq/m', 'reasoning', '2000000', '7000000'],
      ],
    ],
    [
      'in cache writes alone',
      prices(1, 2, { cache_write_mtok: 1.25, cache_write_1h_mtok: 2 }),
      prices(1, 2, { cache_write_mtok: 1.25, cache_write_1h_mtok: 6.5 }),
      [['groq/m', 'cache_write_1h', '2000000', '6500000']],
    ],
    [
      'from nothing',
      prices(0, 2),
      prices(1, 2, { cache_read_mtok: 0, cache_write_mtok: 0 }),
      [['groq/m', 'input', '0', '1000000']],
    ],
    ['a kind of unit that had no price is new', prices(1, 2), prices(1, 2, { input_audio_mtok: 40 }), []],
    [
      'but a fee for each call is a rise: nobody asks for it',
      prices(1, 2),
      prices(1, 2, { requests_kcount: 12 }),
      [['groq/m', 'request', '0', '12000000000']],
    ],
    ['a fall', prices(30, 60), prices(1, 2), []],
    [
      'a new tier that is four times as dear as long calls were',
      prices(1, 2),
      { input_mtok: 1, output_mtok: tiered(2, 200_000, 8) },
      [
        ['groq/m#input>200000', 'output', '2000000', '8000000'],
        ['groq/m#input>200000', 'reasoning', '2000000', '8000000'],
      ],
    ],
    [
      'a tier that begins elsewhere is compared with what held there',
      { input_mtok: 1, output_mtok: tiered(2, 200_000, 4) },
      { input_mtok: 1, output_mtok: tiered(2, 272_000, 12) },
      [],
    ],
  ]
  for (const [what, before, now, expected] of rows) {
    it(`${what}: ${expected.length === 0 ? 'callable' : 'kept out until accepted'}`, () => {
      const old = compile(before)
      const next = compile(now, old.peaks)
      assert.deepEqual(
        next.rises.map((rise) => [rise.model, rise.kind, rise.before, rise.now]),
        expected,
      )
      const out = expected.length > 0
      assert.equal(next.find('groq/m') === null, out)
      assert.equal(next.table().models['groq/m'] === undefined, out)
      assert.ok(next.find('groq/other'), 'others are not touched')
      const yes = compile(now, { ...old.peaks, ...next.risen })
      assert.deepEqual([yes.rises, yes.find('groq/m') === null], [[], false])
    })
  }
  it('a first table has nothing to rise from', () => assert.deepEqual(compile(prices(1000, 1000)).rises, []))
  it('a model that is kept out is not taken for another of its provider', () => {
    const two = (input: number) =>
      compilePrices({
        at: AT,
        accepted: { 'groq/m-mini': { input: '1000000', output: '1000000' } },
        providers: dataOf(
          { id: 'm-mini', match: { starts_with: 'm-mini' }, prices: prices(input, 1) },
          { id: 'm', match: { starts_with: 'm' }, prices: prices(1, 1) },
        ),
      })
    assert.equal(two(1).find('groq/m-mini-2026')?.name, 'groq/m-mini')
    assert.equal(two(9).find('groq/m-mini-2026'), null)
    assert.equal(two(9).find('groq/m-2026')?.name, 'groq/m')
  })
  it('an operator’s own price is looked at like any other', () => {
    const file = (input: string) => parsePrices({ models: { mine: { input, output: '1' } } }, 'test')
    const old = compilePrices({ at: AT, providers: [], overrides: file('1') })
    assert.equal(
      compilePrices({ at: AT, providers: [], overrides: file('10'), accepted: old.peaks }).find('mine'),
      null,
    )
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
    // The family's price is gone; its alias must not keep the old one, nor be taken for another model's.
    assert.equal(mine.find('gpt-4o-mini-2024-07-18', { among: ['openai'] }), null)
    const flat = mine.find('test-flat')
    assert.equal(baseMicros({ request: 1, input: 99_999, output: 5 }, flat?.unitPrices ?? {}), 1_000)
    const fast = mine.find('acme/fast')
    assert.deepEqual(
      [fast?.model, fast?.unitPrices.cached_input, fast?.unitPrices.reasoning],
      ['fast', '250000', '3000000'],
    )
    assert.notEqual(mine.version, book.version)
  })

  it('prices what is not counted in tokens: 4 cents an image, $15 a million characters, 0.6 cents a minute of audio', () => {
    const others = compilePrices({
      at: AT,
      overrides: parsePrices(
        {
          models: {
            'dall-e-3': { image: '40000' },
            'tts-1': { character: '15' },
            'my-whisper': { second: '100' },
            'my-search': { input: '1', output: '2', web_search: '10000' },
          },
        },
        'test',
      ),
    })
    const rows: [name: string, units: Units, micros: number][] = [
      ['dall-e-3', { image: 2 }, 80_000],
      ['tts-1', { character: 4_096 }, 61_440],
      ['my-whisper', { second: 61 }, 6_100],
      ['my-search', { input: 1_000, output: 1_000, web_search: 3 }, 33_000],
    ]
    for (const [name, units, micros] of rows)
      assert.equal(baseMicros(units, others.find(name)?.unitPrices ?? {}), micros, name)
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
    ['an output price alone', { models: { m: { output: '1' } } }, /models\.m\.input: expected a price/],
    ['no price at all', { models: { m: { max_output: 5 } } }, /models\.m\.input.*models\.m\.output/],
    [
      'input without output beside another unit',
      { models: { m: { input: '1', image: '40000' } } },
      /models\.m\.output/,
    ],
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
