// Reading of request bodies: one meaning, or 400.
// owns: readJson and parse. never: a route.
// always true: what JSON.stringify writes of ordinary values is read back equal; whatever two readers could take
// differently is refused before anybody acts on it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { Fault } from '../server/faults.ts'
import { parse, readJson } from '../server/http.ts'

const utf8 = (text: string) => Buffer.from(text, 'utf8')
const nested = (depth: number) => utf8('['.repeat(depth) + ']'.repeat(depth))
const backslash = String.fromCharCode(92)

const ACCEPTED: [string, Buffer, unknown][] = [
  ['an object', utf8('{"a":1,"b":[true,null,"x"]}'), { a: 1, b: [true, null, 'x'] }],
  ['white space around', utf8(' \n\t{ "a" : 1 }\r\n'), { a: 1 }],
  ['a bare value', utf8('"x"'), 'x'],
  ['the same key in two nested objects', utf8('{"a":{"x":1},"b":{"x":2}}'), { a: { x: 1 }, b: { x: 2 } }],
  [
    'a doubled key below the top level, which passes through to upstreams',
    utf8('{"a":{"x":1,"x":2}}'),
    { a: { x: 2 } },
  ],
  ['the same strings in a list', utf8('["a","a"]'), ['a', 'a']],
  ['a value equal to a key', utf8('{"a":"b","b":"a"}'), { a: 'b', b: 'a' }],
  ['keys that differ by case', utf8('{"a":1,"A":2}'), { a: 1, A: 2 }],
  ['64 levels', nested(64), JSON.parse('['.repeat(64) + ']'.repeat(64))],
  ['brackets in strings are no depth', utf8(`{"a":"${'['.repeat(500)}"}`), { a: '['.repeat(500) }],
  [
    'quotes and backslashes in strings',
    utf8(JSON.stringify({ a: '\\"', b: '\\\\', 'c"{': '}' })),
    { a: '\\"', b: '\\\\', 'c"{': '}' },
  ],
  ['a whole surrogate pair, escaped', utf8(`{"a":"${backslash}ud83d${backslash}ude00"}`), { a: '😀' }],
  ['a pair in capitals', utf8(`{"a":"${backslash}uD83D${backslash}uDE00"}`), { a: '😀' }],
  ['emoji as bytes', utf8('{"a":"😀"}'), { a: '😀' }],
  [
    'text that speaks of a surrogate escape',
    utf8(JSON.stringify({ a: `${backslash}ud800` })),
    { a: `${backslash}ud800` },
  ],
  [
    'text that speaks of one after a backslash',
    utf8(JSON.stringify({ a: `${backslash}${backslash}udfff` })),
    { a: `${backslash}${backslash}udfff` },
  ],
  ['__proto__ as a value', utf8('{"a":"__proto__"}'), { a: '__proto__' }],
  ['text that speaks of a __proto__ key', utf8(JSON.stringify({ a: '{"__proto__": 1}' })), { a: '{"__proto__": 1}' }],
  [
    'text that ends in quoted __proto__ and a colon',
    utf8(JSON.stringify({ a: 'x"__proto__":' })),
    { a: 'x"__proto__":' },
  ],
  ['NUL, escaped', utf8(`{"a":"${backslash}u0000"}`), { a: '\0' }],
  ['a fraction and an exponent', utf8('{"a":1.5e3}'), { a: 1500 }],
]

