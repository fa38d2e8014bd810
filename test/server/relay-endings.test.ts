// Every way a metered call can end, and what it costs then.
// owns: the contract's charge table, row by row. never: a look inside the server.
// always true: each row says the charge, whether it is an estimate, what the caller saw, and that nothing else moved.
//
// The net was tried by planting faults in the server, one at a time; each turned something red:
//   the guard of a hold dropped                  overspend, 5 (on Postgres; on SQLite the one writer guards by itself)
//   limits not looked at / looked at, not held   overspend, 3 / 3
//   a void skipped                               here, all: holds stay open
//   a charge taken twice                         here, 60
//   settlement called twice                      here, 58: the second finds the hold ended, and no quota block comes out
//   [DONE] written before the settlement         here, 33; kill -9, 1
//   the upstream cut when the caller leaves      here, 4 ("caller leaves ...")
//   usage above the hold believed                here, 6; negative usage: 2; zero usage estimated: 2
//   usage shown without being asked for          here
//   markup taken on grants                       overspend, 1; billing modes, 2
//   n not counted in the hold                    limits of one call
//   an Idempotency-Key shared by all payers      idempotency, 1
//   kept answers not sealed                      secrets, 1; idempotency
//   a pause between hold and stream missed       pause, 1; pauses not heard of: 7
//   a receipt that does not name the last one    receipts
//   the body parsed and written anew             bad input ("arrives untouched")
//   orphans not ended at the start               kill -9, 1; a renewal without a checkpoint: 3; a living peer's holds ended: kill -9
//   a settlement not tried again                 store away

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Answer, ask, errorOf, jsonOf, parsedFrames } from '../support/relay-client.ts'
import {
  answer,
  begin,
  broken,
  chunk,
  completion,
  DONE,
  event,
  json,
  pieces,
  reset,
  type Script,
  silent,
  type UpstreamCall,
  usageEvent,
} from '../support/relay-upstream.ts'
import {
  assertBooks,
  callsByModel,
  chargeOf,
  countTokens,
  type Entry,
  entries,
  MESSAGES,
  PROMPT_TOKENS,
  pricedAlike,
  relayWorld,
  settled,
  UPSTREAM_KEY,
  type World,
} from '../support/relay-world.ts'
import { databases } from '../support/server.ts'

/** What the caller sees: whole = [DONE] or a 200 body; error = a stream that ends with an error frame; else an HTTP status. */
type Seen = 'whole' | 'error' | 'gone' | number
type Row = {
  name: string
  stream: boolean
  script: Script
  leave?: { leaveAfterFrames: number } | 'when called'
  /** The caller reads nothing for so long. */
  pauseMs?: number
  /** Exact, or from-to; 'void' when the hold must end without a charge. */
  charge: number | readonly [number, number] | 'void'
  estimated?: boolean
  seen: Seen
  code?: string
  body?: Record<string, unknown>
  also?: (answer: Answer, upstream: UpstreamCall) => void
}

const MAX_TOKENS = 100
const WORD = 'word '
const OUT = 2
const cost = (input: number, output: number) => input + OUT * output
/** The charge of an answer that we had to count ourselves. */
const own = (text: string) => cost(PROMPT_TOKENS, countTokens(text))
const words = (n: number) => WORD.repeat(n)
const chunks = (n: number) => Array.from({ length: n }, () => chunk(WORD))
const USAGE = { prompt_tokens: 10, completion_tokens: 50 }
const SMALL = { prompt_tokens: 10, completion_tokens: 4 }

function usageSeenIn(answer: Answer): unknown[] {
  return parsedFrames(answer).filter((frame) => frame.usage !== undefined && frame.usage !== null)
}

function textOf(answer: Answer): string {
  return parsedFrames(answer)
    .flatMap((frame) => (frame.choices as { delta?: { content?: string } }[] | undefined) ?? [])
    .map((choice) => choice.delta?.content ?? '')
    .join('')
}

