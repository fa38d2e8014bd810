// The model that answers when no provider has a key.
// owns: a loopback upstream in OpenAI's wire shape. never: money, keys, the outside network.
// always true: usage is the exact count of the prompt and of the text that was sent; the same request gets the same text.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { contentText, countPrompt, countText, encodeText, tokenizerFor } from './count.ts'
import { sandboxText } from './sandbox-text.ts'

export type SandboxModel = Readonly<{
  /** Ends in /v1, as OPENAI_BASE_URL does. */
  baseUrl: string
  close: () => Promise<void>
}>
export type SandboxOptions = Readonly<{
  /** Now, in ms. */
  clock?: () => number
  /** The pause before each token of a stream, in ms (QUOTA_SANDBOX_TOKEN_MS; default 15). */
  tokenMs?: number
}>

const DEFAULT_TOKEN_MS = 15
const BODY_LIMIT = 32 * 1024 * 1024
const MAX_CHOICES = 128

const Limit = z.int().positive().nullish()
const Request = z.looseObject({
  model: z.string().min(1).max(256),
  messages: z.array(z.looseObject({ role: z.string() })).min(1),
  n: z.int().min(1).max(MAX_CHOICES).nullish(),
  max_tokens: Limit,
  max_completion_tokens: Limit,
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
})
type Request = z.infer<typeof Request>

type Choice = Readonly<{ text: string; tokens: readonly number[]; finish: 'stop' | 'length' }>
type Answer = Readonly<{ id: string; created: number; model: string; choices: readonly Choice[]; usage: object }>

