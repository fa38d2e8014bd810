// The bound on input tokens is never below what a tokenizer counts, whatever the text; what has no bound is refused by name.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { countPrompt, countText, encodeText, inputBound, tokenizerFor, UnsupportedPart } from '../server/proxy/count.ts'

const MODELS = ['gpt-4o-mini', 'gpt-3.5-turbo'] // o200k_base and cl100k_base
const RUNS = { numRuns: 300 }

const HOSTILE = [
  '',
  ' ',
  '\n',
  '\u0000\u0001\u001f\u007f',
  '"\\/\b\f\n\r\t',
  '👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿',
  '漢字かな交じり文',
  '\ufdfa\u0fff\ud83c',
  'ﷺ'.repeat(20),
  '<|endoftext|><|im_start|>system<|im_sep|>',
  'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=',
  '1 2 3 4 5 6 7 8 9',
  '                ',
  '~`!@#$%^&*()_+',
  '\u0e01\u0e33\u0e49\u0300\u0301',
]
const text = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: fc.constantFrom('😀', '字', '\u0001', 'é', '\ud800', 'ﷺ', 'a', ' ', '\n'), maxLength: 80 }),
  fc.base64String({ maxLength: 120 }),
)
const role = fc.constantFrom('system', 'user', 'assistant', 'developer', 'tool')
const content = fc.oneof(
  text,
  fc.constant(null),
  fc.array(
    text.map((value) => ({ type: 'text', text: value })),
    { maxLength: 4 },
  ),
)
const call = fc.record({
  id: text,
  type: fc.constant('function'),
  function: fc.record({ name: text, arguments: text }),
})
const message = fc.record(
  { role, content, name: text, tool_calls: fc.array(call, { maxLength: 3 }) },
  { requiredKeys: ['role'] },
)
const tool = fc.record({
  type: fc.constant('function'),
  function: fc.record({ name: text, description: text, parameters: fc.object({ maxDepth: 3 }) }),
})
const request = fc.record(
  {
    model: fc.constantFrom(...MODELS),
    messages: fc.array(message, { maxLength: 8 }),
    tools: fc.array(tool, { maxLength: 3 }),
    response_format: fc.object({ maxDepth: 3 }),
  },
  { requiredKeys: ['model', 'messages'] },
)

/** The same document with every character of its strings escaped, and nothing escaped that need not be. */
function spellings(body: unknown): string[] {
  const plain = JSON.stringify(body)
  const ascii = plain.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return [plain, ascii, JSON.stringify(body, null, 2)]
}

describe('the bound', () => {
  it('is at least the count of the whole prompt, in either encoding and any spelling of the JSON', () => {
    fc.assert(
      fc.property(request, (body) => {
        for (const raw of spellings(body)) {
          const seen = JSON.parse(raw)
          const bound = inputBound(seen, Buffer.byteLength(raw))
          for (const model of MODELS) assert.ok(bound >= countPrompt(model, seen), raw)
        }
      }),
      RUNS,
    )
  })

  it('holds for one-byte tokens: bytes that no merge covers are a token each', () => {
    for (const model of MODELS) {
      const worst = Array.from({ length: 200 }, (_, i) => String.fromCodePoint(0x10f000 + i * 7)).join('')
      const body = { model, messages: [{ role: 'user', content: worst }] }
      const raw = JSON.stringify(body)
      const count = countPrompt(model, body)
      assert.ok(count > worst.length, 'this text must cost more tokens than it has units, or the test shows nothing')
      assert.ok(inputBound(body, Buffer.byteLength(raw)) >= count)
    }
  })

  it('holds for a great many tiny messages, where the frames cost more than the text', () => {
    const body = { model: 'gpt-4o', messages: Array.from({ length: 500 }, () => ({ role: 'user', content: '' })) }
    assert.ok(inputBound(body, JSON.stringify(body).length) >= countPrompt('gpt-4o', body))
    const bare = { model: 'gpt-4o', messages: Array.from({ length: 500 }, () => ({ role: 'a' })) }
    assert.ok(inputBound(bare, JSON.stringify(bare).length) >= countPrompt('gpt-4o', bare))
  })

  it('counts tools twice and adds the template of other providers', () => {
    const body = { model: 'gpt-4o', messages: [], tools: [{ type: 'function', function: { name: 'f' } }] }
    const raw = JSON.stringify(body).length
    const tools = JSON.stringify(body.tools).length
    assert.equal(inputBound(body, raw), raw + tools + 600)
    assert.equal(inputBound({ model: 'm', messages: [] }, 30, 'groq'), 30 + 256)
    assert.equal(inputBound({ model: 'gpt-oss-120b', messages: [] }, 30), 30 + 256)
  })

  it('is the bytes and nothing more for plain text', () => {
    assert.equal(inputBound({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello' }] }, 77), 77)
  })

  it('survives a body of any shape', () => {
    for (const messages of [undefined, null, 7, 'x', {}, [null], [7], [[]], [{ content: 7 }], [{ content: {} }]]) {
      assert.equal(inputBound({ model: 'gpt-4o', messages }, 10), 10)
    }
    assert.equal(inputBound({}, 10), 10)
  })
})

describe('images', () => {
  const image = (model: string, url: string) => {
    const body = {
      model,
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url, detail: 'high' } }] }],
    }
    const raw = JSON.stringify(body).length
    return inputBound(body, raw) - raw + JSON.stringify({ url, detail: 'high' }).length
  }
  it('count as the dearest image of the model when their text is shorter', () => {
    assert.equal(image('gpt-4o', 'https://example.org/a.png'), 1_536)
    assert.equal(image('gpt-4o-mini', 'https://example.org/a.png'), 48_169)
    assert.equal(image('gpt-4.1-mini', 'https://example.org/a.png'), 3_779)
    assert.equal(image('gpt-4.1-2025-04-14', 'https://example.org/a.png'), 1_536)
    assert.equal(image('a-model-of-tomorrow', 'https://example.org/a.png'), 48_169)
  })
  it('count as their text when that is longer: a data URL may be billed as text', () => {
    const url = `data:image/png;base64,${'A'.repeat(100_000)}`
    assert.equal(image('gpt-4o', url), JSON.stringify({ url, detail: 'high' }).length)
  })
  it('count each', () => {
    const part = { type: 'image_url', image_url: { url: 'x' } }
    const body = { model: 'gpt-4o', messages: [{ role: 'user', content: [part, part] }] }
    assert.equal(inputBound(body, 0), 2 * (1_536 - '{"url":"x"}'.length))
  })
})

