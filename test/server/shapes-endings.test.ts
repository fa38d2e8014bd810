// Every way a stream of responses or messages can end, and what it costs then.
// owns: the contract's charge table for these two shapes. never: chat completions (relay-endings.test.ts), a database's own
// ways (the relay is the same for all shapes). always true: each row says the charge, whether it is an estimate, what the
// caller saw last, and that its hold ended once.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Answer, ask, errorOf, jsonOf, parsedFrames } from '../support/relay-client.ts'
import { failedResponse, SPOKEN, typedEvent } from '../support/relay-shapes.ts'
import { begin, broken, json, pieces, type Script, silent } from '../support/relay-upstream.ts'
import {
  assertBooks,
  callsByModel,
  chargeOf,
  countTokens,
  type Entry,
  entries,
  PRICES,
  relayWorld,
  settled,
  type World,
} from '../support/relay-world.ts'

type Shape = 'responses' | 'messages'
type Row = {
  shape: Shape
  name: string
  script: Script
  stream?: false
  leaveAfterFrames?: number
  /** Exact, or from-to; 'void' when the hold must end without a charge. */
  charge: number | readonly [number, number] | 'void'
  estimated?: boolean
  /** The type of the last event, 'gone' for a caller who left, or an HTTP status. */
  seen: string | number
  /** Of the error the caller sees. */
  code?: string
}

const WORD = 'word '
const cost = (input: number, output: number) => input + 2 * output
/** Our own count of the prompt: 3 a message and its text; responses add the role's place of the answer, 3. */
const PROMPT = { responses: 3 + 3 + countTokens('Hello'), messages: 3 + countTokens('Hello') }
const usage = (input: unknown, output: unknown, more: object = {}) => ({
  input_tokens: input,
  output_tokens: output,
  ...more,
})

function rowsOf(shape: Shape): Row[] {
  const spoken = SPOKEN[shape]
  const first = spoken.begin(usage(10, 1))
  const words = (n: number) => Array.from({ length: n }, () => spoken.delta(WORD))
  const own = (n: number) => cost(PROMPT[shape], countTokens(WORD.repeat(n)))
  const whole = spoken.last.at(-1) ?? ''
  const row = (name: string, script: Script, rest: Omit<Row, 'shape' | 'name' | 'script'>): Row => ({
    shape,
    name,
    script,
    ...rest,
  })
  const cachedAbove =
    shape === 'responses'
      ? usage(10, 4, { input_tokens_details: { cached_tokens: 11 } })
      : usage(10, 4, { cache_creation_input_tokens: 3, cache_creation: { ephemeral_1h_input_tokens: 9 } })
  const mad: Record<string, unknown> = {
    negative: usage(10, -4),
    fraction: usage(10, 1.5),
    text: usage('10', '4'),
    'huge output': usage(10, 101),
    'huge input': usage(1e9, 4),
    'parts above the whole': cachedAbove,
    'a text': 'none',
  }
  return [
    row('whole', pieces(...first, ...words(4), ...spoken.end(usage(10, 4))), {
      charge: cost(10, 4),
      estimated: false,
      seen: whole,
    }),
    row('explicit zero', pieces(...spoken.begin(usage(0, 0)), ...words(1), ...spoken.end(usage(0, 0))), {
      charge: 0,
      estimated: false,
      seen: whole,
    }),
    row('no usage', pieces(...spoken.begin(), ...words(4), ...spoken.end(undefined)), {
      charge: own(4),
      estimated: true,
      seen: whole,
    }),
    ...Object.entries(mad).flatMap(([kind, said]) => [
      row(`usage ${kind}, stream`, pieces(...first, ...words(4), ...spoken.end(said)), {
        charge: own(4),
        estimated: true,
        seen: whole,
      }),
      row(`usage ${kind}, JSON`, json(200, spoken.json(WORD.repeat(4), said)), {
        stream: false,
        charge: own(4),
        estimated: true,
        seen: 200,
      }),
    ]),
    row(
      'caller leaves, upstream goes on and reports',
      slow(first, words(5), [...words(20), ...spoken.end(usage(10, 25))]),
      {
        leaveAfterFrames: first.length + 5,
        charge: cost(10, 25),
        estimated: false,
        seen: 'gone',
      },
    ),
    row('caller leaves, upstream breaks', slow(first, words(5), null), {
      leaveAfterFrames: first.length + 5,
      charge: [own(5), own(5)],
      estimated: true,
      seen: 'gone',
    }),
    row('dies in the middle', broken(...first, ...words(3)), {
      charge: own(3),
      estimated: true,
      seen: 'error',
      code: 'upstream_error',
    }),
    row('ends cleanly without its end', pieces(...first, ...words(3)), {
      charge: own(3),
      estimated: true,
      seen: 'error',
      code: 'upstream_error',
    }),
    row('goes silent in the middle', silent(...first, ...words(3)), {
      charge: own(3),
      estimated: true,
      seen: 'error',
      code: 'upstream_error',
    }),
    row('breaks after its head', broken(...first), { charge: 'void', seen: 'error', code: 'upstream_error' }),
    row('error event first', pieces(error()), { charge: 'void', seen: 'error', code: 'upstream_error' }),
    row('error event in the middle', pieces(...first, ...words(3), error()), {
      charge: own(3),
      estimated: true,
      seen: 'error',
      code: 'upstream_error',
    }),
    row('refused before any output', json(529, JSON.stringify({ type: 'error', error: { message: 'busy' } })), {
      charge: 'void',
      seen: 502,
      code: 'upstream_error',
    }),
    row('its own rate limit', json(429, '{}', { 'retry-after': '7' }), {
      charge: 'void',
      seen: 429,
      code: 'rate_limit',
    }),
    row('never begins', silent(), { charge: 'void', seen: 504, code: 'gateway_timeout' }),
    row('an answer of another kind', json(200, '{"object":"list"}'), {
      stream: false,
      charge: 'void',
      seen: 502,
      code: 'upstream_error',
    }),
    row(
      'more after the end',
      pieces(...first, ...words(4), ...spoken.end(usage(10, 4)), ...words(9), 'data: [DONE]\n\n'),
      {
        charge: cost(10, 4),
        estimated: false,
        seen: whole,
      },
    ),
    row('an event of over 1 MiB', pieces(...first, ...words(3), spoken.delta('x'.repeat(1_300_000))), {
      charge: own(3),
      estimated: true,
      seen: 'error',
      code: 'upstream_error',
    }),
    row('two bytes at a time', twoBytes([...first, ...words(2), ...spoken.end(usage(10, 4))].join('')), {
      charge: cost(10, 4),
      estimated: false,
      seen: whole,
    }),
  ]
}

