// Chromium, and the DevTools protocol over a pipe.
// owns: the child process and the matching of answers to calls. never: knowledge of windows or Electron.
// always true: Chromium ends when the pipe closes, so a killed main process leaves none behind.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'

export type Params = Record<string, unknown>
// biome-ignore lint/suspicious/noExplicitAny: answers of the DevTools protocol; its shapes are Chromium's, not ours
export type Answer = any
export type EventListener = (method: string, params: Answer) => void
export type Devtools = {
  child: ChildProcess
  send: (method: string, params?: Params, sessionId?: string) => Promise<Answer>
  /** Listens to one session's events; '' is the browser itself. */
  on: (sessionId: string, listener: EventListener) => void
  off: (sessionId: string) => void
}

/** An answer that never came or said no, because the page or browser went away: expected while closing. */
export class DevtoolsError extends Error {
  override name = 'DevtoolsError'
}

const LOG_KEPT = 4000
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

/** Starts Chromium. @param port what the test runner asked for; Chromium's own line about it is passed on to it */
export function startChromium(options: { profile: string; port: string | null; switches: string[] }): Devtools {
  mkdirSync(options.profile, { recursive: true })
  const port = options.port === null ? [] : [`--remote-debugging-port=${options.port}`]
  const command = process.env.QUOTA_CHROMIUM || '/usr/bin/chromium'
  const child = spawn(command, [...ALWAYS, ...port, `--user-data-dir=${options.profile}`, ...options.switches], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  })
  child.once('error', (error) => {
    console.error(`electron stand-in: ${command} does not start (${error.message}); set QUOTA_CHROMIUM`)
    process.exit(1)
  })
  let log = ''
  child.stderr!.on('data', (data: Buffer) => {
    log = (log + data).slice(-LOG_KEPT)
    const line = /DevTools listening on ws:\S+/.exec(String(data))
    if (line) process.stderr.write(`${line[0]}\n`)
  })
  child.once('exit', (code) => {
    if (code) process.stderr.write(`chromium exited with ${code}\n${log}`)
  })
  return connect(child)
}

function connect(child: ChildProcess): Devtools {
  const outgoing = child.stdio[3] as Writable
  const incoming = child.stdio[4] as Readable
  const pending = new Map<
    number,
    { method: string; resolve: (value: Answer) => void; reject: (error: Error) => void }
  >()
  const listeners = new Map<string, EventListener>()
  let lastId = 0
  let closed = false
  const receive = (message: Answer) => {
    if (message.id === undefined) return listeners.get(message.sessionId ?? '')?.(message.method, message.params)
    const call = pending.get(message.id)
    pending.delete(message.id)
    if (message.error) call?.reject(new DevtoolsError(`${call.method}: ${message.error.message}`))
    else call?.resolve(message.result)
  }
  const close = () => {
    closed = true
    for (const call of pending.values()) call.reject(new DevtoolsError('the browser is closed'))
    pending.clear()
  }
  let rest = ''
  incoming.setEncoding('utf8')
  incoming.on('data', (data: string) => {
    const messages = (rest + data).split('\0')
    rest = messages.pop() ?? ''
    for (const message of messages) receive(JSON.parse(message))
  })
  incoming.on('close', close)
  outgoing.on('error', close)
  return {
    child,
    on: (sessionId, listener) => void listeners.set(sessionId, listener),
    off: (sessionId) => void listeners.delete(sessionId),
    send(method, params = {}, sessionId) {
      if (closed) return Promise.reject(new DevtoolsError('the browser is closed'))
      const id = ++lastId
      const { promise, resolve, reject } = Promise.withResolvers<Answer>()
      pending.set(id, { method, resolve, reject })
      outgoing.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
      return promise
    },
  }
}
