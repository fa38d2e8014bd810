// app: the program's life from start to exit.
// owns: readiness, paths, switches, the instance lock, and Chromium's start and end. never: windows' contents.
// always true: "ready" comes after the main module has run, and nothing is left running after exit.

import { EventEmitter } from 'node:events'
import { mkdirSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { joinChromium, startChromium } from './devtools.ts'
import { takeInstanceLock } from './instance.ts'
import { loudClass, notImplemented } from './loud.ts'
import { preventable, runtime, seen } from './runtime.ts'
import { watchStrangers } from './strangers.ts'

const EXIT_PATIENCE_MS = 3000
/** Where a Chromium is lent to this program (driver-lent.ts); without it the program starts one of its own. */
const LENT = process.env.STANDIN_CHROMIUM_ENDPOINT

class App extends EventEmitter {
  readonly isPackaged = false
  readonly commandLine = {
    appendSwitch: (name: string, value?: string) =>
      void this.#switches.push(value ? `--${name}=${value}` : `--${name}`),
    hasSwitch: (name: string) => switchOf(name) !== null,
    getSwitchValue: (name: string) => switchOf(name) ?? '',
  }
  #name = 'Electron'
  #version = '0.0.0'
  #appPath = '.'
  #paths: Record<string, string> = {}
  #switches: string[] = []
  #isQuitting = false
  #unlock: (() => void) | null = null
  #ready = Promise.withResolvers<void>()

  /** Before the main module runs. */
  boot({ appPath, manifest }: { appPath: string; manifest: Record<string, unknown> }): void {
    this.#appPath = appPath
    this.#name = String(manifest.productName ?? manifest.name ?? 'Electron')
    this.#version = String(manifest.version ?? '0.0.0')
    const folder = switchOf('user-data-dir')
    if (folder) this.setPath('userData', folder)
    runtime.userData = () => this.getPath('userData')
  }

  /** After it has run: starts Chromium and announces readiness. */
  async start(): Promise<void> {
    if (this.#isQuitting) return
    this.emit('will-finish-launching')
    const port = switchOf('remote-debugging-port')
    if (LENT && this.#switches.length > 0) notImplemented('app.commandLine.appendSwitch with a lent Chromium')
    const devtools = LENT
      ? await joinChromium({ endpoint: LENT, port })
      : startChromium({ profile: join(this.getPath('userData'), 'chromium'), port, switches: this.#switches })
    runtime.devtools = devtools
    devtools.gone.then(() => {
      if (this.#isQuitting) return
      console.error('electron stand-in: Chromium went away')
      process.exit(1)
    })
    process.on('exit', devtools.kill)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => this.quit())
    await watchStrangers(devtools)
    runtime.isReady = true
    this.emit('ready', {}, {})
    this.#ready.resolve()
  }

  isReady(): boolean {
    return runtime.isReady
  }
  whenReady(): Promise<void> {
    return this.#ready.promise
  }
  getName(): string {
    return this.#name
  }
  setName(name: string): void {
    this.#name = name
  }
  getVersion(): string {
    return this.#version
  }
  getAppPath(): string {
    return this.#appPath
  }
  getLocale(): string {
    return 'en-US'
  }
  getPath(name: string): string {
    const home = homedir()
    const config = process.env.XDG_CONFIG_HOME ?? join(home, '.config')
    const places: Record<string, string> = {
      home,
      appData: config,
      temp: tmpdir(),
      exe: process.execPath,
      userData: join(config, this.#name),
      ...this.#paths,
    }
    return places[name] ?? notImplemented(`app.getPath('${name}')`)
  }
  setPath(name: string, path: string): void {
    if (!isAbsolute(path)) throw new Error('Path must be absolute')
    mkdirSync(path, { recursive: true })
    this.#paths[name] = path
  }
  // Every window here is sandboxed (contents.ts refuses another), and Windows alone reads the model id.
  enableSandbox(): void {}
  setAppUserModelId(): void {}
  setAsDefaultProtocolClient(scheme: string): boolean {
    seen.protocols.add(scheme)
    return true
  }

  setBadgeCount(count = 0): boolean {
    seen.badge = count
    return true
  }
  // Electron's own refusal on Linux: there the call exists and does nothing, which no program should rely on.
  setLoginItemSettings({ openAtLogin = false, args = [] }: { openAtLogin?: boolean; args?: string[] }): void {
    if (process.platform === 'linux') notImplemented('app.setLoginItemSettings on Linux')
    seen.loginItem = { openAtLogin, args }
  }

  requestSingleInstanceLock(data?: unknown): boolean {
    this.#unlock ??= takeInstanceLock(this.getPath('userData'), data, ({ argv, cwd, data: sent }) =>
      this.emit('second-instance', {}, argv, cwd, sent),
    )
    return this.#unlock !== null
  }
  hasSingleInstanceLock(): boolean {
    return this.#unlock !== null
  }

  lastWindowClosed(): void {
    if (this.#isQuitting) return
    if (this.listenerCount('window-all-closed') > 0) this.emit('window-all-closed')
    else this.quit()
  }
  quit(): void {
    if (this.#isQuitting || this.#isPrevented('before-quit')) return
    const windows = [...runtime.windows]
    if (!windows.every((window) => window.mayClose())) return
    this.#isQuitting = true
    for (const window of windows) window.destroy()
    if (this.#isPrevented('will-quit')) this.#isQuitting = false
    else this.exit(0)
  }
  exit(code = 0): void {
    this.#isQuitting = true
    this.emit('quit', {}, code)
    this.#unlock?.()
    const done = () => process.exit(code)
    const { devtools } = runtime
    if (!devtools) return done()
    devtools.gone.then(done)
    setTimeout(done, EXIT_PATIENCE_MS).unref()
    if (devtools.isLent) devtools.kill()
    else devtools.send('Browser.close').catch(done)
  }
  #isPrevented(name: string): boolean {
    const event = preventable({})
    this.emit(name, event)
    return event.defaultPrevented
  }
}
loudClass('app', App)

export const app = new App()

/** A switch's value on the command line; '' when it has none, null when it is not there. */
function switchOf(name: string): string | null {
  const found = process.argv.find((argument) => argument === `--${name}` || argument.startsWith(`--${name}=`))
  return found === undefined ? null : found.slice(name.length + 3)
}