const responsesRows: Row[] = [
  {
    shape: 'responses',
    name: 'response.failed that reports what it used',
    script: pieces(...SPOKEN.responses.begin(), SPOKEN.responses.delta(WORD), failedResponse(usage(10, 4))),
    charge: cost(10, 4),
    estimated: false,
    seen: 'error',
    code: 'upstream_error',
  },
  {
    shape: 'responses',
    name: 'response.failed with nothing made',
    script: pieces(...SPOKEN.responses.begin(), failedResponse(undefined)),
    charge: 'void',
    seen: 'error',
    code: 'upstream_error',
  },
  {
    shape: 'responses',
    name: 'response.incomplete is an end like another',
    script: pieces(
      ...SPOKEN.responses.begin(),
      SPOKEN.responses.delta(WORD),
      SPOKEN.responses.end(usage(10, 4)).join('').replaceAll('completed', 'incomplete'),
    ),
    charge: cost(10, 4),
    estimated: false,
    seen: 'response.incomplete',
  },
]
const messagesRows: Row[] = [
  {
    shape: 'messages',
    name: 'usage at its start only: the output is not known from it',
    script: pieces(
      ...SPOKEN.messages.begin(usage(10, 1)),
      SPOKEN.messages.delta(WORD),
      ...SPOKEN.messages.end(undefined),
    ),
    charge: cost(PROMPT.messages, countTokens(WORD)),
    estimated: true,
    seen: 'message_stop',
  },
  {
    shape: 'messages',
    name: 'breaks between the last usage and message_stop: it was whole',
    script: pieces(
      ...SPOKEN.messages.begin(usage(10, 1)),
      SPOKEN.messages.delta(WORD),
      ...SPOKEN.messages.end(usage(null, 4)).slice(0, -1),
    ),
    charge: cost(10, 4),
    estimated: false,
    seen: 'message_stop',
  },
]

/** Some events, then the caller leaves, then the rest, or a broken connection. */
function slow(first: string[], some: string[], rest: string[] | null): Script {
  return async (response) => {
    begin(response)
    for (const piece of [...first, ...some]) response.write(piece)
    await sleep(400)
    for (const piece of rest ?? []) response.write(piece)
    if (rest) response.end()
    else response.socket?.end()
  }
}

