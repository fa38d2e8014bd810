// quota:// links, and what the shell holds for the page until it asks.
// owns: which links are understood, and what waits for the page. never: codes, tokens or addresses from a link.
// always true: any program can send a link, so a link does two things at most - it brings the window to the front and
// leaves an opaque id, which the page takes by itself.

import { LINK_SCHEME } from './settings.ts'

const LINK_LENGTH_MAX = 2048
const WAITING_MAX = 16
const KINDS = new Set(['request', 'topup'])
const ID = /^[A-Za-z0-9_-]{1,64}$/

/**
 * Reads a link.
 * @returns "request:{id}" or "topup:{id}"; '' for a link of ours that only brings the window up; null when it is none
 */
export function readLink(text: string): string | null {
  if (text.length > LINK_LENGTH_MAX || !text.toLowerCase().startsWith(`${LINK_SCHEME}://`)) return null
  const url = URL.parse(text)
  if (!url) return null
  const id = url.pathname.slice(1)
  const plain = !url.search && !url.hash && !url.username && !url.port
  return plain && KINDS.has(url.hostname) && ID.test(id) ? `${url.hostname}:${id}` : ''
}

/** The first argument of a command line that is a link of ours. @returns as readLink; null when there is none */
export function linkInArguments(argv: readonly string[]): string | null {
  for (const argument of argv) {
    const link = readLink(argument)
    if (link !== null) return link
  }
  return null
}

export type Returns = { put: (value: string) => void; take: () => string | null; clear: () => void }

/**
 * Holds what was left for the page, oldest first and each once; when it is full, the oldest goes.
 * @param nudge tells the page that something waits
 */
export function createReturns(nudge: () => void): Returns {
  const waiting: string[] = []
  return {
    put(value) {
      if (!waiting.includes(value)) waiting.push(value)
      if (waiting.length > WAITING_MAX) waiting.shift()
      nudge()
    },
    take: () => waiting.shift() ?? null,
    clear: () => void waiting.splice(0),
  }
}
