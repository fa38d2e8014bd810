// Which servers this program knows, and which of them it is for.
// owns: one small file under userData, and the question that an address is asked before it is kept. never: a secret, a
// token, Electron. always true: what is read from the file passes the check of what is typed; a broken file gives the default.

import { readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { SERVERS_MAX, type ServerAnswer } from '../server/contract/shell.ts'
import { defaultServer, readServer, serverOrigin, typedServer } from './addresses.ts'

const Kept = z.object({ chosen: z.string(), known: z.array(z.string()).max(SERVERS_MAX) })
type Kept = z.infer<typeof Kept>

export type Servers = {
  /** Origins; `chosen` is one of `known`. */
  list: () => Kept
  /** Keeps what a person typed, once the server there has said what it is. */
  add: (text: string) => Promise<ServerAnswer>
  /** @returns whether it is known, and therefore chosen now and at the next start */
  choose: (origin: string) => boolean
  /** @returns whether it was known and not chosen, and is forgotten */
  remove: (origin: string) => boolean
}

/**
 * Opens the list. A server named by the environment is the one this run starts with, whatever was chosen before.
 * @param file absolute path @param ask what is at an origin @throws Error when the environment names no good address
 */
export function openServers(file: string, env: Record<string, string | undefined>, ask: typeof askServer): Servers {
  const started = serverOrigin(env)
  const first = started ?? defaultServer()
  let kept = readKept(file) ?? { chosen: first, known: [first] }
  let chosen = started ?? kept.chosen
  if (!kept.known.includes(chosen)) kept = { ...kept, known: [chosen, ...kept.known].slice(0, SERVERS_MAX) }
  const keep = (change: Partial<Kept>) => {
    kept = { ...kept, ...change }
    try {
      writeFileSync(file, JSON.stringify(kept), { mode: 0o600 })
    } catch (error) {
      console.error('the list of servers could not be kept', error)
    }
  }
  return {
    list: () => ({ chosen, known: [...kept.known] }),
    async add(text) {
      const read = typedServer(text)
      if (typeof read === 'string') return read
      const { origin } = read
      if (kept.known.includes(origin)) return 'done'
      const answer = kept.known.length >= SERVERS_MAX ? 'too-many' : await ask(origin)
      if (answer === 'done' && !kept.known.includes(origin))
        keep({ known: [...kept.known, origin].slice(0, SERVERS_MAX) })
      return answer
    },
    choose(origin) {
      if (!kept.known.includes(origin)) return false
      chosen = origin
      keep({ chosen })
      return true
    },
    remove(origin) {
      if (origin === chosen || !kept.known.includes(origin)) return false
      const known = kept.known.filter((one) => one !== origin)
      keep({ known, chosen: kept.chosen === origin ? chosen : kept.chosen })
      return true
    },
  }
}

/** @returns null where no good server is kept */
function readKept(file: string): Kept | null {
  try {
    const { chosen, known } = Kept.parse(JSON.parse(readFileSync(file, 'utf8')))
    const good = known.filter((one) => originIn(one) === one)
    const [first] = good
    return first === undefined ? null : { chosen: good.includes(chosen) ? chosen : first, known: [...new Set(good)] }
  } catch {
    return null
  }
}

function originIn(text: string): string | null {
  const read = readServer(text)
  return typeof read === 'string' ? null : read.origin
}

const TIMEOUT_MS = 15_000
const LENGTH_MAX = 65_536
const Issuer = z.object({ issuer: z.string() })
const Keys = z.object({ keys: z.array(z.object({ kid: z.string() })) })

/**
 * Asks an origin two public documents of the contract: who issues sign-ins there (RFC 8414; it has to be the origin itself)
 * and the keys of its receipts, which no other kind of server has. Nothing is sent along, and no redirect is followed.
 */
export async function askServer(origin: string): Promise<ServerAnswer> {
  const init: RequestInit = {
    signal: AbortSignal.timeout(TIMEOUT_MS),
    redirect: 'manual',
    headers: { accept: 'application/json' },
  }
  const answers = await Promise.all(
    ['/.well-known/openid-configuration', '/.well-known/quota-receipts.json'].map((path) =>
      fetch(`${origin}${path}`, init).catch(whyNot),
    ),
  )
  const failed = answers.find((answer) => typeof answer === 'string')
  if (failed) return failed
  const [about, keys] = await Promise.all(answers.map((answer) => documentOf(answer as Response)))
  const issuer = Issuer.safeParse(about)
  return issuer.success && issuer.data.issuer.replace(/\/$/, '') === origin && Keys.safeParse(keys).success
    ? 'done'
    : 'no-server'
}

/** Node names what is wrong with a certificate by such codes (tls, "X509 certificate error codes"). */
function whyNot({ cause }: Error): 'untrusted' | 'unreachable' {
  const code = cause instanceof Error ? String((cause as { code?: unknown }).code) : ''
  return /CERT|VERIFY|HOSTNAME/.test(code) ? 'untrusted' : 'unreachable'
}

/** @returns null for what is no small JSON document */
async function documentOf(answer: Response): Promise<unknown> {
  if (!answer.ok || !answer.body) {
    await answer.body?.cancel().catch(() => {})
    return null
  }
  try {
    let text = ''
    const decoder = new TextDecoder()
    for await (const piece of answer.body) {
      text += decoder.decode(piece, { stream: true })
      if (text.length > LENGTH_MAX) return null // leaving the loop ends the body
    }
    return JSON.parse(text)
  } catch {
    return null
  }
}
