// The ear that waits for the browser to come back from sign-in (RFC 8252, section 7.3).
// owns: one HTTP listener on 127.0.0.1, for one answer, for five minutes. never: a secret in a page it shows.
// always true: only GET of the exact path, for the exact host, that the caller recognises as its own, is taken - and it
// is taken once; everything else is told so and changes nothing.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { say } from './words.ts'

export const RETURN_PATH = '/callback'
const LIFE_MS = 5 * 60_000

/** The browser's return, still waiting for the page it will be shown. */
export type Arrival = { url: URL; tell: (sentence: string) => void }
export type Listener = {
  redirectUri: string
  /** Settles with the one arrival, or with null when time is up or the listener was closed. */
  arrival: Promise<Arrival | null>
  close: () => void
}

/** Starts listening on a free port. @param recognises whether a return belongs to this sign-in (state, issuer) */
export async function listenForReturn(recognises: (url: URL) => boolean): Promise<Listener> {
  const { promise: arrival, resolve } = Promise.withResolvers<Arrival | null>()
  let taken = false
  const server = createServer({ maxHeaderSize: 16_384, requestTimeout: 10_000 }, (request, response) => {
    const url = acceptable(request, port)
    if (!url) return tell(response, 404, say('There is nothing here.'))
    if (taken) return tell(response, 410, say('This sign-in has already been answered. You can close this page.'))
    if (!recognises(url)) return tell(response, 400, say('This is not the sign-in that was started. It was ignored.'))
    taken = true
    resolve({
      url,
      tell(sentence) {
        tell(response, 200, sentence)
        server.close()
      },
    })
  })
  server.maxConnections = 16
  await new Promise<void>((listening, failed) => server.once('error', failed).listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  const close = () => {
    clearTimeout(timer)
    resolve(null)
    server.close()
    if (!taken) server.closeAllConnections()
  }
  const timer = setTimeout(close, LIFE_MS)
  timer.unref()
  return { redirectUri: `http://127.0.0.1:${port}${RETURN_PATH}`, arrival, close }
}

/** The request's URL if it is GET, for this host and exactly this path; else null. A Host check stops DNS rebinding. */
function acceptable(request: IncomingMessage, port: number): URL | null {
  const host = `127.0.0.1:${port}`
  if (request.method !== 'GET' || request.headers.host !== host) return null
  const url = URL.parse(request.url ?? '', `http://${host}`)
  return url?.host === host && request.url?.startsWith(`${RETURN_PATH}?`) ? url : null
}

function tell(response: ServerResponse, status: number, sentence: string): void {
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Quota Wallet</title><p>${sentence}</p></html>`
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    connection: 'close',
  })
  response.end(page)
}