const MAD: Record<string, unknown> = {
  negative: { prompt_tokens: 10, completion_tokens: -5 },
  'negative input': { prompt_tokens: -10, completion_tokens: 5 },
  fraction: { prompt_tokens: 10, completion_tokens: 1.5 },
  text: { prompt_tokens: '10', completion_tokens: '50' },
  huge: { prompt_tokens: 10, completion_tokens: 1e9 },
  'huge input': { prompt_tokens: 1e9, completion_tokens: 4 },
  'above what was held': { prompt_tokens: 10, completion_tokens: MAX_TOKENS + 1 },
  'cached above input': { ...SMALL, prompt_tokens_details: { cached_tokens: 11 } },
  'negative cached': { ...SMALL, prompt_tokens_details: { cached_tokens: -1 } },
  'reasoning above output': { ...SMALL, completion_tokens_details: { reasoning_tokens: 5 } },
  'half of it': { completion_tokens: 4 },
  'a text': 'none',
  'a list': [10, 4],
}

const madRows: Row[] = Object.entries(MAD).flatMap(([kind, usage]) => [
  {
    name: `usage ${kind}, stream`,
    stream: true,
    script: pieces(...chunks(4), event({ choices: [], usage }), DONE),
    charge: own(words(4)),
    estimated: true,
    seen: 'whole' as const,
  },
  {
    name: `usage ${kind}, JSON`,
    stream: false,
    script: json(200, completion(words(4), usage)),
    charge: own(words(4)),
    estimated: true,
    seen: 'whole' as const,
    also: (answer: Answer) => assert.deepEqual(jsonOf(answer).usage, usage, 'the reply is not changed'),
  },
])

/** Upstream status → what the caller gets. */
const REFUSALS: [number, number, string][] = [
  [400, 400, 'bad_request'],
  [401, 502, 'upstream_error'],
  [403, 502, 'upstream_error'],
  [404, 400, 'bad_request'],
  [429, 429, 'rate_limit'],
  [500, 502, 'upstream_error'],
  [503, 502, 'upstream_error'],
  [302, 502, 'upstream_error'],
  [204, 502, 'upstream_error'],
]

const refusalRows: Row[] = REFUSALS.flatMap(([theirs, ours, code]) =>
  [true, false].map((stream) => ({
    name: `upstream ${theirs}, ${stream ? 'stream' : 'JSON'}`,
    stream,
    script: json(theirs, JSON.stringify({ error: { message: `no: key ${UPSTREAM_KEY}` } }), {
      'retry-after': '7',
      location: 'http://127.0.0.1:9/',
      'set-cookie': 'theirs=1',
    }),
    charge: 'void' as const,
    seen: ours,
    code,
    also: ({ headers, text }: Answer) => {
      if (theirs === 429) assert.equal(headers['retry-after'], '7')
      assert.equal(headers['set-cookie'], undefined)
      assert.equal(headers.location, undefined)
      assert.ok(!text.includes(UPSTREAM_KEY), text)
    },
  })),
)

