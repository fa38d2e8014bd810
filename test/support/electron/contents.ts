// WebContents: one page target of Chromium.
// owns: its two worlds, its navigation, and the calls between preload and main process. never: the window's frame.
// always true: preferences that would weaken the page (Node, no isolation, no sandbox) are refused by name.

import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { makeCodec } from './codec.ts'
import { type Answer, DevtoolsError, type Params } from './devtools.ts'
import { invoke, ipcMain } from './ipc.ts'
import { loudClass, notImplemented } from './loud.ts'
import { decide, type Paused } from './requests.ts'
import { devtools, nextId, runtime } from './runtime.ts'
import { INTERCEPTED, originOf, toApp, toPage } from './schemes.ts'
import { type Session, session } from './sessions.ts'
import type { BrowserWindow } from './windows.ts'
import { BINDING, RECEIVER, WORLD, worldScripts } from './worlds.ts'

export type WebPreferences = Record<string, unknown> & { preload?: string; session?: Session; partition?: string }
export type OpenAnswer = { action: 'allow' | 'deny' }
type OpenHandler = (details: { url: string; frameName: string; features: string; disposition: string }) => OpenAnswer
type Said =
  | { kind: 'open'; url: string; frameName: string; features: string }
  | { kind: 'preload-error'; message: string }
  | { kind: 'send' | 'invoke'; id: number; channel: string; args: string }

/** Preferences whose other setting would need what the stand-in does not have. */
const REFUSED: Record<string, unknown> = {
  nodeIntegration: true,
  nodeIntegrationInSubFrames: true,
  nodeIntegrationInWorker: true,
  contextIsolation: false,
  sandbox: false,
  webSecurity: false,
  webviewTag: true,
}
const codec = makeCodec()

export class WebContents extends EventEmitter {
  readonly id = nextId()
  readonly session: Session
  readonly ready: Promise<void>
  targetId = ''
  #sessionId = ''
  #preferences: WebPreferences
  #owner: BrowserWindow
  #url = ''
  #isLoading = false
  #isDestroyed = false
  #preloadContext: number | null = null
  #ownLoads = new Set<string>()
  // Electron's default lets pages open windows; a program that forgets its handler shows here.
  #openHandler: OpenHandler = () => ({ action: 'allow' })

