// On every shape, the bound on input is never below what a tokenizer counts, whatever the text and however its JSON is written.
// owns: hostile requests of each shape, and a count of them that is not the server's. never: prices.
// always true: every string of a request is counted, names of fields too, and three tokens for each message and for the answer.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { countTokens as cl100k } from 'gpt-tokenizer/encoding/cl100k_base'
import { countTokens as o200k } from 'gpt-tokenizer/encoding/o200k_base'
import { compilePrices } from '../server/proxy/prices.ts'
import { parsePrices } from '../server/proxy/prices-file.ts'
import type { Ask, Json, Shape } from '../server/proxy/shapes/shape.ts'
import { SHAPES } from '../server/proxy/shapes/shapes.ts'

const RUNS = { numRuns: 150 }
const AS_TEXT = { disallowedSpecial: new Set<string>() }
const TOKENIZERS = [o200k, cl100k]
const PROVIDERS = ['openai', 'anthropic']

const text = fc
  .oneof(
    fc.constantFrom(
      '',
      ' ',
      '"\\/\n\t\u0001',
      '👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿',
      '漢字かな交じり文',
      'ﷺﷺﷺ',
      '<|endoftext|>',
      '~`!@#$%^&*()_+',
      '                ',
    ),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.base64String({ maxLength: 80 }),
    // Characters that no merge covers: as many tokens as bytes.
    fc.string({
      unit: fc.integer({ min: 0x10f000, max: 0x10ffff }).map((code) => String.fromCodePoint(code)),
      maxLength: 20,
    }),
  )
  .filter((value) => value.isWellFormed())
const few = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: 1, maxLength: 4 })
const schema = fc.object({
  key: text,
  values: [text, fc.double({ noNaN: true }), fc.boolean()],
  maxDepth: 2,
  maxKeys: 3,
})
const role = fc.constantFrom('user', 'assistant')
const typed = (type: string, field: string) => text.map((value) => ({ type, [field]: value }))

const REQUESTS: Record<string, fc.Arbitrary<Json>> = {
  chat: fc.record(
    {
      model: fc.constant('m'),
      messages: few(fc.record({ role, content: fc.oneof(text, few(typed('text', 'text'))) })),
      tools: few(fc.record({ type: fc.constant('function'), function: fc.record({ name: text, parameters: schema }) })),
    },
    { requiredKeys: ['model', 'messages'] },
  ),
  responses: fc.record(
    {
      model: fc.constant('m'),
      input: fc.oneof(
        text.filter((value) => value !== ''),
        few(
          fc.oneof(
            fc.record({ role, content: fc.oneof(text, few(typed('input_text', 'text'))) }),
            fc.record({ type: fc.constant('function_call'), call_id: text, name: text, arguments: text }),
            fc.record({ type: fc.constant('function_call_output'), call_id: text, output: text }),
          ),
        ),
      ),
      instructions: text,
      tools: few(fc.record({ type: fc.constant('function'), name: text, parameters: schema })),
    },
    { requiredKeys: ['model', 'input'] },
  ),
  messages: fc.record(
    {
      model: fc.constant('m'),
      messages: few(
        fc.record({
          role,
          content: fc.oneof(
            text,
            few(
              fc.oneof(
                typed('text', 'text'),
                fc.record({ type: fc.constant('tool_use'), id: text, name: text, input: schema }),
                fc.record({
                  type: fc.constant('tool_result'),
                  tool_use_id: text,
                  content: fc.oneof(text, few(typed('text', 'text'))),
                }),
              ),
            ),
          ),
        }),
      ),
      system: fc.oneof(text, few(typed('text', 'text'))),
      tools: few(fc.record({ name: text, description: text, input_schema: schema })),
    },
    { requiredKeys: ['model', 'messages'] },
  ),
  embeddings: fc.record({
    model: fc.constant('m'),
    input: fc.oneof(
      text.filter((value) => value !== ''),
      few(text),
      few(fc.nat(200_000)),
      few(few(fc.nat(200_000))),
    ),
  }),
}

/** The same document: plain, with everything escaped that can be, and with spaces. */
function spellings(body: unknown): string[] {
  const plain = JSON.stringify(body)
  const ascii = plain.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return [plain, ascii, JSON.stringify(body, null, 2)]
}

/** Every string of a value, names of fields among them. */
function* stringsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value
  if (typeof value === 'number' || typeof value === 'boolean') yield String(value)
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) {
    if (!Array.isArray(value)) yield name
    yield* stringsIn(inner)
  }
}

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value]
}

/** What a provider could count: its texts, its tools rendered as text, three tokens a message, three for the answer. */
function counted(shape: Shape, body: Json, tokens: (text: string, options: object) => number): number {
  if (shape.name === 'embeddings') {
    // Ids are tokens already.
    return listIn(body.input)
      .flat()
      .reduce<number>((sum, one) => sum + (typeof one === 'string' ? tokens(one, AS_TEXT) : 1), 0)
  }
  const messages = listIn(body.messages ?? body.input)
  let total = 3 + 3 * messages.length
  for (const found of stringsIn({ ...body, model: '' })) total += tokens(found, AS_TEXT)
  return total
}

const book = compilePrices({
  at: 0,
  providers: [],
  overrides: parsePrices(
    {
      models: Object.fromEntries(PROVIDERS.map((provider) => [`${provider}/m`, { provider, input: '1', output: '1' }])),
    },
    'test',
  ),
})

describe('the bound on input', () => {
  for (const shape of SHAPES) {
    const request = REQUESTS[shape.name]
    // Shapes whose input is not text have bounds of another kind, and tests of their own.
    if (!request) continue
    for (const provider of PROVIDERS) {
      test(`${shape.name}, ${provider}`, () => {
        const model = book.find(`${provider}/m`)
        assert.ok(model)
        fc.assert(
          fc.property(request, (body) => {
            for (const raw of spellings(body)) {
              const asked = shape.read({ body: JSON.parse(raw), bytes: Buffer.from(raw), headers: {} }) as Ask // at once, for JSON
              const { inputTokens, fixed } = shape.bound(asked, model)
              for (const tokens of TOKENIZERS) assert.ok(inputTokens >= counted(shape, body, tokens), raw)
              // What we would count ourselves is within it as well, and is held for in full.
              const own = shape.count(asked, model, { text: '', events: 0 }).input ?? 0
              assert.ok(own <= inputTokens, raw)
              assert.ok(fixed.some(({ kinds, count }) => kinds.includes('input') && count === inputTokens))
            }
          }),
          RUNS,
        )
      })
    }
  }
})
