// The way out to developers' webhooks.
// owns: which addresses may be posted to, looked at when they are given and again when they are connected to. never: what
// is sent, a second try.
// always true: only public addresses are connected to, by the one resolution that was looked at; no redirect is followed;
// few seconds are spent, and nothing of the answer is kept but its status.

import { promises as dns } from 'node:dns'
import { isIP } from 'node:net'
import { Agent, request } from 'undici'
import { type Address, guarded, isPublic, type Ways } from './domain-proofs.ts'
import { fault } from './faults.ts'

const CONNECT_MS = 5000
const TOTAL_MS = 15_000
const ANSWER_BYTES = 65_536
const URL_MAX = 2000
const LOCAL = /(^|\.)(localhost|local|internal|intranet|private|corp|home|lan|arpa|onion|invalid|test|example)\.?$/

export type WebhookPost = {
  /** Refuses an address that may not be posted to. @throws Fault `url_not_allowed`, naming the field `url` */
  check(url: string): Promise<void>
  /** Posts once. @returns the status that was answered. @throws Error when none was */
  post(url: string, headers: Record<string, string>, body: string): Promise<number>
}

export type PostWays = Pick<Ways, 'resolve' | 'allowed' | 'totalMs'> & {
  /** Also http on this machine, at any port: for developing, in the sandbox. */
  local?: boolean
}

/** The real way out; tests put other ways in. */
export function webhookPost(ways: PostWays = {}): WebhookPost {
  const allowed = ways.allowed ?? isPublic
  const resolve = ways.resolve ?? ((host: string): Promise<readonly Address[]> => dns.lookup(host, { all: true }))
  return {
    check: async (text) => {
      const url = checkedUrl(text, ways.local === true)
      if (isLocal(url)) return
      const host = hostOf(url)
      const found = isIP(host) ? [{ address: host, family: 4 }] : await resolve(host).catch(() => [])
      if (found.length === 0) throw refused('does not resolve.')
      if (!found.every(({ address }) => allowed(address))) throw refused('is not a public address.')
    },
    post: async (text, headers, body) => {
      const url = checkedUrl(text, ways.local === true)
      const host = hostOf(url)
      if (isIP(host) && !isLocal(url) && !allowed(host)) throw new Error('not a public address')
      const here = isLocal(url) ? { resolve: loopback, allowed: () => true } : { resolve, allowed }
      const agent = new Agent({
        connect: { lookup: guarded(here), timeout: CONNECT_MS },
        connections: 1,
        maxResponseSize: ANSWER_BYTES,
        maxHeaderSize: 16_384,
      })
      try {
        const signal = AbortSignal.timeout(ways.totalMs ?? TOTAL_MS)
        const answer = await request(url, { method: 'POST', dispatcher: agent, headers, body, signal })
        answer.body.on('error', () => undefined).destroy()
        return answer.statusCode
      } finally {
        await agent.destroy()
      }
    },
  }
}

/** An address in the one form that everybody reads alike. @throws Fault `url_not_allowed` */
function checkedUrl(text: string, local: boolean): URL {
  if (
    text.length > URL_MAX ||
    !/^https?:\/\/[^/]/.test(text) ||
    !/^[\x21-\x7e]+$/.test(text) ||
    /[\\"<>^`{|}#]/.test(text)
  )
    throw refused('an https address, without spaces and without a fragment.')
  const url = URL.parse(text)
  if (url?.username !== '' || url.password !== '' || /^[^/]*\/\/[^/?]*@/.test(text)) throw refused('is malformed.')
  if (local && isLocal(url)) return url
  if (url.protocol !== 'https:') throw refused('must be https.')
  if (url.port !== '') throw refused('must be at the port of https.')
  if (LOCAL.test(url.hostname) || (!url.hostname.includes('.') && !isIP(hostOf(url))))
    throw refused('is not a public address.')
  return url
}

function isLocal({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && (hostname === '127.0.0.1' || hostname === 'localhost')
}

async function loopback(): Promise<readonly Address[]> {
  return [{ address: '127.0.0.1', family: 4 }]
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}

function refused(why: string) {
  return fault('url_not_allowed', { message: `url: ${why}`, param: 'url' })
}
