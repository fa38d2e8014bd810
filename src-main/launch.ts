// `npm start` and `npm run demo`: brings up the server, builds the wallet when needed, and opens it.
// owns: the child processes and their end. never: money, and no import from server/ (it only starts that program).
// always true: when this process ends, every process it started has ended.

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { buildIfStale, electronBinary } from './built.ts'

const ROOT = join(import.meta.dirname, '..')
const BIN = join(ROOT, 'node_modules/.bin')
const READY_TIMEOUT_MS = 30_000
const END_TIMEOUT_MS = 15_000

const HELP = `npm start              the wallet, with its server in sandbox mode on this machine
npm run demo           the same, and a third-party chat app that spends from it

  --demo      also start examples/chat
  --no-open   start the servers, print where they are, open nothing
  --browser   open the wallet in the browser even where Electron is present`

const children: { name: string; child: ChildProcess }[] = []
let ending = false

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      demo: { type: 'boolean', default: false },
      'no-open': { type: 'boolean', default: false },
      browser: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return say(HELP)
  process.on('SIGINT', () => void end(0))
  process.on('SIGTERM', () => void end(0))

  const port = Number(process.env.QUOTA_PORT ?? 7070)
  const chatPort = Number(process.env.QUOTA_CHAT_PORT ?? 7080)
  await mustBeFree(port, 'QUOTA_PORT')
  if (values.demo) await mustBeFree(chatPort, 'QUOTA_CHAT_PORT')
  buildIfStale(say)

  const host = process.env.QUOTA_HOST ?? '127.0.0.1'
  const url = process.env.QUOTA_PUBLIC_URL ?? `http://${host}:${port}`
  const dataDir = process.env.QUOTA_DATA_DIR ?? join(ROOT, 'data')
  start('the server', process.execPath, ['server/main.ts'], { QUOTA_DATA_DIR: dataDir, QUOTA_PORT: String(port) })
  await ready('the server', `http://${reachable(host)}:${port}/healthz`)
  say(`server   ${url}  (data in ${dataDir})`)
  if (values.demo) {
    start('the chat app', process.execPath, ['examples/chat/server.ts'], { QUOTA_URL: url, PORT: String(chatPort) })
    await ready('the chat app', `http://127.0.0.1:${chatPort}/`)
    say(`chat app http://127.0.0.1:${chatPort}`)
  }
  if (values['no-open']) say(`wallet   ${url}/wallet`)
  else openWallet(url, values.browser)
  say('Ctrl-C ends everything.')
}

// --- processes ----------------------------------------------------------------------------------------------------

function environment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH ?? ''}`, ...extra }
}

/** Starts a program that has to live as long as this one; when it ends by itself, everything ends. */
function start(name: string, command: string, args: string[], extra: Record<string, string> = {}): void {
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], env: environment(extra) })
  children.push({ name, child })
  let said = '' // its log is kept to itself, unless it ends unasked
  child.stdout?.on('data', (piece) => {
    said = (said + piece).slice(-4000)
  })
  child.stderr?.pipe(process.stderr)
  child.once('exit', (code, signal) => {
    if (!ending) void fail(`${said}\n${name} ended by itself (${signal ?? `code ${code}`}).`)
  })
}

async function ready(name: string, url: string): Promise<void> {
  const until = performance.now() + READY_TIMEOUT_MS
  while (!ending) {
    const up = await fetch(url).then(
      (reply) => reply.status < 500,
      () => false,
    )
    if (up) return
    if (performance.now() > until)
      await fail(`${name} did not answer at ${url} within ${READY_TIMEOUT_MS / 1000} seconds.`)
    await sleep(50)
  }
}

async function fail(message: string): Promise<never> {
  process.stderr.write(`${message}\n`)
  return await end(1)
}

/** Ends all children, waits for them, and leaves. */
async function end(code: number): Promise<never> {
  if (!ending) {
    ending = true
    const living = children.filter(({ child }) => child.exitCode === null && child.signalCode === null)
    const gone = living.map(({ child }) => new Promise((resolve) => child.once('exit', resolve)))
    for (const { child } of living) child.kill('SIGTERM')
    await Promise.race([Promise.all(gone), sleep(END_TIMEOUT_MS)])
    for (const { child } of living) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    process.exit(code)
  }
  return await new Promise<never>(() => {})
}

async function mustBeFree(port: number, setting: string): Promise<void> {
  const probe = createServer()
  const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
    probe.once('error', resolve)
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(null)))
  })
  if (!error) return
  const why =
    error.code === 'EADDRINUSE' ? 'is in use (is Quota Wallet running already?)' : `cannot be used (${error.code})`
  await fail(`Port ${port} ${why}. Choose another: ${setting}=${port + 100} npm start`)
}

function reachable(host: string): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
}

// --- the window ---------------------------------------------------------------------------------------------------

function openWallet(url: string, browserOnly: boolean): void {
  const electron = browserOnly ? null : electronBinary()
  if (!electron) return openBrowser(url, browserOnly ? '' : 'Electron’s binary is not here, so ')
  say('wallet   in its own window')
  const child = spawn(electron, [ROOT], { cwd: ROOT, stdio: 'inherit', env: environment({ QUOTA_SERVER_URL: url }) })
  children.push({ name: 'the wallet', child })
  child.once('error', () => openBrowser(url, 'Electron could not be started, so '))
  child.once('exit', (code) => {
    if (code === 0) void end(0)
    else if (!ending) openBrowser(url, `Electron ended with code ${code}, so `)
  })
}

/** Opens the system's browser where there is one to be seen; never fails, the address is printed in any case. */
function openBrowser(url: string, why: string): void {
  const wallet = `${url}/wallet`
  const opener = browserOpener(wallet)
  if (!opener) {
    say(`wallet   ${why}open this in a browser: ${wallet}`)
    return
  }
  say(`wallet   ${why}the wallet opens in your browser: ${wallet}`)
  const child = spawn(opener[0], opener[1], { stdio: 'ignore', detached: true })
  child.once('error', () => say(`wallet   no browser could be started; open ${wallet} yourself`))
  child.unref()
}

function browserOpener(url: string): [string, string[]] | null {
  if (process.platform === 'darwin') return ['open', [url]]
  if (process.platform === 'win32') return ['cmd', ['/c', 'start', '', url]]
  const display = process.env.DISPLAY || process.env.WAYLAND_DISPLAY || process.env.WSL_DISTRO_NAME
  const found = (process.env.PATH ?? '').split(delimiter).some((dir) => existsSync(join(dir, 'xdg-open')))
  return display && found ? ['xdg-open', [url]] : null
}

await main().catch((error) => fail(error instanceof Error ? error.message : String(error)))
