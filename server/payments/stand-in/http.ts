// The stand-in on a socket, and as a function.
// owns: reading requests and writing answers, cut and hanging connections. never: what is answered.
// always true: it listens on loopback alone.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Asking, Ending } from './exchange.ts'

type Answering = (asking: Asking) => Promise<Ending>
export type Listening = { url: string; host: string; port: number; close(): Promise<void> }

const BODY_MAX = 1_000_000

/** Listens on 127.0.0.1. @param port 0 picks a free one */
export async function listen(answer: Answering, port = 0): Promise<Listening> {
  const server = createServer((request, response) => {
    void serve(answer, request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const { port: chosen } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${chosen}`,
    host: '127.0.0.1',
    port: chosen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The same without a socket, in the manner of `fetch`: for `Stripe.createFetchHttpClient`. */
export function asFetch(answer: Answering): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : String(input))
    const headers = Object.fromEntries(new Headers(init?.headers))
    const asking = {
      method: init?.method ?? 'GET',
      url: `${url.pathname}${url.search}`,
      headers,
      body: String(init?.body ?? ''),
    }
    const ending = await answer(asking)
    if (ending === 'reset') throw new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } })
    if (ending === 'hang') return new Promise<Response>((_, reject) => whenAborted(init?.signal, reject))
    return new Response(ending.body, { status: ending.status, headers: ending.headers })
  }
}

function whenAborted(signal: AbortSignal | null | undefined, then: (reason: unknown) => void): void {
  signal?.addEventListener('abort', () => then(signal.reason), { once: true })
}

async function serve(answer: Answering, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request)
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  )
  const ending = await answer({ method: request.method ?? 'GET', url: request.url ?? '/', headers, body })
  if (ending === 'hang') return
  if (ending === 'reset') {
    request.socket.resetAndDestroy()
    return
  }
  response.writeHead(ending.status, ending.headers).end(ending.body)
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request) {
    pieces.push(piece)
    size += piece.length
    if (size > BODY_MAX) throw new Error('the request is too large')
  }
  return Buffer.concat(pieces).toString('utf8')
}
