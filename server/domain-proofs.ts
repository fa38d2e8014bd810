// What a domain says about itself, read over the network.
// owns: the fetch of the well-known file, the TXT look-up, and where neither may go. never: what is proved by it.
// always true: only public addresses are connected to, looked at after the name was resolved, by the one resolution the
// connection uses; no redirect is followed; few bytes and few seconds are spent.

import { promises as dns } from 'node:dns'
import type { LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { Agent, request } from 'undici'

export const PROOF_FILE = '/.well-known/quota-wallet.txt'
export const PROOF_NAME = '_quota-wallet'
const MAX_BYTES = 4096
const TOTAL_MS = 8000
const DNS_MS = 3000

export type DomainProofs = {
  /** The lines of the domain's file. @throws Error when it cannot be had, or may not be asked for */
  file(domain: string): Promise<string[]>
  /** The TXT records of the domain's name for us. @throws Error */
  dns(domain: string): Promise<string[]>
}

export type Address = { address: string; family: number }
/** Ways out; those that are left out are the real ones. Tests put a scripted server at their end. */
export type Ways = {
  resolve?: (host: string) => Promise<readonly Address[]>
  resolveTxt?: (name: string) => Promise<string[][]>
  allowed?: (address: string) => boolean
  origin?: (domain: string) => string
  totalMs?: number
}

export function domainProofs(ways: Ways = {}): DomainProofs {
  const resolver = new dns.Resolver({ timeout: DNS_MS, tries: 2 })
  const resolveTxt = ways.resolveTxt ?? ((name: string) => resolver.resolveTxt(name))
  const origin = ways.origin ?? ((domain: string) => `https://${domain}`)
  return {
    file: async (domain) => {
      const agent = new Agent({
        connect: { lookup: guarded(ways), timeout: DNS_MS },
        connections: 1,
        maxResponseSize: MAX_BYTES,
        maxHeaderSize: 8192,
      })
      try {
        const { statusCode, body } = await request(`${origin(domain)}${PROOF_FILE}`, {
          dispatcher: agent,
          headers: { accept: 'text/plain', 'user-agent': 'quota-wallet' },
          signal: AbortSignal.timeout(ways.totalMs ?? TOTAL_MS),
        })
        if (statusCode !== 200) throw new Error(`status ${statusCode}`)
        return (await body.text()).split(/\r?\n/).map((line) => line.trim())
      } finally {
        await agent.destroy()
      }
    },
    dns: async (domain) => (await resolveTxt(`${PROOF_NAME}.${domain}`)).map((pieces) => pieces.join('').trim()),
  }
}

/** Whether anybody's server may stand there: not loopback, private, link-local, multicast, or a way into those. */
export function isPublic(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast'
}

/** One resolution, looked at and then connected to, so that a second answer of the name server cannot differ. */
export function guarded({ resolve, allowed = isPublic }: Ways): LookupFunction {
  const find = resolve ?? ((host: string) => dns.lookup(host, { all: true }))
  return (host, options, done) => {
    find(host).then(
      (found) => {
        const [first] = found
        if (!first || !found.every(({ address }) => allowed(address))) done(new Error('not a public address'), '', 0)
        else if (options.all) done(null, [...found])
        else done(null, first.address, first.family)
      },
      (error) => done(error, '', 0),
    )
  }
}
