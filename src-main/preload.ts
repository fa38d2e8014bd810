// The bridge as the page sees it: window.shell.
// owns: one frozen object. never: Node, ipcRenderer, events or tokens handed to the page.
// always true: its members are exactly those of server/contract/shell.ts. Only the names are built in (see
// electron.vite.config.ts); schemas are checked in main, where the page cannot reach them.

import { contextBridge, ipcRenderer } from 'electron'

declare const SHELL_CALL_NAMES: readonly string[]
declare const SHELL_EVENT_NAMES: readonly string[]

const listeners = new Map<string, Set<() => void>>(SHELL_EVENT_NAMES.map((name) => [name, new Set()]))

ipcRenderer.on('shell:event', (_event, name: unknown) => {
  for (const listener of listeners.get(String(name)) ?? []) listener()
})

const calls = SHELL_CALL_NAMES.map((name) => [
  name,
  (...args: unknown[]) => ipcRenderer.invoke(`shell:${name}`, ...args),
])

function on(event: string, listener: () => void): () => void {
  const set = listeners.get(event)
  if (!set || typeof listener !== 'function') throw new TypeError(`The shell has no event "${event}".`)
  const call = () => listener()
  set.add(call)
  return () => void set.delete(call)
}

contextBridge.exposeInMainWorld('shell', { kind: 'desktop', ...Object.fromEntries(calls), on })
