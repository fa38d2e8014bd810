// The two scripts that run in a window before any of its page's own.
// owns: what a sandboxed preload finds (require, process, ipcRenderer), and what the page finds (the exposed members,
// window.open). never: Node in either. always true: both run in the top frame alone, as with nodeIntegrationInSubFrames
// off; each is made from function sources, so a function here uses its parameters and the page's globals, nothing else.

import { makeBridge } from './bridge.ts'
import { makeCodec } from './codec.ts'

/** The isolated world's name; the binding to the main process exists there alone. */
export const WORLD = 'Electron Isolated Context'
export const BINDING = '__standinSend'
export const RECEIVER = '__standinReceive'

export type PreloadConfig = {
  preload: string
  platform: string
  arch: string
  versions: Record<string, string | undefined>
  argv: string[]
}
type Bridge = ReturnType<typeof makeBridge>
type Codec = ReturnType<typeof makeCodec>
type Module = { exports: unknown }
type Preload = (require: (id: string) => unknown, module: Module, exports: unknown, process: unknown) => void

/** Builds both scripts for one window. @param secret unguessable by the page @param source the preload's text */
export function worldScripts(secret: string, config: PreloadConfig, source: string): { page: string; preload: string } {
  const top = 'if (window.top !== window) return'
  const preload = `function (require, module, exports, process) {${source}\n}`
  const names = JSON.stringify({ binding: BINDING, receiver: RECEIVER })
  return {
    page: `(() => { ${top}\n${makeBridge}\n(${pageWorld})(makeBridge('${secret}', 'page', 'preload')) })()`,
    preload:
      `(() => { ${top}\n${makeBridge}\n${makeCodec}\n${preloadWorld}\n` +
      `preloadWorld(makeBridge('${secret}', 'preload', 'page'), makeCodec(), ${names}, ${JSON.stringify(config)}, ${preload}) })()\n` +
      `//# sourceURL=${config.preload || 'preload'}`,
  }
}

/** In the page's world: exposed members, frozen; window.open and new-tab clicks, answered by the main process's handler. */
function pageWorld(bridge: Bridge): void {
  const freeze = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
    for (const item of Object.values(Object.freeze(value))) freeze(item)
    return value
  }
  bridge.onExpose((key, api) => {
    Object.defineProperty(window, key, { value: freeze(api), enumerable: true, configurable: false, writable: false })
  })
  const FIRST_FUNCTION = 1
  const ask = (url: string | URL, frameName: string, features: string) =>
    bridge.post({ call: FIRST_FUNCTION, args: [String(new URL(url, document.baseURI)), frameName, features] })
  window.open = (url = 'about:blank', frameName = '', features = '') => {
    ask(url, frameName, features)
    return null
  }
  window.addEventListener('click', (event) => {
    const link = event.composedPath().find((node) => node instanceof HTMLAnchorElement)
    if (event.defaultPrevented || !link?.href) return
    if (link.target !== '_blank' && !event.ctrlKey && !event.metaKey && !event.shiftKey) return
    event.preventDefault()
    ask(link.href, '', '')
  })
}

/** In the isolated world: what a sandboxed preload may require, then the preload itself. */
function preloadWorld(
  bridge: Bridge,
  codec: Codec,
  names: { binding: string; receiver: string },
  config: PreloadConfig,
  preload: Preload,
): void {
  type Listener = (...args: unknown[]) => void
  const world = globalThis as unknown as Record<string, unknown>
  const binding = world[names.binding] as (text: string) => void
  const send = (message: object) => binding(JSON.stringify(message))
  const missing = (what: string) => () => {
    throw new Error(`electron stand-in: ${what} is not implemented`)
  }
  const listeners = new Map<string, Listener[]>()
  const pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  let last = 0

  const ipcRenderer = {
    on(channel: string, listener: Listener) {
      listeners.set(channel, [...(listeners.get(channel) ?? []), listener])
      return ipcRenderer
    },
    off(channel: string, listener: Listener) {
      listeners.set(
        channel,
        (listeners.get(channel) ?? []).filter((one) => one !== listener),
      )
      return ipcRenderer
    },
    send: (channel: string, ...args: unknown[]) => send({ kind: 'send', channel, args: codec.encode(args) }),
    invoke(channel: string, ...args: unknown[]) {
      const id = ++last
      const encoded = codec.encode(args)
      return new Promise((resolve, reject) => {
        pending.set(id, { resolve, reject })
        send({ kind: 'invoke', id, channel, args: encoded })
      })
    },
    once: missing('ipcRenderer.once'),
    sendSync: missing('ipcRenderer.sendSync'),
    postMessage: missing('ipcRenderer.postMessage'),
  }
  world[names.receiver] = (message: {
    kind: string
    channel: string
    args: string
    id: number
    value?: string
    error?: string
  }) => {
    if (message.kind === 'send') {
      const event = { sender: ipcRenderer, ports: [] }
      for (const listener of listeners.get(message.channel) ?? [])
        listener(event, ...(codec.decode(message.args) as unknown[]))
      return
    }
    const call = pending.get(message.id)
    pending.delete(message.id)
    if (message.error === undefined) call?.resolve(codec.decode(message.value!))
    else call?.reject(new Error(message.error))
  }
  // The bridge's first function; the page's world calls it by that number.
  bridge.pack((url: string, frameName: string, features: string) => send({ kind: 'open', url, frameName, features }))

  const exposed = new Set<string>()
  const contextBridge = {
    exposeInMainWorld(key: string, api: unknown) {
      if (exposed.has(key)) throw new Error('Cannot bind an API on top of an existing property on the window object')
      exposed.add(key)
      bridge.post({ expose: key, api: bridge.pack(api) })
    },
    exposeInIsolatedWorld: missing('contextBridge.exposeInIsolatedWorld'),
  }
  const electron = { contextBridge, ipcRenderer }
  const modules: Record<string, unknown> = { electron, 'electron/renderer': electron }
  const require = (id: string) => modules[id] ?? missing(`require('${id}') in a sandboxed preload`)()
  const process = { ...config, type: 'renderer', sandboxed: true, contextIsolated: true, env: {} }
  const module: Module = { exports: {} }
  try {
    preload(require, module, module.exports, process)
  } catch (error) {
    console.error(`Unable to load preload script: ${config.preload}`, error)
    send({ kind: 'preload-error', message: String(error instanceof Error ? error.message : error) })
  }
}