const REFUSED: [string, Buffer, RegExp][] = [
  ['nothing', utf8(''), /not valid JSON/],
  ['white space alone', utf8('  \n'), /not valid JSON/],
  [
    'a byte order mark (RFC 8259 section 8.1)',
    Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), utf8('{}')]),
    /not valid JSON/,
  ],
  ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), /not valid/],
  ['a lone continuation byte', Buffer.from([0x22, 0x80, 0x22]), /UTF-8/],
  ['an overlong slash', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), /UTF-8/],
  ['a surrogate as bytes (CESU-8)', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), /UTF-8/],
  ['beyond U+10FFFF', Buffer.from([0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]), /UTF-8/],
  ['a cut character', Buffer.from([0x22, 0xf0, 0x9f, 0x98]), /UTF-8/],
  ['a doubled key', utf8('{"amount":1,"amount":2}'), /The field amount is given twice/],
  ['a doubled key with the same value', utf8('{"a":1,"a":1}'), /given twice/],
  ['a doubled key, one of them escaped', utf8(`{"a":1,"${backslash}u0061":2}`), /given twice/],
  ['a doubled key with white space before the colon', utf8('{"a" \n\t :1,"b":{},"a"\r:2}'), /given twice/],
  ['a doubled empty key', utf8('{"":1,"":2}'), /given twice/],
  ['a doubled key after nested values', utf8('{"a":[{"b":"}"}],"a":"{"}'), /given twice/],
  ['65 levels', nested(65), /nested too deep/],
  ['65 levels of objects', utf8(`${'{"a":'.repeat(65)}1${'}'.repeat(65)}`), /nested too deep/],
  ['100,000 levels', nested(100_000), /nested too deep/],
  ['a __proto__ key', utf8('{"__proto__":{"admin":true}}'), /__proto__/],
  ['a __proto__ key deep inside', utf8('{"a":[{"__proto__" : 1}]}'), /__proto__/],
  ['a __proto__ key, escaped', utf8(`{"${backslash}u005f_proto__":{"admin":true}}`), /__proto__/],
  ['a __proto__ key deep inside, escaped', utf8(`{"a":{"__proto_${backslash}u005F":1}}`), /__proto__/],
  ['a lone high surrogate', utf8(`{"a":"${backslash}ud800"}`), /lone surrogate/],
  ['a lone low surrogate', utf8(`{"a":"${backslash}udc00"}`), /lone surrogate/],
  ['a reversed pair', utf8(`{"a":"${backslash}ude00${backslash}ud83d"}`), /lone surrogate/],
  [
    'a lone surrogate behind an escaped backslash',
    utf8(`{"a":"${backslash}${backslash}${backslash}ud800"}`),
    /lone surrogate/,
  ],
  [
    'a lone surrogate before a pair',
    utf8(`{"a":"${backslash}ud83d${backslash}ud83d${backslash}ude00"}`),
    /lone surrogate/,
  ],
  ['a lone surrogate in a key', utf8(`{"${backslash}ud800":1}`), /lone surrogate/],
  ['a trailing comma', utf8('{"a":1,}'), /not valid JSON/],
  ['a comment', utf8('{"a":1}//x'), /not valid JSON/],
  ['two values', utf8('{}{}'), /not valid JSON/],
  ['single quotes', utf8("{'a':1}"), /not valid JSON/],
  ['NaN', utf8('{"a":NaN}'), /not valid JSON/],
  ['a leading zero', utf8('{"a":01}'), /not valid JSON/],
  ['a raw line break in a string', utf8('{"a":"x\ny"}'), /not valid JSON/],
  ['a string that never ends', utf8('{"a":"x'), /not valid JSON/],
  ['brackets that close too much', utf8(']]]{"a":1,"a":2}'), /not valid JSON|given twice/],
]

test('readJson accepts', async (t) => {
  for (const [name, bytes, expected] of ACCEPTED) {
    await t.test(name, () => assert.deepEqual(readJson(bytes), expected))
  }
})

test('readJson refuses with 400', async (t) => {
  for (const [name, bytes, message] of REFUSED) {
    await t.test(name, () => {
      assert.throws(
        () => readJson(bytes),
        (error) => {
          assert.ok(error instanceof Fault, String(error))
          assert.deepEqual([error.code, error.status], ['bad_request', 400])
          assert.match(error.message, message)
          return true
        },
      )
    })
  }
})

test('a number too large for a double is no amount: the schema refuses it', () => {
  for (const text of ['1e400', '-1e400', '9007199254740993', '1e17', '0.1']) {
    assert.throws(() => parse(z.object({ amount: z.int() }), readJson(utf8(`{"amount":${text}}`))), /amount/, text)
  }
})

test('no prototype is reached', () => {
  const read = readJson(utf8('{"constructor":{"prototype":{"x":1}}}')) as object
  assert.deepEqual(Object.keys(read), ['constructor'])
  assert.equal(({} as { x?: number }).x, undefined)
})

test('what JSON.stringify writes of ordinary values is read back equal', () => {
  const ordinary = fc.jsonValue({ stringUnit: 'grapheme', maxDepth: 6 })
  fc.assert(
    fc.property(ordinary, (value) => {
      fc.pre(!JSON.stringify(value).includes('"__proto__":')) // a key that is refused, and that the generator likes
      assert.deepEqual(readJson(utf8(JSON.stringify(value))), JSON.parse(JSON.stringify(value)))
      assert.deepEqual(readJson(utf8(JSON.stringify(value, null, 2))), JSON.parse(JSON.stringify(value)))
    }),
    { numRuns: 1000 },
  )
})

