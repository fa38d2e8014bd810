// Chromium, and the DevTools protocol over a pipe or a socket.
// owns: the child process, or the way into one that somebody lent, and the matching of answers to calls.
// never: knowledge of windows or Electron. always true: an own Chromium ends when the pipe closes, so a killed main
// process leaves none behind; of a lent one, every context that was made here goes with the connection.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createServer, connect as openSocket } from 'node:net'
import type { Readable, Writable } from 'node:stream'

export type Params = Record<string, unknown>
// biome-ignore lint/suspicious/noExplicitAny: answers of the DevTools protocol; its shapes are Chromium's, not ours
export type Answer = any
export type EventListener = (method: string, params: Answer) => void
export type Devtools = {
  /** Whether it was lent: then even the default session needs a browser context of its own. */
  isLent: boolean
  /** Settles when the browser, or the way to it, is gone. */
  gone: Promise<void>
  /** Ends an own browser at once; leaves a lent one. */
  kill: () => void
  send: (method: string, params?: Params, sessionId?: string) => Promise<Answer>
  /** Listens to one session's events; '' is the browser itself. */
  on: (sessionId: string, listener: EventListener) => void
  off: (sessionId: string) => void
}

/** An answer that never came or said no, because the page or browser went away: expected while closing. */
export class DevtoolsError extends Error {
  override name = 'DevtoolsError'
}

export const LISTENING = /DevTools listening on (ws:\S+)/
const LOG_KEPT = 4000
/** Chromium would forbid a mapped own scheme to be answered locally in these ways; the real one has no such mapping. */
const ALWAYS_OFF = [
  'HttpsUpgrades',
  'HttpsFirstBalancedModeAutoEnable',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'PaintHolding',
]
type ChromiumOptions = { profile: string; port: string | null; switches: string[] }
const ALWAYS = [
  '--headless=new',
  '--remote-debugging-pipe',
  '--no-startup-window',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-popup-blocking',
  '--password-store=basic',
  '--use-mock-keychain',
  // Only this machine can be reached: a test that leaves it fails here and not on a quiet network.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
]

/** The command line of a Chromium that can be driven. @param profile its folder @param switches further ones */
export function chromiumArguments({ profile, port, switches }: ChromiumOptions): string[] {
  const listen = port === null ? [] : [`--remote-debugging-port=${port}`]
  return [...ALWAYS, ...listen, `--user-data-dir=${profile}`, ...switches, `--disable-features=${ALWAYS_OFF.join(',')}`]
}

/** Starts Chromium. @param port what the test runner asked for; Chromium's own line about it is passed on to it */
export function startChromium(options: ChromiumOptions): Devtools {
  mkdirSync(options.profile, { recursive: true })
  const command = process.env.QUOTA_CHROMIUM || '/usr/bin/chromium'
  const child = spawn(command, chromiumArguments(options), { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] })
  child.once('error', (error) => {
    console.error(`electron stand-in: ${command} does not start (${error.message}); set QUOTA_CHROMIUM`)
    process.exit(1)
  })
  let log = ''
  child.stderr!.on('data', (data: Buffer) => {
    log = (log + data).slice(-LOG_KEPT)
    const line = LISTENING.exec(String(data))
    if (line) process.stderr.write(`${line[0]}\n`)
  })
  const { promise: gone, resolve } = Promise.withResolvers<void>()
  child.once('exit', (code) => {
    if (code) process.stderr.write(`chromium exited with ${code}\n${log}`)
    resolve()
  })
  const kill = () => void child.kill('SIGKILL')
  return { isLent: false, gone, kill, ...overPipe(child) }
}

/**
 * Goes into a Chromium that somebody else started and lends to one program at a time.
 * The test runner gets a door of its own beside it, which closes with this process.
 */
export async function joinChromium({ endpoint, port }: { endpoint: string; port: string | null }): Promise<Devtools> {
  const socket = new WebSocket(endpoint)
  const { promise: gone, resolve } = Promise.withResolvers<void>()
  await new Promise<void>((opened, failed) => {
    socket.addEventListener('open', () => opened(), { once: true })
    socket.addEventListener('error', () => failed(new Error(`no Chromium at ${endpoint}`)), { once: true })
  })
  const { receive, close, calls } = matching((text) => socket.send(text))
  socket.addEventListener('message', ({ data }) => receive(String(data)))
  socket.addEventListener('close', () => {
    close()
    resolve()
  })
  if (port !== null) await openDoor(endpoint, Number(port))
  return { isLent: true, gone, kill: () => socket.close(), ...calls }
}

/** A port of this process that leads to the browser's, told as Chromium itself would tell it. */
async function openDoor(endpoint: string, port: number): Promise<void> {
  const { hostname, port: inner, pathname } = new URL(endpoint)
  const door = createServer((outer) => {
    const way = openSocket(Number(inner), hostname)
    outer.pipe(way).pipe(outer)
    for (const end of [outer, way]) end.on('error', () => [outer, way].map((one) => one.destroy()))
  })
  await new Promise<void>((listening) => door.listen(port, '127.0.0.1', listening))
  door.unref()
  const { port: given } = door.address() as { port: number }
  process.stderr.write(`DevTools listening on ws://127.0.0.1:${given}${pathname}\n`)
}

/** The protocol over Chromium's third and fourth descriptor, each message ended by a zero byte. */
export function overPipe(child: ChildProcess): Pick<Devtools, 'send' | 'on' | 'off'> {
  const outgoing = child.stdio[3] as Writable
  const incoming = child.stdio[4] as Readable
  const { receive, close, calls } = matching((text) => outgoing.write(`${text}\0`))
  let rest = ''
  incoming.setEncoding('utf8')
  incoming.on('data', (data: string) => {
    const messages = (rest + data).split('\0')
    rest = messages.pop() ?? ''
    for (const message of messages) receive(message)
  })
  incoming.on('close', close)
  outgoing.on('error', close)
  return calls
}

/** Matches answers to calls and events to listeners. @param write sends one message */
function matching(write: (text: string) => void) {
  type Call = { method: string; resolve: (value: Answer) => void; reject: (error: Error) => void }
  const pending = new Map<number, Call>()
  const listeners = new Map<string, EventListener>()
  let lastId = 0
  let closed = false
  return {
    receive(text: string): void {
      const message: Answer = JSON.parse(text)
      if (message.id === undefined) {
        listeners.get(message.sessionId ?? '')?.(message.method, message.params)
        return
      }
      const call = pending.get(message.id)
      pending.delete(message.id)
      if (message.error) call?.reject(new DevtoolsError(`${call.method}: ${message.error.message}`))
      else call?.resolve(message.result)
    },
    close(): void {
      closed = true
      for (const call of pending.values()) call.reject(new DevtoolsError('the browser is closed'))
      pending.clear()
    },
    calls: {
      on: (sessionId: string, listener: EventListener) => void listeners.set(sessionId, listener),
      off: (sessionId: string) => void listeners.delete(sessionId),
      send(method: string, params: Params = {}, sessionId?: string): Promise<Answer> {
        if (closed) return Promise.reject(new DevtoolsError('the browser is closed'))
        const id = ++lastId
        const { promise, resolve, reject } = Promise.withResolvers<Answer>()
        pending.set(id, { method, resolve, reject })
        write(JSON.stringify({ id, method, params, sessionId }))
        return promise
      },
    },
  }
}
