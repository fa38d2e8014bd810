// ipcMain.
// owns: the handlers and listeners of the main process. never: transport (contents.ts).
// always true: a channel has one handler, and a page is told of a failure in Electron's own words.

import { EventEmitter } from 'node:events'
import { loudClass } from './loud.ts'

export type Handler = (event: object, ...args: unknown[]) => unknown

class IpcMain extends EventEmitter {
  // Named as Electron's own private member is, so that a contract test can reach a handler on either.
  _invokeHandlers = new Map<string, Handler>()

  handle(channel: string, handler: Handler): void {
    if (this._invokeHandlers.has(channel)) throw new Error(`Attempted to register a second handler for '${channel}'`)
    this._invokeHandlers.set(channel, handler)
  }
  handleOnce(channel: string, handler: Handler): void {
    this.handle(channel, (event, ...args) => {
      this.removeHandler(channel)
      return handler(event, ...args)
    })
  }
  removeHandler(channel: string): void {
    this._invokeHandlers.delete(channel)
  }
}
loudClass('ipcMain', IpcMain)

export const ipcMain = new IpcMain()

/** Runs a channel's handler. @throws Error worded as the page is to see it */
export async function invoke(channel: string, event: object, args: unknown[]): Promise<unknown> {
  try {
    const handler = ipcMain._invokeHandlers.get(channel)
    if (!handler) throw new Error(`No handler registered for '${channel}'`)
    return await handler(event, ...args)
  } catch (error) {
    const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    throw new Error(`Error invoking remote method '${channel}': ${said}`)
  }
}