/** One write for each byte, in a few ticks. */
const byteByByte =
  (text: string): Script =>
  async (response) => {
    begin(response)
    response.socket?.setNoDelay(true)
    for (const byte of Buffer.from(text)) {
      response.write(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    response.end()
  }

const leaving = new Map<string, PromiseWithResolvers<void>>()
/** Some pieces, then the caller leaves, then the rest. */
const left =
  (first: string[], rest: string[], end: Script = (response) => void response.end()): Script =>
  async (response, call) => {
    begin(response)
    for (const part of first) response.write(part)
    await leaving.get(call.model)?.promise
    await sleep(100)
    for (const part of rest) response.write(part)
    await sleep(30)
    end(response, call)
  }

const later =
  (ms: number, script: Script): Script =>
  async (response, call) => {
    await sleep(ms)
    return script(response, call)
  }

const streamRows: Row[] = [
  {
    name: 'whole stream',
    stream: true,
    script: answer({ words: 4 }),
    charge: cost(10, 4),
    estimated: false,
    seen: 'whole',
    also: (seen, upstream) => {
      assert.equal(textOf(seen), words(4))
      assert.equal(usageSeenIn(seen).length, 0, 'usage shows without having been asked for')
      assert.deepEqual(upstream.body.stream_options, { include_usage: true })
    },
  },
  {
    name: 'usage asked for',
    stream: true,
    body: { stream_options: { include_usage: true } },
    script: answer({ words: 4 }),
    charge: cost(10, 4),
    estimated: false,
    seen: 'whole',
    also: (seen) => assert.equal(usageSeenIn(seen).length, 1),
  },
  {
    name: 'usage declined',
    stream: true,
    body: { stream_options: { include_usage: false } },
    script: answer({ words: 4 }),
    charge: cost(10, 4),
    estimated: false,
    seen: 'whole',
    also: (seen, upstream) => {
      assert.equal(usageSeenIn(seen).length, 0)
      assert.deepEqual(upstream.body.stream_options, { include_usage: true })
    },
  },
  {
    name: 'caller leaves, upstream goes on and reports',
    stream: true,
    script: left(chunks(5), [...chunks(45), usageEvent(USAGE), DONE]),
    leave: { leaveAfterFrames: 5 },
    charge: cost(10, 50),
    estimated: false,
    seen: 'gone',
  },
  {
    name: 'caller leaves, upstream ends without usage',
    stream: true,
    script: left(chunks(5), [...chunks(5), DONE]),
    leave: { leaveAfterFrames: 5 },
    charge: [own(words(5)), own(words(10))],
    estimated: true,
    seen: 'gone',
  },
  {
    name: 'caller leaves, upstream breaks',
    stream: true,
    script: left(chunks(5), chunks(2), (response) => void response.socket?.end()),
    leave: { leaveAfterFrames: 5 },
    charge: [own(words(5)), own(words(7))],
    estimated: true,
    seen: 'gone',
  },
  {
    name: 'caller leaves before the answer, stream',
    stream: true,
    script: later(400, answer({ words: 50, usage: USAGE })),
    leave: 'when called',
    charge: cost(10, 50),
    estimated: false,
    seen: 'gone',
  },
  {
    name: 'caller leaves before the answer, JSON',
    stream: false,
    script: later(400, answer({ words: 50, usage: USAGE })),
    leave: 'when called',
    charge: cost(10, 50),
    estimated: false,
    seen: 'gone',
  },
  {
    name: 'caller leaves, then the upstream refuses',
    stream: true,
    script: later(400, json(500, '{}')),
    leave: 'when called',
    charge: 'void',
    seen: 'gone',
  },
  {
    name: 'caller leaves, then the upstream breaks before any output',
    stream: true,
    script: broken(': hello\n\n', 400),
    leave: 'when called',
    charge: 'void',
    seen: 'gone',
  },
  {
    name: 'reset before the answer, stream',
    stream: true,
    script: reset,
    charge: 'void',
    seen: 502,
    code: 'upstream_error',
  },
  {
    name: 'reset before the answer, JSON',
    stream: false,
    script: reset,
    charge: 'void',
    seen: 502,
    code: 'upstream_error',
  },
  {
    name: 'hang before the answer, stream',
    stream: true,
    script: silent(),
    charge: 'void',
    seen: 504,
    code: 'gateway_timeout',
  },
  {
    name: 'hang before the answer, JSON',
    stream: false,
    script: silent(),
    charge: 'void',
    seen: 504,
    code: 'gateway_timeout',
  },
  {
    name: 'hang in the middle',
    stream: true,
    script: silent(...chunks(3)),
    charge: own(words(3)),
    estimated: true,
    seen: 'error',
    code: 'upstream_error',
  },
  {
    name: 'break in the middle',
    stream: true,
    script: broken(...chunks(3)),
    charge: own(words(3)),
    estimated: true,
    seen: 'error',
    code: 'upstream_error',
  },
  {
    name: 'clean end without [DONE]',
    stream: true,
    script: pieces(...chunks(3)),
    charge: own(words(3)),
    estimated: true,
    seen: 'error',
    code: 'upstream_error',
  },
  {
    name: 'break before any output',
    stream: true,
    script: broken(),
    charge: 'void',
    seen: 'error',
    code: 'upstream_error',
  },
  {
    name: 'break in the middle, JSON with spaces',
    stream: true,
    script: broken(...chunks(3).map((text) => text.replaceAll('":', '": ').replaceAll(',"', ', "'))),
    charge: own(words(3)),
    estimated: true,
    seen: 'error',
    code: 'upstream_error',
  },
  {
    name: 'break inside an event',
    stream: true,
    script: pieces(...chunks(3), chunk(WORD).slice(0, 60)),
    charge: own(words(3)),
    estimated: true,
    seen: 'error',
    code: 'upstream_error',
  },
  {
    name: 'usage in the middle, then a break',
    stream: true,
    script: broken(
      chunk(WORD),
      event({ choices: [{ index: 0, delta: { content: WORD } }], usage: { prompt_tokens: 10, completion_tokens: 2 } }),
      ...chunks(10),
    ),
    charge: own(words(12)),
    estimated: true,
    seen: 'error',
    code: 'upstream_error',
  },
  {
    name: 'usage in every chunk, whole',
    stream: true,
    script: pieces(
      ...[1, 2, 3].map((n) =>
        event({
          choices: [{ index: 0, delta: { content: WORD } }],
          usage: { prompt_tokens: 10, completion_tokens: n },
        }),
      ),
      DONE,
    ),
    charge: cost(10, 3),
    estimated: false,
    seen: 'whole',
    also: (seen) => {
      assert.equal(textOf(seen), words(3))
      assert.equal(usageSeenIn(seen).length, 0)
    },
  },
  {
    name: 'usage missing, stream',
    stream: true,
    script: answer({ words: 4, usage: undefined }),
    charge: own(words(4)),
    estimated: true,
    seen: 'whole',
  },
  {
    name: 'usage missing, JSON',
    stream: false,
    script: answer({ words: 4, usage: undefined }),
    charge: own(words(4)),
    estimated: true,
    seen: 'whole',
  },
  {
    name: 'zero usage, stream',
    stream: true,
    script: answer({ usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } }),
    charge: 0,
    estimated: false,
    seen: 'whole',
  },
  {
    name: 'zero usage, JSON',
    stream: false,
    script: answer({ usage: { prompt_tokens: 0, completion_tokens: 0 } }),
    charge: 0,
    estimated: false,
    seen: 'whole',
  },
  {
    name: 'usage twice: the last one counts, once',
    stream: true,
    script: pieces(...chunks(4), usageEvent(SMALL), usageEvent({ prompt_tokens: 10, completion_tokens: 9 }), DONE),
    charge: cost(10, 9),
    estimated: false,
    seen: 'whole',
  },
  {
    name: 'usage after [DONE] is ignored',
    stream: true,
    script: pieces(
      ...chunks(4),
      usageEvent(SMALL),
      DONE,
      usageEvent({ prompt_tokens: 10, completion_tokens: 90 }),
      chunk('late'),
    ),
    charge: cost(10, 4),
    estimated: false,
    seen: 'whole',
    also: (seen) => assert.ok(!seen.text.includes('late')),
  },
  {
    name: 'usage only after [DONE]',
    stream: true,
    script: pieces(...chunks(4), DONE, usageEvent(SMALL)),
    charge: own(words(4)),
    estimated: true,
    seen: 'whole',
  },
  {
    name: 'error inside the stream',
    stream: true,
    script: pieces(...chunks(3), `data: {"error":{"message":"boom with ${UPSTREAM_KEY}"}}\n\n`, DONE),
    charge: own(words(3)),
    estimated: true,
    seen: 'error',
    code: 'upstream_error',
    also: ({ text }) => assert.ok(!text.includes(UPSTREAM_KEY), 'the upstream’s words about itself reach the caller'),
  },
  {
    name: 'error as the first event',
    stream: true,
    script: pieces(`data: {"error":{"message":"overloaded"}}\n\n`),
    charge: 'void',
    seen: 'error',
    code: 'upstream_error',
  },
  {
    name: 'one endless line',
    stream: true,
    script: pieces(...chunks(3), `data: {"choices":[{"index":0,"delta":{"content":"${'x'.repeat(1_100_000)}`, DONE),
    charge: own(words(3)),
    estimated: true,
    seen: 'error',
    code: 'upstream_error',
  },
  {
    name: 'byte by byte',
    stream: true,
    script: byteByByte([chunk('né '), chunk('日本 '), chunk('👍🏽')].join('') + usageEvent(SMALL) + DONE),
    charge: cost(10, 4),
    estimated: false,
    seen: 'whole',
    also: (seen) => assert.equal(textOf(seen), 'né 日本 👍🏽'),
  },
  {
    name: 'byte by byte, counted by us',
    stream: true,
    script: byteByByte([chunk('né '), chunk('日本 '), chunk('👍🏽 "quoted" \\ \n')].join('') + DONE),
    charge: own('né 日本 👍🏽 "quoted" \\ \n'),
    estimated: true,
    seen: 'whole',
  },
  {
    name: 'CRLF',
    stream: true,
    script: pieces([...chunks(4), usageEvent(SMALL), DONE].join('').replaceAll('\n', '\r\n')),
    charge: cost(10, 4),
    estimated: false,
    seen: 'whole',
    also: (seen) => assert.equal(textOf(seen), words(4)),
  },
  {
    name: 'CRLF, byte by byte, no usage',
    stream: true,
    script: byteByByte([...chunks(2), DONE].join('').replaceAll('\n', '\r\n')),
    charge: own(words(2)),
    estimated: true,
    seen: 'whole',
  },
  {
    name: 'everything in one read',
    stream: true,
    script: pieces([...chunks(4), usageEvent(SMALL), DONE].join('')),
    charge: cost(10, 4),
    estimated: false,
    seen: 'whole',
    also: (seen) => assert.equal(textOf(seen), words(4)),
  },
  {
    name: 'no blank line at the end',
    stream: true,
    script: pieces(...chunks(4), usageEvent(SMALL), 'data: [DONE]'),
    charge: cost(10, 4),
    estimated: false,
    seen: 'whole',
  },
  {
    name: 'no blank line after usage, and no [DONE]',
    stream: true,
    script: pieces(...chunks(4), usageEvent(SMALL).trimEnd()),
    charge: cost(10, 4),
    estimated: false,
    seen: 'whole',
  },
  {
    name: '[DONE] with a comment and an event name',
    stream: true,
    script: pieces(...chunks(4), usageEvent(SMALL), ': bye\nevent: end\ndata: [DONE]\n\n'),
    charge: cost(10, 4),
    estimated: false,
    seen: 'whole',
  },
  {
    name: 'comments keep it awake',
    stream: true,
    script: pieces(': hello\n\n', chunk(WORD), ': still here\n\n', chunk(WORD), usageEvent(SMALL), DONE),
    charge: cost(10, 4),
    estimated: false,
    seen: 'whole',
    also: (seen) => assert.equal(textOf(seen), words(2)),
  },
  {
    name: 'an answer that speaks of [DONE] and usage',
    stream: true,
    script: pieces(
      chunk('data: [DONE]\n\n {"usage":{"prompt_tokens":1,"completion_tokens":1}} "error"'),
      usageEvent(SMALL),
      DONE,
    ),
    charge: cost(10, 4),
    estimated: false,
    seen: 'whole',
    also: (seen) =>
      assert.equal(textOf(seen), 'data: [DONE]\n\n {"usage":{"prompt_tokens":1,"completion_tokens":1}} "error"'),
  },
  {
    name: 'a slow reader gets everything',
    stream: true,
    script: pieces(...Array.from({ length: 150 }, () => chunk('x'.repeat(64_000))), usageEvent(SMALL), DONE),
    pauseMs: 3000,
    charge: cost(10, 4),
    estimated: false,
    seen: 'whole',
    also: (seen) => assert.equal(textOf(seen).length, 150 * 64_000),
  },
  {
    name: 'tool calls are counted',
    stream: true,
    script: pieces(
      event({
        choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { name: 'f', arguments: '{"a":' } }] } }],
      }),
      event({
        choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: '"long long words"}' } }] } }],
      }),
      DONE,
    ),
    charge: [cost(PROMPT_TOKENS, 1), cost(PROMPT_TOKENS, 20)],
    estimated: true,
    seen: 'whole',
  },
  {
    name: 'the upstream names another model',
    stream: false,
    script: json(200, completion(words(4), SMALL, { model: 'gpt-4o' })),
    charge: cost(10, 4),
    estimated: false,
    seen: 'whole',
  },
  {
    name: 'a JSON answer to a stream request',
    stream: true,
    script: json(200, completion(words(4), SMALL)),
    charge: cost(10, 4),
    estimated: false,
    seen: 200,
    also: (seen) => assert.equal((jsonOf(seen).quota as { credits_used?: number })?.credits_used, cost(10, 4)),
  },
  {
    name: 'a stream as answer to a JSON request',
    stream: false,
    script: pieces(chunk(WORD), DONE),
    charge: 'void',
    seen: 502,
    code: 'upstream_error',
  },
  {
    name: 'a page instead of an answer, stream',
    stream: true,
    script: (r) => void r.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    charge: 'void',
    seen: 502,
    code: 'upstream_error',
  },
  {
    name: 'a page instead of an answer, JSON',
    stream: false,
    script: (r) => void r.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    charge: 'void',
    seen: 502,
    code: 'upstream_error',
  },
  {
    name: 'a list instead of an answer',
    stream: false,
    script: json(200, '[1]'),
    charge: 'void',
    seen: 502,
    code: 'upstream_error',
  },
  {
    name: 'an error with status 200',
    stream: false,
    script: json(200, '{"error":{"message":"boom"}}'),
    charge: 'void',
    seen: 502,
    code: 'upstream_error',
  },
  {
    name: 'JSON cut in the middle',
    stream: false,
    script: async (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' })
      response.write('{"choices":[')
      await sleep(30)
      response.socket?.end()
    },
    charge: 'void',
    seen: 502,
    code: 'upstream_error',
  },
]