  constructor(preferences: WebPreferences, owner: BrowserWindow, size: { width: number; height: number }) {
    super()
    for (const [name, value] of Object.entries(REFUSED)) {
      if (preferences[name] === value) notImplemented(`webPreferences.${name}: ${value}`)
    }
    this.#preferences = preferences
    this.#owner = owner
    this.session =
      preferences.session ??
      (preferences.partition ? session.fromPartition(preferences.partition) : session.defaultSession)
    this.ready = this.#attach(size).catch((error) => {
      if (!this.#isDestroyed) throw error
    })
  }

  async #attach(size: { width: number; height: number }): Promise<void> {
    const browserContextId = await this.session.contextId()
    const target = { url: 'about:blank', newWindow: true, ...size, ...(browserContextId ? { browserContextId } : {}) }
    this.targetId = (await devtools().send('Target.createTarget', target)).targetId
    runtime.contents.set(this.targetId, this)
    this.#sessionId = (
      await devtools().send('Target.attachToTarget', { targetId: this.targetId, flatten: true })
    ).sessionId
    devtools().on(this.#sessionId, (method, params) => this.#onEvent(method, params))
    const { preload = '' } = this.#preferences
    const config = {
      preload,
      platform: process.platform,
      arch: process.arch,
      versions: { ...process.versions },
      argv: [process.execPath],
    }
    const scripts = worldScripts(randomBytes(8).toString('hex'), config, preload ? readFileSync(preload, 'utf8') : '')
    await this.call('Page.enable')
    await this.call('Page.setLifecycleEventsEnabled', { enabled: true })
    await this.call('Runtime.addBinding', { name: BINDING, executionContextName: WORLD })
    await this.call('Runtime.enable')
    await this.call('Fetch.enable', { patterns: INTERCEPTED })
    await this.call('Page.addScriptToEvaluateOnNewDocument', { source: scripts.page })
    await this.call('Page.addScriptToEvaluateOnNewDocument', { source: scripts.preload, worldName: WORLD })
  }

  /** One DevTools call to this page. An answer cut off by closing counts as none. */
  call(method: string, params: Params = {}): Promise<void> {
    return devtools().send(method, params, this.#sessionId)
  }

  // --- what Chromium tells

  #onEvent(method: string, params: Answer): void {
    const isMainFrame = (frameId: string) => frameId === this.targetId
    switch (method) {
      case 'Runtime.executionContextCreated': {
        const { name, id, auxData } = params.context
        if (name === WORLD && isMainFrame(auxData.frameId)) this.#preloadContext = id
        return
      }
      case 'Runtime.bindingCalled':
        if (params.name === BINDING) this.#hear(JSON.parse(params.payload)).catch(unlessClosing)
        return
      case 'Fetch.requestPaused': {
        const paused = params as Paused
        const isOwnLoad = isMainFrame(paused.frameId) && this.#ownLoads.delete(paused.request.url)
        decide(this, paused, isOwnLoad).catch(unlessClosing)
        return
      }
      case 'Page.frameNavigated':
        if (params.frame.parentId) return
        this.#url = toApp(params.frame.url)
        this.emit('did-navigate', {}, this.#url, 200, '')
        return
      case 'Page.navigatedWithinDocument':
        if (!isMainFrame(params.frameId)) return
        this.#url = toApp(params.url)
        this.emit('did-navigate-in-page', {}, this.#url, true)
        return
      case 'Page.lifecycleEvent':
        if (isMainFrame(params.frameId)) this.#onLifecycle(params.name)
        return
      case 'Inspector.targetCrashed':
        this.emit('render-process-gone', {}, { reason: 'crashed', exitCode: 1 })
    }
  }

  #onLifecycle(name: string): void {
    if (name === 'firstPaint' || name === 'load') this.#owner.paint()
    if (name === 'DOMContentLoaded') this.emit('dom-ready', {})
    if (name === 'load' && this.#url !== '' && this.#url !== 'about:blank') {
      this.#isLoading = false
      this.emit('did-finish-load', {})
    }
  }

  /** What the preload sends. */
  async #hear(said: Said): Promise<void> {
    if (said.kind === 'open') return this.ask(toApp(said.url), said.frameName, said.features)
    if (said.kind === 'preload-error') {
      this.emit('preload-error', {}, this.#preferences.preload, new Error(said.message))
      return
    }
    const event = {
      sender: this,
      senderFrame: this.mainFrame,
      frameId: 1,
      processId: this.id,
      type: 'frame',
      ports: [],
    }
    const args = codec.decode(said.args) as unknown[]
    if (said.kind === 'send') return void ipcMain.emit(said.channel, event, ...args)
    const answer = await invoke(said.channel, event, args).then(
      (value) => ({ value: codec.encode(value) }),
      (error: Error) => ({ error: error.message }),
    )
    await this.#tell({ kind: 'answer', id: said.id, ...answer })
  }

  #tell(message: object): Promise<void> {
    if (this.#isDestroyed || this.#preloadContext === null) return Promise.resolve()
    const expression = `${RECEIVER}(${JSON.stringify(message)})`
    return this.call('Runtime.evaluate', { expression, contextId: this.#preloadContext })
  }

  /** A page wants a new window: the program's handler answers. An allowed one would need what is not here. */
  ask(url: string, frameName: string, features: string): void {
    const answer = this.#openHandler({ url, frameName, features, disposition: 'foreground-tab' })
    if (answer.action === 'allow') notImplemented(`setWindowOpenHandler allowing ${url}`)
  }

  // --- Electron's members

  get mainFrame() {
    const url = this.#url
    return { url, origin: originOf(url), routingId: 1, processId: this.id, frameTreeNodeId: this.id, parent: null }
  }
  setWindowOpenHandler(handler: OpenHandler): void {
    this.#openHandler = handler
  }
  async loadURL(url: string): Promise<void> {
    await this.ready
    await this.session.applyPermissions(this, url)
    const address = new URL(toPage(url)).href
    this.#ownLoads.add(address.split('#')[0]!)
    this.#isLoading = true
    this.emit('did-start-loading')
    const loaded = new Promise<void>((resolve) => {
      for (const end of ['did-finish-load', 'destroyed']) this.once(end, () => resolve())
    })
    const answer = (await devtools().send('Page.navigate', { url: address }, this.#sessionId)) as { errorText?: string }
    this.#ownLoads.clear()
    if (answer.errorText) {
      const code = answer.errorText.replace('net::', '')
      this.emit('did-fail-load', {}, -2, answer.errorText, url, true)
      throw Object.assign(new Error(`${code} loading '${url}'`), { code, url })
    }
    await loaded
  }
  send(channel: string, ...args: unknown[]): void {
    const message = { kind: 'send', channel, args: codec.encode(args) }
    this.ready.then(() => this.#tell(message)).catch(unlessClosing)
  }
  getLastWebPreferences(): WebPreferences {
    const { session: _session, ...preferences } = this.#preferences
    return preferences
  }
  getURL(): string {
    return this.#url
  }
  isLoading(): boolean {
    return this.#isLoading
  }
  isDestroyed(): boolean {
    return this.#isDestroyed
  }
  close(): void {
    this.#owner.close()
  }

  // --- the end

  /** Closes the target. */
  async destroy(): Promise<void> {
    const gone = this.ready.then(() => devtools().send('Target.closeTarget', { targetId: this.targetId }))
    this.gone()
    await gone.catch(unlessClosing)
  }
  /** The target is closed, by us or by itself. */
  gone(): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    runtime.contents.delete(this.targetId)
    runtime.devtools?.off(this.#sessionId)
    this.emit('destroyed')
    this.#owner.gone()
  }

  static fromDevToolsTargetId(targetId: string): WebContents | undefined {
    return runtime.contents.get(targetId)
  }
  static fromId(id: number): WebContents | undefined {
    return [...runtime.contents.values()].find((contents) => contents.id === id)
  }
  static getAllWebContents(): WebContents[] {
    return [...runtime.contents.values()]
  }
}
loudClass('webContents', WebContents)

function unlessClosing(error: unknown): void {
  if (!(error instanceof DevtoolsError)) console.error(error)
}
