// BrowserWindow: the frame around a web contents.
// owns: a rectangle, a few states and the order of closing. never: pixels - Chromium runs without a screen.
// always true: the last window that closes tells the app, which quits unless the program listens.

import { EventEmitter } from 'node:events'
import { app } from './application.ts'
import { WebContents, type WebPreferences } from './contents.ts'
import { loudClass } from './loud.ts'
import { nextId, preventable, runtime } from './runtime.ts'

type Bounds = { x: number; y: number; width: number; height: number }
type Options = Partial<Bounds> & { show?: boolean; title?: string; webPreferences?: WebPreferences }

export class BrowserWindow extends EventEmitter {
  readonly id = nextId()
  readonly webContents: WebContents
  #bounds: Bounds
  #title: string
  #isVisible: boolean
  #isFocused = false
  #isMinimized = false
  #isMaximized = false
  #isPainted = false
  #isDestroyed = false

  constructor({ x = 0, y = 0, width = 800, height = 600, show = true, title, webPreferences = {} }: Options = {}) {
    super()
    if (!app.isReady()) throw new Error('Cannot create BrowserWindow before app is ready')
    this.#bounds = { x, y, width, height }
    this.#isVisible = show
    this.#title = title ?? app.getName()
    this.webContents = new WebContents(webPreferences, this, { width, height })
    runtime.windows.add(this)
    app.emit('browser-window-created', {}, this)
    app.emit('web-contents-created', {}, this.webContents)
  }

  loadURL(url: string): Promise<void> {
    return this.webContents.loadURL(url)
  }

  // --- states

  show(): void {
    this.#isVisible = true
    this.emit('show')
  }
  hide(): void {
    this.#isVisible = false
    this.emit('hide')
  }
  focus(): void {
    for (const window of runtime.windows) window.#isFocused = window === this
    this.emit('focus')
  }
  minimize(): void {
    this.#isMinimized = true
    this.emit('minimize')
  }
  restore(): void {
    this.#isMinimized = false
    this.emit('restore')
  }
  maximize(): void {
    this.#isMaximized = true
    this.emit('maximize')
  }
  isVisible(): boolean {
    return this.#isVisible
  }
  isFocused(): boolean {
    return this.#isFocused
  }
  isMinimized(): boolean {
    return this.#isMinimized
  }
  isMaximized(): boolean {
    return this.#isMaximized
  }
  isDestroyed(): boolean {
    return this.#isDestroyed
  }
  getBounds(): Bounds {
    return { ...this.#bounds }
  }
  getNormalBounds(): Bounds {
    return this.getBounds()
  }
  setBounds(bounds: Partial<Bounds>): void {
    Object.assign(this.#bounds, bounds)
    this.emit('resize')
  }
  getTitle(): string {
    return this.#title
  }
  setTitle(title: string): void {
    this.#title = title
  }

  // --- the beginning and the end

  /** Chromium has painted for the first time. */
  paint(): void {
    if (this.#isPainted) return
    this.#isPainted = true
    this.emit('ready-to-show')
  }
  close(): void {
    if (this.mayClose()) this.destroy()
  }
  /** Asks the program's "close" listeners. */
  mayClose(): boolean {
    const event = preventable({})
    this.emit('close', event)
    return !event.defaultPrevented
  }
  destroy(): void {
    if (!this.#isDestroyed) this.webContents.destroy()
  }
  gone(): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    runtime.windows.delete(this)
    this.emit('closed')
    if (runtime.windows.size === 0) app.lastWindowClosed()
  }

  static getAllWindows(): BrowserWindow[] {
    return [...runtime.windows]
  }
  static getFocusedWindow(): BrowserWindow | null {
    return BrowserWindow.getAllWindows().find((window) => window.isFocused()) ?? null
  }
  static fromWebContents(contents: WebContents): BrowserWindow | null {
    return BrowserWindow.getAllWindows().find((window) => window.webContents === contents) ?? null
  }
  static fromId(id: number): BrowserWindow | null {
    return BrowserWindow.getAllWindows().find((window) => window.id === id) ?? null
  }
}
loudClass('BrowserWindow', BrowserWindow)
