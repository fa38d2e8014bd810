// A model vendor whose every byte the test decides.
// owns: scripts by model name, and what each call looked like. never: an answer that no script gave.
// always true: a call that arrived is in `calls`, also when it was never answered; rows of a table can run side by side.

import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export type UpstreamCall = {
  method: string
  path: string
  headers: IncomingHttpHeaders
  raw: string
  body: Record<string, unknown>
  model: string
  at: number
}
export type Script = (response: ServerResponse, call: UpstreamCall) => unknown
export type ScriptedUpstream = {
  /** Ends in /v1, as OPENAI_BASE_URL does. */
  url: string
  calls: UpstreamCall[]
  of: (model: string) => UpstreamCall[]
  /** What a model answers from now on; '*' is every model without a script of its own. */
  on: (model: string, script: Script) => void
  stop: () => Promise<void>
}

/** Starts it on a free loopback port. Without a script a model answers like `answer()`. */
export async function startScripted(): Promise<ScriptedUpstream> {
  const calls: UpstreamCall[] = []
  const scripts = new Map<string, Script>()
  const server = createServer(async (request, response) => {
    const raw = Buffer.concat(await request.toArray().catch(() => [])).toString('utf8')
    const body = parsed(raw)
    const model = String(body.model ?? '')
    const { method = '', url = '', headers } = request
    const call = { method, path: url, headers, raw, body, model, at: Date.now() }
    calls.push(call)
    response.on('error', () => undefined)
    try {
      await (scripts.get(model) ?? scripts.get('*') ?? answer())(response, call)
    } catch {
      response.destroy()
    }
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    calls,
    of: (model) => calls.filter((call) => call.model === model),
    on: (model, script) => void scripts.set(model, script),
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function parsed(raw: string): Record<string, unknown> {
  try {
    return JSON.parse(raw)
  } catch {
    return {}
  }
}

// --- what an answer is made of ---------------------------------------------------------------------------------------

export type Usage = Record<string, unknown>
export const DONE = 'data: [DONE]\n\n'

/** One event of a stream. */
export function event(fields: Record<string, unknown>): string {
  return `data: ${JSON.stringify({ id: 'chatcmpl-x', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'theirs', ...fields })}\n\n`
}

export function chunk(text: string): string {
  return event({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] })
}

export function usageEvent(usage: Usage): string {
  return event({ choices: [], usage })
}

export function completion(text: string, usage: unknown, extra: Record<string, unknown> = {}): string {
  const choices = [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }]
  const about = { id: 'chatcmpl-x', object: 'chat.completion', created: 1_700_000_000, model: 'theirs' }
  return JSON.stringify({ ...about, choices, ...(usage === undefined ? {} : { usage }), ...extra })
}

// --- scripts -----------------------------------------------------------------------------------------------------------

/** A good answer in the form that was asked for: `words` chunks, then usage (undefined: none), then [DONE]. */
export function answer(options: { words?: number; usage?: Usage | undefined; intervalMs?: number } = {}): Script {
  const { words = 4, intervalMs = 0 } = options
  const usage = 'usage' in options ? options.usage : { prompt_tokens: 10, completion_tokens: words }
  return async (response, { body }) => {
    if (body.stream !== true) return json(200, completion('word '.repeat(words), usage))(response)
    begin(response)
    for (let n = 0; n < words; n++) {
      if (intervalMs > 0) await sleep(intervalMs)
      response.write(chunk('word '))
    }
    response.end((usage === undefined ? '' : usageEvent(usage)) + DONE)
  }
}

export function json(status: number, body: string, headers: Record<string, string> = {}) {
  return (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(body)
  }
}

export function begin(response: ServerResponse, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers })
  response.flushHeaders()
}

/** A stream of these pieces, each in a write of its own (a number waits so many ms), ended cleanly. */
export function pieces(...parts: (string | Buffer | number)[]): Script {
  return async (response) => {
    begin(response)
    for (const part of parts) {
      if (typeof part === 'number') await sleep(part)
      else response.write(part)
    }
    response.end()
  }
}

/** The same, then the connection breaks in the middle of the body. */
export function broken(...parts: (string | number)[]): Script {
  return async (response) => {
    begin(response)
    for (const part of parts) {
      if (typeof part === 'number') await sleep(part)
      else response.write(part)
    }
    await sleep(30)
    response.socket?.end()
  }
}

/** The same, then nothing more, ever. */
export function silent(...parts: string[]): Script {
  return (response) => {
    if (parts.length > 0) begin(response)
    for (const part of parts) response.write(part)
  }
}

export const reset: Script = (response) => response.socket?.resetAndDestroy()