/** Starts it on a free loopback port. Faults answer as OpenAI's do: {"error": {message, type, param, code}}. */
export async function startSandboxModel(options: SandboxOptions = {}): Promise<SandboxModel> {
  const settings = { clock: options.clock ?? Date.now, tokenMs: options.tokenMs ?? DEFAULT_TOKEN_MS }
  const server = createServer((request, response) => {
    serve(request, response, settings).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the sandbox model has no port')
  return {
    baseUrl: `http://127.0.0.1:${address.port}/v1`,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  settings: Required<SandboxOptions>,
): Promise<void> {
  if (request.method !== 'POST' || request.url !== '/v1/chat/completions') {
    return refuse(response, 404, 'unknown_url', `${request.method} ${request.url} is not known here`)
  }
  const raw = await bodyOf(request)
  if (raw === null) return refuse(response, 413, 'too_large', 'The body is too large')
  const parsed = Request.safeParse(jsonOf(raw))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    return refuse(
      response,
      400,
      'invalid_request',
      issue?.message ?? 'The body is no chat request',
      issue?.path.join('.'),
    )
  }
  const answer = answerTo(parsed.data, settings.clock())
  if (parsed.data.stream)
    await stream(response, answer, parsed.data.stream_options?.include_usage === true, settings.tokenMs)
  else json(response, 200, completion(answer))
}

// --- what it says ---------------------------------------------------------------------------------------------------

function answerTo(request: Request, now: number): Answer {
  const question = contentText(request.messages.findLast((message) => message.role === 'user') ?? {})
  const limit = request.max_completion_tokens ?? request.max_tokens ?? Number.POSITIVE_INFINITY
  const stops = (typeof request.stop === 'string' ? [request.stop] : (request.stop ?? [])).filter((stop) => stop !== '')
  const seed = JSON.stringify([request.model, request.messages.map(contentText)])
  const first = request.messages.every((message) => message.role !== 'assistant')
  const choices = Array.from({ length: request.n ?? 1 }, (_, index) => {
    return cut(request.model, untilStop(sandboxText(question, `${seed}#${index}`, first), stops), limit)
  })
  const input = countPrompt(request.model, request)
  const output = choices.reduce((sum, choice) => sum + choice.tokens.length, 0)
  const usage = {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  }
  const id = `chatcmpl-${randomBytes(15).toString('base64url')}`
  return { id, created: Math.floor(now / 1000), model: request.model, choices, usage }
}

/**
 * The longest beginning of a text within a number of tokens that counts exactly as many tokens when it is read on its own.
 * That is nearly always the limit itself; a cut through a character of several tokens falls back by a few.
 */
function cut(model: string, text: string, limit: number): Choice {
  const tokens = encodeText(model, text)
  if (tokens.length <= limit) return { text, tokens, finish: 'stop' }
  const { decode } = tokenizerFor(model)
  for (let length = limit; length > 0; length--) {
    const beginning = decode(tokens.slice(0, length))
    if (text.startsWith(beginning) && countText(model, beginning) === length) {
      return { text: beginning, tokens: tokens.slice(0, length), finish: 'length' }
    }
  }
  return { text: '', tokens: [], finish: 'length' }
}

function untilStop(text: string, stops: readonly string[]): string {
  const places = stops.map((stop) => text.indexOf(stop)).filter((place) => place >= 0)
  return text.slice(0, Math.min(text.length, ...places))
}

// --- how it says it -------------------------------------------------------------------------------------------------

function completion(answer: Answer): object {
  const choices = answer.choices.map((choice, index) => ({
    index,
    message: { role: 'assistant', content: choice.text, refusal: null, annotations: [] },
    logprobs: null,
    finish_reason: choice.finish,
  }))
  return { ...head(answer, 'chat.completion'), choices, usage: answer.usage }
}

function head(answer: Answer, object: string): object {
  const { id, created, model } = answer
  return { id, object, created, model, service_tier: 'default', system_fingerprint: 'sandbox' }
}

/** One token a chunk (a character of several tokens waits for its last), then the finish, the usage if asked for, and [DONE]. */
async function stream(response: ServerResponse, answer: Answer, withUsage: boolean, tokenMs: number): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  const start = head(answer, 'chat.completion.chunk')
  const send = async (fields: object): Promise<void> => {
    const chunk = { ...start, ...fields, ...(withUsage && !('usage' in fields) ? { usage: null } : {}) }
    if (!response.write(`data: ${JSON.stringify(chunk)}\n\n`)) await once(response, 'drain', { signal: gone.signal })
  }
  const delta = (index: number, content: object, finish: string | null = null) =>
    send({ choices: [{ index, delta: content, logprobs: null, finish_reason: finish }] })
  try {
    for (const [index, choice] of answer.choices.entries()) {
      await delta(index, { role: 'assistant', content: '', refusal: null })
      for (const piece of pieces(answer.model, choice.tokens)) {
        if (tokenMs > 0) await sleep(tokenMs, undefined, { signal: gone.signal })
        await delta(index, { content: piece })
      }
      await delta(index, {}, choice.finish)
    }
    if (withUsage) await send({ choices: [], usage: answer.usage })
    response.end('data: [DONE]\n\n')
  } catch (cause) {
    if (!gone.signal.aborted) throw cause // a caller who hung up is no fault
  }
}

function* pieces(model: string, tokens: readonly number[]): Generator<string> {
  const { decode } = tokenizerFor(model)
  let pending: number[] = []
  for (const token of tokens) {
    pending.push(token)
    const text = decode(pending)
    if (text.endsWith('\ufffd')) continue
    yield text
    pending = []
  }
  if (pending.length > 0) yield decode(pending)
}

// --- HTTP -------------------------------------------------------------------------------------------------------------

async function bodyOf(request: IncomingMessage): Promise<Buffer | null> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request) {
    size += piece.length
    if (size > BODY_LIMIT) return null
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

function jsonOf(raw: Buffer): unknown {
  try {
    return JSON.parse(raw.toString('utf8'))
  } catch {
    return undefined
  }
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  param: string | null = null,
): void {
  json(response, status, { error: { message, type: 'invalid_request_error', param, code } })
}