function twoBytes(text: string): Script {
  return async (response) => {
    begin(response)
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at += 2) {
      response.write(bytes.subarray(at, at + 2))
      await new Promise((resolve) => setImmediate(resolve))
    }
    response.end()
  }
}

function error(): string {
  return typedEvent({ type: 'error', error: { type: 'overloaded_error', message: 'at secret-host.internal' } })
}

const rows = [...rowsOf('responses'), ...responsesRows, ...rowsOf('messages'), ...messagesRows]
const modelOf = (row: Row) => `row-${rows.indexOf(row)}`
const named = (row: Row) => (row.shape === 'messages' ? `anthropic/${modelOf(row)}` : modelOf(row))

describe('endings of responses and messages', () => {
  let world: World
  let all: Entry[] = []
  const answers = new Map<Row, Answer>()

  before(async () => {
    const priced = rows.map((row): [string, object] => [
      modelOf(row),
      { ...PRICES.mix, ...(row.shape === 'messages' ? { provider: 'anthropic' } : {}) },
    ])
    world = await relayWorld({
      models: Object.fromEntries(priced),
      env: (url) => ({
        ANTHROPIC_BASE_URL: url.replace(/\/v1$/, ''),
        ANTHROPIC_API_KEY: 'k',
        QUOTA_UPSTREAM_TIMEOUT_S: '2',
        QUOTA_STREAM_IDLE_S: '2',
      }),
    })
    for (const row of rows) world.upstream.on(modelOf(row), row.script)
    await Promise.all(rows.map(async (row) => answers.set(row, await askFor(row))))
    await settled(world.server, 30_000)
    all = await entries(world.server)
  })
  after(() => world.stop())

  function askFor(row: Row): Promise<Answer> {
    const { path, ask: body } = SPOKEN[row.shape]
    return ask(world.server.url, {
      path: `/v1${path}`,
      bearer: world.developerKey,
      body: body(named(row), row.stream !== false),
      ...(row.leaveAfterFrames ? { leaveAfterFrames: row.leaveAfterFrames } : {}),
    })
  }

  for (const row of rows) {
    test(`${row.shape}: ${row.name}`, () => {
      const seen = answers.get(row)
      assert.ok(seen)
      assert.equal(world.upstream.of(modelOf(row)).length, 1, seen.text)
      assertSeen(row, seen)
      const [made, ...more] = callsByModel(all).get(named(row)) ?? []
      assert.ok(made?.ending && more.length === 0, 'held once, and ended')
      const charged = chargeOf(made.ending)
      if (row.charge === 'void') return assert.deepEqual([made.ending.kind, charged], ['void', 0])
      assert.equal(made.ending.kind, 'settle')
      assert.equal(made.ending.memo?.estimated, row.estimated)
      const [low, high] = typeof row.charge === 'number' ? [row.charge, row.charge] : row.charge
      assert.ok(charged >= low && charged <= high, `charged ${charged}, expected ${low} to ${high}`)
    })
  }

  test('and the books agree', () => assertBooks(world.server))
})

function assertSeen(row: Row, seen: Answer): void {
  assert.ok(!seen.text.includes('secret-host'), 'a vendor’s own words about its trouble stay here')
  if (row.seen === 'gone') return assert.equal(seen.complete, false)
  assert.ok(seen.complete, seen.text.slice(-300))
  if (typeof row.seen === 'number') {
    assert.equal(seen.status, row.seen, seen.text)
    if (row.seen === 200) return
    assert.equal(errorOf(seen).code, row.code)
    return assert.equal(jsonOf(seen).type, row.shape === 'messages' ? 'error' : undefined)
  }
  assert.equal(seen.status, 200, seen.text)
  const frames = parsedFrames(seen)
  const last = frames.at(-1)
  assert.equal(last?.type, row.seen)
  assert.match(seen.text, new RegExp(`event: ${row.seen}\ndata: [^\n]*\n\n$`), 'nothing follows')
  if (row.seen === 'error') {
    assert.equal((last?.error as { code: string } | undefined)?.code, row.code)
    return assert.equal(last?.quota === undefined, row.charge === 'void', 'quota exactly when something was charged')
  }
  const quota =
    row.shape === 'messages' ? frames.at(-2)?.quota : (last?.response as { quota: unknown } | undefined)?.quota
  assert.equal((quota as { estimated: boolean }).estimated, row.estimated)
  assert.equal(frames.filter(({ type }) => type === 'quota_usage').length, row.shape === 'messages' ? 1 : 0)
}