test('strings of quotes, backslashes, braces and escapes are read back equal', () => {
  const piece = fc.constantFrom(
    backslash,
    '"',
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    'u',
    'd83d',
    'ude00',
    'ud800',
    '__proto__',
    ' ',
    '\n',
  )
  const text = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(
      fc.dictionary(
        text.filter((key) => key !== '__proto__'),
        text,
        { maxKeys: 4 },
      ),
      (value) => {
        assert.deepEqual(readJson(utf8(JSON.stringify(value))), { ...value })
      },
    ),
    { numRuns: 2000 },
  )
})

test('whatever is read, JSON.parse reads the same; whatever is refused, is refused as a fault', () => {
  const scrap = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '1',
    'a',
    backslash,
    '"a"',
    '"b":',
    'null',
    ' ',
    `${backslash}ud800`,
  )
  fc.assert(
    fc.property(fc.array(scrap, { maxLength: 16 }), (parts) => {
      const text = parts.join('')
      try {
        assert.deepEqual(readJson(utf8(text)), JSON.parse(text))
      } catch (error) {
        assert.ok(error instanceof Fault, `${text}: ${error}`)
      }
    }),
    { numRuns: 3000 },
  )
})

test('time grows no faster than the body: four times the bytes, well under ten times the work', () => {
  const shapes: Record<string, (n: number) => string> = {
    'one long string': (n) => JSON.stringify('x'.repeat(n)),
    'one string of backslashes': (n) => JSON.stringify(backslash.repeat(n / 2)),
    'strings and white space': (n) => `[${'"a"        ,'.repeat(n / 12)}1]`,
    'a string before much white space': (n) => `{"a"${' '.repeat(n)}:1}`,
    'many keys': (n) => `{${Array.from({ length: n / 12 }, (_, i) => `"k${i}":${i}`).join(',')}}`,
    'many pairs': (n) => `"${`${backslash}ud83d${backslash}ude00`.repeat(n / 12)}"`,
    'many lone surrogates': (n) => `"${`${backslash}ud83d`.repeat(n / 6)}"`,
    'many __proto__ values': (n) => `[${'"__proto__"   ,'.repeat(n / 15)}1]`,
    '__proto__ before much white space': (n) => `["__proto__"${' '.repeat(n)}]`,
    'opening quotes': (n) => '"'.repeat(n),
    'opening brackets': (n) => '['.repeat(n),
    'closing brackets': (n) => ']'.repeat(n),
  }
  // Time of the processor, not of the clock: what else the machine does hardly counts.
  const time = (bytes: Buffer) => {
    let best = Number.POSITIVE_INFINITY
    for (let i = 0; i < 3; i++) {
      const started = process.cpuUsage()
      try {
        readJson(bytes)
      } catch {}
      const { user, system } = process.cpuUsage(started)
      best = Math.min(best, (user + system) / 1000)
    }
    return best
  }
  for (const [name, shape] of Object.entries(shapes)) {
    const small = utf8(shape(480_000)) // both beyond the sizes for which the engine has ready room
    const large = utf8(shape(1_920_000))
    time(small)
    // A busy machine may spoil a measurement; a quadratic reader (16 times) fails all three.
    const ratios = Array.from({ length: 3 }, () => time(large) / Math.max(time(small), 0.2))
    assert.ok(Math.min(...ratios) < 10, `${name}: 4 times the bytes took ${ratios.map(Math.round)} times as long`)
  }
})

test('parse names the field at fault', () => {
  const schema = z.strictObject({
    amount: z.int().positive(),
    legs: z.array(z.strictObject({ to: z.string() })).optional(),
  })
  const refused: [unknown, string | undefined, RegExp][] = [
    [{ amount: 0 }, 'amount', /^amount: /],
    [{ amount: '5' }, 'amount', /^amount: /],
    [{ amount: 1, legs: [{ to: 'a' }, { to: 5 }] }, 'legs.1.to', /^legs\.1\.to: /],
    [{ amount: 1, role: 'admin' }, 'role', /^Unknown field: role\.$/],
    [{ amount: 1, legs: [{ to: 'a', x: 1 }] }, 'legs.0.x', /^Unknown field: x\.$/],
    [null, undefined, /^The body: /],
    [[], undefined, /^The body: /],
  ]
  for (const [value, param, message] of refused) {
    assert.throws(
      () => parse(schema, value),
      (error) => {
        assert.ok(error instanceof Fault)
        assert.deepEqual([error.code, error.options.param], ['bad_request', param])
        assert.match(error.message, message)
        return true
      },
    )
  }
  assert.deepEqual(parse(schema, { amount: 5 }), { amount: 5 })
})