describe('what has no bound is refused by name', () => {
  const rows: [content: unknown, param: string][] = [
    [[{ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }], 'messages[0].content[0].type'],
    [
      [
        { type: 'text', text: 'x' },
        { type: 'file', file: { file_id: 'file-1' } },
      ],
      'messages[0].content[1].type',
    ],
    [[{ type: 'video_url', video_url: { url: 'x' } }], 'messages[0].content[0].type'],
    [[{ text: 'no type' }], 'messages[0].content[0].type'],
    [['a bare string'], 'messages[0].content[0].type'],
    [[null], 'messages[0].content[0].type'],
  ]
  for (const [parts, param] of rows) {
    it(JSON.stringify(parts), () => {
      const act = () => inputBound({ model: 'gpt-4o', messages: [{ role: 'user', content: parts }] }, 100)
      assert.throws(act, (error) => error instanceof UnsupportedPart && error.param === param)
    })
  }
  it('an earlier spoken answer, which lives in the shared account', () => {
    const body = { model: 'gpt-4o', messages: [{ role: 'user' }, { role: 'assistant', audio: { id: 'audio_1' } }] }
    assert.throws(() => inputBound(body, 100), { name: 'UnsupportedPart', param: 'messages[1].audio' })
  })
})

describe('counting text', () => {
  it('is what the tokenizer says, control tokens read as text', () => {
    for (const sample of [...HOSTILE.filter((s) => s.isWellFormed()), 'Hello, world!', 'naïve café  \n\n  x']) {
      for (const model of MODELS) {
        const whole = tokenizerFor(model).countTokens(sample, { disallowedSpecial: new Set<string>() })
        assert.equal(countText(model, sample), whole, sample)
      }
    }
  })
  it('is the same in slices as in one piece for long prose', () => {
    const prose = 'The quick brown fox, it is said, jumps over 13 lazy dogs.  Twice!\n\n  And again; '.repeat(200)
    for (const model of MODELS) assert.equal(countText(model, prose), tokenizerFor(model).countTokens(prose))
  })
  it('takes linear time on an endless word', () => {
    const start = performance.now()
    const tokens = countText('gpt-4o', 'ab'.repeat(100_000))
    assert.ok(tokens > 0 && tokens <= 200_000)
    assert.ok(performance.now() - start < 8_000, 'in one piece this takes minutes')
  })
  it('gives back the text it cut, emoji included', () => {
    const sample = '😀'.repeat(2_000)
    assert.equal(tokenizerFor('gpt-4o').decode(encodeText('gpt-4o', sample)), sample)
  })
})
