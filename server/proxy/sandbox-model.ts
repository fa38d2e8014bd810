// The model that answers when no provider has a key.
// owns: a loopback upstream, and its paths. never: money, keys, the outside network.
// always true: usage is the exact count of the prompt and of the text that was sent; the same request gets the same text.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import { readForm } from './forms.ts'
import { ChatRequest, chatReply } from './sandbox-chat.ts'
import { EmbeddingsRequest, embeddingsReply } from './sandbox-embeddings.ts'
import { ImagesRequest, imagesReply } from './sandbox-images.ts'
import { MessagesRequest, messagesReply } from './sandbox-messages.ts'
import { ResponsesRequest, responsesReply } from './sandbox-responses.ts'
import { SpeechRequest, speechReply } from './sandbox-speech.ts'
import { TranscriptionRequest, transcriptionReply } from './sandbox-transcriptions.ts'
import type { Frame, Reply } from './sandbox-words.ts'

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

type Path = (body: unknown, now: number) => Reply | z.core.$ZodIssue | Promise<Reply>

/** What a path takes and answers. */
function path<S extends z.ZodType>(
  request: S,
  reply: (request: z.output<S>, now: number) => Reply | Promise<Reply>,
): Path {
  return (body, now) => {
    const parsed = request.safeParse(body)
    if (parsed.success) return reply(parsed.data, now)
    return parsed.error.issues[0] ?? { code: 'custom', path: [], message: 'The body is malformed' }
  }
}

const PATHS: Readonly<Record<string, Path>> = {
  '/v1/chat/completions': path(ChatRequest, chatReply),
  '/v1/responses': path(ResponsesRequest, responsesReply),
  '/v1/messages': path(MessagesRequest, messagesReply),
  '/v1/embeddings': path(EmbeddingsRequest, embeddingsReply),
  '/v1/images/generations': path(ImagesRequest, imagesReply),
  '/v1/audio/speech': path(SpeechRequest, speechReply),
  '/v1/audio/transcriptions': path(TranscriptionRequest, transcriptionReply),
}

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
  const answer = request.method === 'POST' ? PATHS[request.url ?? ''] : undefined
  if (!answer) return refuse(response, 404, 'unknown_url', `${request.method} ${request.url} is not known here`)
  const raw = await bytesOf(request)
  if (raw === null) return refuse(response, 413, 'too_large', 'The body is too large')
  const reply = await answer(await bodyOf(request, raw), settings.clock())
  if ('json' in reply) json(response, 200, reply.json)
  else if ('bytes' in reply) response.writeHead(200, { 'content-type': reply.type }).end(reply.bytes)
  else if ('frames' in reply) await stream(response, reply.frames, settings.tokenMs)
  else refuse(response, 400, 'invalid_request', reply.message, reply.path.join('.'))
}

async function stream(response: ServerResponse, frames: Iterable<Frame>, tokenMs: number): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  try {
    for (const { text, word } of frames) {
      if (word && tokenMs > 0) await sleep(tokenMs, undefined, { signal: gone.signal })
      if (!response.write(text)) await once(response, 'drain', { signal: gone.signal })
    }
    response.end()
  } catch (cause) {
    if (!gone.signal.aborted) throw cause // a caller who hung up is no fault
  }
}

// --- HTTP -------------------------------------------------------------------------------------------------------------

async function bytesOf(request: IncomingMessage): Promise<Buffer | null> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request) {
    size += piece.length
    if (size > BODY_LIMIT) return null
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

async function bodyOf({ headers }: IncomingMessage, raw: Buffer): Promise<unknown> {
  const type = headers['content-type'] ?? ''
  return type.startsWith('multipart/') ? readForm(type, raw).catch(() => undefined) : jsonOf(raw)
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