const rows = [...streamRows, ...refusalRows, ...madRows]
const modelOf = (row: Row) => `row-${rows.indexOf(row)}`

for (const db of databases()) {
  // On Postgres the rows that differ from their neighbours only in a number are left out.
  const some = db === 'sqlite' ? rows : rows.filter((row, n) => !madRows.includes(row) || n % 5 === 0)

  describe(`endings of a metered call (${db})`, () => {
    let world: World
    const before_: Entry[] = []
    const after_: Entry[] = []
    const answers = new Map<Row, Answer>()

    before(async () => {
      world = await relayWorld({
        models: pricedAlike(rows.map(modelOf)),
        db,
        env: { QUOTA_UPSTREAM_TIMEOUT_S: '3', QUOTA_ANSWER_TIMEOUT_S: '3', QUOTA_STREAM_IDLE_S: '3' },
      })
      for (const row of rows) world.upstream.on(modelOf(row), row.script)
      before_.push(...(await entries(world.server)))
      await Promise.all(some.map(async (row) => answers.set(row, await askFor(world, row))))
      await settled(world.server)
      after_.push(...(await entries(world.server)))
    })
    after(() => world.stop())

    for (const row of some) {
      test(row.name, () => {
        const upstream = world.upstream.of(modelOf(row))
        assert.equal(upstream.length, 1, `the upstream is called once: ${answers.get(row)?.text}`)
        const seen = answers.get(row)
        assert.ok(seen)
        assertSeen(row, seen)
        const [made, ...more] = callsByModel(after_).get(modelOf(row)) ?? []
        assert.ok(made?.ending, 'held, and ended')
        assert.equal(more.length, 0)
        assertEnding(row, made.ending)
        if (upstream[0]) row.also?.(seen, upstream[0])
      })
    }

    test('nothing else moved, and the books agree', async () => {
      assert.equal(after_.length, before_.length + 2 * some.length, 'one hold and one ending for each row')
      assert.deepEqual(after_.slice(0, before_.length), before_, 'what was written before stands')
      await assertBooks(world.server)
    })
  })
}

