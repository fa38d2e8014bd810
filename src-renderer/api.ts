// Talking to the server.
// owns: one request with its credential, one kind of failure. never: retries, storage, the cookie of the consent page.
// always true: every failure of a call here is an ApiFailure with a code a person's sentence can be chosen by.

import { ErrorBody } from '../server/contract/faults.ts'
import type { Shell } from '../server/contract/shell.ts'
import { hearDate } from './clock.ts'
import { fromServer } from './server-words.ts'
import { say } from './words.ts'

export type Api = {
  readonly origin: string
  /** GET with the wallet's token; JSON of unknown shape. */
  get(path: string, signal?: AbortSignal): Promise<unknown>
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<unknown>
  put(path: string, body: unknown): Promise<unknown>
  patch(path: string, body: unknown): Promise<unknown>
  remove(path: string): Promise<unknown>
  /** GET of a file, whole. */
  file(path: string): Promise<Blob>
  /** GET of a public document, without a credential. */
  open(path: string): Promise<unknown>
  stream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>
}

/** `offline`: no answer. `unauthorized`: no valid token. Otherwise the server's own code. */
export class ApiFailure extends Error {
  readonly code: string
  readonly status: number
  readonly details: Record<string, unknown> | null

  constructor(code: string, message: string, status = 0, details: Record<string, unknown> | null = null) {
    super(message)
    this.code = code
    this.status = status
    this.details = details
  }
}

const TIMEOUT_MS = 30_000

/** Builds the wallet's view of the server behind `shell`. */
export async function connectApi(shell: Shell): Promise<Api> {
  const origin = await shell.apiOrigin()

  const authorised = async (path: string, init: RequestInit): Promise<Response> => {
    const token = await tokenOf(shell)
    const send = (bearer: string) => {
      const headers = new Headers(init.headers)
      headers.set('authorization', `Bearer ${bearer}`)
      return answerOf(`${origin}${path}`, { ...init, headers, credentials: 'omit' })
    }
    try {
      return await send(token)
    } catch (error) {
      if (!(error instanceof ApiFailure) || error.code !== 'unauthorized') throw error
      const next = await tokenOf(shell)
      if (next === token) throw error
      return send(next)
    }
  }

  const send = async (method: string, path: string, body: unknown, headers?: Record<string, string>) => {
    const init = {
      method,
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    }
    return json(await authorised(path, withTimeout(init)))
  }

  return {
    origin,
    get: async (path, signal) => json(await authorised(path, withTimeout(signal ? { signal } : {}))),
    post: (path, body, headers) => send('POST', path, body, headers),
    put: (path, body) => send('PUT', path, body),
    patch: (path, body) => send('PATCH', path, body),
    remove: (path) => send('DELETE', path, undefined),
    file: async (path) => whole((await authorised(path, withTimeout({}))).blob()),
    open: async (path) => json(await answerOf(`${origin}${path}`, withTimeout({ credentials: 'omit' }))),
    async stream(path, signal) {
      const answer = await authorised(path, { signal, headers: { accept: 'text/event-stream' }, cache: 'no-store' })
      if (!answer.body) throw new ApiFailure('offline', 'The stream has no body.')
      return answer.body
    },
  }
}

/** One request of a page of the server's own origin, carried by the session cookie and marked against CSRF. */
export async function ownPage(path: string, body?: unknown, method = 'POST'): Promise<unknown> {
  const headers: Record<string, string> = { 'x-quota-wallet': '1' }
  const init: RequestInit = { credentials: 'same-origin', headers }
  if (body !== undefined) {
    headers['content-type'] = 'application/json'
    init.method = method
    init.body = JSON.stringify(body)
  }
  return json(await answerOf(path, withTimeout(init)))
}

async function tokenOf(shell: Shell): Promise<string> {
  let token: string | null
  try {
    token = await shell.accessToken()
  } catch (error) {
    throw new ApiFailure(
      'offline',
      error instanceof Error ? fromServer(error.message) : say('The server cannot be reached.'),
    )
  }
  if (token === null) throw new ApiFailure('unauthorized', say('You are signed out.'), 401)
  return token
}

function withTimeout(init: RequestInit): RequestInit {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  return { ...init, cache: 'no-store', signal: init.signal ? AbortSignal.any([init.signal, timeout]) : timeout }
}

async function answerOf(url: string, init: RequestInit): Promise<Response> {
  let answer: Response
  const askedAt = Date.now()
  try {
    answer = await fetch(url, init)
  } catch {
    // What the browser says of it ("Failed to fetch") is not for people, and is the same for every cause.
    throw new ApiFailure('offline', say('The server cannot be reached. Check your connection and try again.'))
  }
  hearDate(answer.headers.get('date'), askedAt)
  if (answer.ok) return answer
  throw await failureOf(answer)
}

async function failureOf(answer: Response): Promise<ApiFailure> {
  const body = ErrorBody.safeParse(await answer.json().catch(() => null))
  const error = body.success ? body.data.error : null
  const bearerRefused =
    answer.status === 401 && (!error || /^(unauthorized|invalid_token|invalid_api_key)$/.test(error.code))
  const code = bearerRefused ? 'unauthorized' : (error?.code ?? 'internal_error')
  const message = error ? fromServer(error.message) : say('The server answered {status}.', { status: answer.status })
  return new ApiFailure(code, message, answer.status, error?.details)
}

/** A body that ends early or is not JSON counts as no answer: nothing of it is used. */
const json = (answer: Response): Promise<unknown> => whole(answer.json())

async function whole<T>(body: Promise<T>): Promise<T> {
  try {
    return await body
  } catch {
    throw new ApiFailure('offline', say('The answer was cut short.'))
  }
}
