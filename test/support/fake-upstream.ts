// A model vendor made of cardboard: OpenAI-compatible, scripted by the test, and it remembers every call.
// owns: what it answers and what it saw. never: the network beyond loopback.
// always true: a call that reached it is in `calls`, even when it answered with an error or not at all.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** `usage`: counts to report; null reports none; any other shape is sent as it stands (absurd usage). */
export type Behaviour = {
  status?: number
  /** Body of an error status, or of a whole JSON answer in place of the usual one. */
  body?: unknown
  headers?: Record<string, string>
  usage?: Record<string, unknown> | null
  /** Wait before the status line. */
  delayMs?: number
  /** Number of content chunks of a stream, and the wait before each. */
  chunks?: number
  intervalMs?: number
  text?: string
  /** Breaks the connection after so many content chunks (0: right after the headers). */
  cutAfter?: number
  /** Takes the request and never answers. */
  hang?: boolean
}

export type Call = {
  at: number
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: Record<string, unknown>
  raw: Buffer
  /** The caller went away before the answer was complete. */
  aborted: boolean
  finished: boolean
}

export type FakeUpstream = {
  /** Ends in /v1, as OPENAI_BASE_URL does. */
  url: string
  calls: Call[]
  /** What a model answers from now on; '*' is every model without a row of its own. */
  script: (model: string, behaviour: Behaviour) => void
  /** Answers of the next calls, in order, whatever their model. */
  queue: Behaviour[]
  reset: () => void
  stop: () => Promise<void>
}

const DEFAULTS = {
  delayMs: 0,
  chunks: 4,
  intervalMs: 0,
  text: 'word ',
  usage: { prompt_tokens: 10, completion_tokens: 4 },
}

/** Starts it on a free loopback port. */
export async function startUpstream(options: { port?: number } = {}): Promise<FakeUpstream> {
  const calls: Call[] = []
  const scripts = new Map<string, Behaviour>()
  const queue: Behaviour[] = []
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy())
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const raw = Buffer.concat(await request.toArray())
    const call = note(request, raw)
    calls.push(call)
    response.on('close', () => {
      call.finished = response.writableFinished
      call.aborted = !response.writableFinished
    })
    const model = String(call.body.model ?? '')
    const behaviour = queue.shift() ?? scripts.get(model) ?? scripts.get('*') ?? {}
    if (behaviour.hang) return
    await sleep(behaviour.delayMs ?? DEFAULTS.delayMs)
    if ((behaviour.status ?? 200) >= 400) return json(response, behaviour, errorBody(behaviour))
    if (request.method === 'GET') return json(response, behaviour, { object: 'list', data: [] })
    if (call.body.stream === true) return await stream(response, behaviour, call)
    json(response, behaviour, behaviour.body ?? completion(behaviour, model))
  }

  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    calls,
    script: (model, behaviour) => scripts.set(model, behaviour),
    queue,
    reset: () => {
      calls.length = 0
      queue.length = 0
      scripts.clear()
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function note(request: IncomingMessage, raw: Buffer): Call {
  const { method = '', url = '', headers } = request
  return { at: Date.now(), method, path: url, headers, body: parsed(raw), raw, aborted: false, finished: false }
}

function parsed(raw: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(raw.toString())
  } catch {
    return {}
  }
}

function completion(behaviour: Behaviour, model: string) {
  const usage = usageOf(behaviour)
  return {
    id: 'chatcmpl-fake',
    object: 'chat.completion',
    created: 1_700_000_000,
    model,
    choices: [{ index: 0, message: { role: 'assistant', content: textOf(behaviour) }, finish_reason: 'stop' }],
    ...(usage === null ? {} : { usage }),
  }
}

async function stream(response: ServerResponse, behaviour: Behaviour, call: Call): Promise<void> {
  const options = call.body.stream_options as { include_usage?: boolean } | undefined
  const model = String(call.body.model ?? '')
  response.writeHead(200, { 'content-type': 'text/event-stream', ...behaviour.headers })
  response.flushHeaders()
  const chunk = (choices: unknown[], extra: object = {}) =>
    response.write(
      `data: ${JSON.stringify({ id: 'chatcmpl-fake', object: 'chat.completion.chunk', created: 1_700_000_000, model, choices, ...extra })}\n\n`,
    )
  const count = behaviour.chunks ?? DEFAULTS.chunks
  for (let n = 0; n < count; n++) {
    if (behaviour.cutAfter === n) return void cut(response)
    await sleep(behaviour.intervalMs ?? DEFAULTS.intervalMs)
    if (response.destroyed) return
    chunk([{ index: 0, delta: { content: behaviour.text ?? DEFAULTS.text }, finish_reason: null }])
  }
  if (behaviour.cutAfter === count) return void cut(response)
  chunk([{ index: 0, delta: {}, finish_reason: 'stop' }])
  const usage = usageOf(behaviour)
  if (usage !== null && options?.include_usage) chunk([], { usage })
  response.end('data: [DONE]\n\n')
}

/** Ends the connection in the middle of the body; what was written before still arrives. */
function cut(response: ServerResponse): void {
  response.socket?.end()
}

function usageOf(behaviour: Behaviour): Record<string, unknown> | null {
  if (behaviour.usage === null) return null
  const usage = behaviour.usage ?? DEFAULTS.usage
  const { prompt_tokens: input, completion_tokens: output } = usage
  const total = typeof input === 'number' && typeof output === 'number' ? { total_tokens: input + output } : {}
  return { ...usage, ...total }
}

function textOf(behaviour: Behaviour): string {
  return (behaviour.text ?? DEFAULTS.text).repeat(behaviour.chunks ?? DEFAULTS.chunks)
}

function errorBody(behaviour: Behaviour): unknown {
  return behaviour.body ?? { error: { message: 'scripted error', type: 'server_error', code: null, param: null } }
}

function json(response: ServerResponse, behaviour: Behaviour, body: unknown): void {
  response.writeHead(behaviour.status ?? 200, { 'content-type': 'application/json', ...behaviour.headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}