function askFor(world: World, row: Row): Promise<Answer> {
  const stream = row.stream ? { stream: true } : {}
  const body = { model: modelOf(row), messages: MESSAGES, max_tokens: MAX_TOKENS, ...stream, ...row.body }
  const leave = row.leave === 'when called' ? { leaveWhen: called(world, modelOf(row)) } : row.leave
  const gone = Promise.withResolvers<void>()
  leaving.set(modelOf(row), gone)
  return ask(world.server.url, {
    bearer: world.developerKey,
    body,
    ...leave,
    onLeave: gone.resolve,
    ...(row.pauseMs ? { pauseMs: row.pauseMs } : {}),
  })
}

async function called(world: World, model: string): Promise<void> {
  const until = Date.now() + 60_000
  while (world.upstream.of(model).length === 0 && Date.now() < until) await sleep(10)
  await sleep(50)
}

function assertSeen(row: Row, seen: Answer): void {
  if (row.seen === 'gone') return assert.equal(seen.complete, false)
  assert.ok(seen.complete, `the answer is cut: ${seen.text.slice(-300)}`)
  assert.match(String(seen.headers['x-request-id']), /^[A-Za-z0-9_-]{1,64}$/)
  if (typeof row.seen === 'number') {
    assert.equal(seen.status, row.seen, seen.text)
    if (row.code) assert.equal(errorOf(seen).code, row.code)
    return
  }
  assert.equal(seen.status, 200, seen.text)
  if (!row.stream) {
    const quota = jsonOf(seen).quota as { credits_used: number; estimated: boolean }
    assert.equal(quota.estimated, row.estimated)
    assert.equal(seen.headers['x-quota-credits-used'], String(quota.credits_used))
    return
  }
  const last = parsedFrames(seen).at(-1) ?? {}
  assert.equal(seen.frames.filter((data) => data === '[DONE]').length, row.seen === 'whole' ? 1 : 0)
  if (row.seen === 'whole') {
    assert.equal(seen.frames.at(-1), '[DONE]')
    assert.deepEqual(last.choices, [])
    assert.equal((last.quota as { estimated: boolean }).estimated, row.estimated)
  } else {
    assert.equal((last.error as { code: string }).code, row.code)
    assert.equal(
      last.quota === undefined,
      row.charge === 'void',
      'quota stands beside the error exactly when something was charged',
    )
    assert.equal(seen.frames.filter((data) => data.startsWith('{"error"')).length, 1, 'one error frame')
  }
}

function assertEnding(row: Row, ending: Entry): void {
  const charged = chargeOf(ending)
  if (row.charge === 'void') return assert.deepEqual([ending.kind, charged], ['void', 0])
  assert.equal(ending.kind, 'settle')
  assert.equal(ending.memo?.estimated, row.estimated)
  const [low, high] = typeof row.charge === 'number' ? [row.charge, row.charge] : row.charge
  assert.ok(charged >= low && charged <= high, `charged ${charged}, expected ${low} to ${high}`)
}
