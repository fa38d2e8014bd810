// The main process's half of the bridge, derived from server/contract/shell.ts.
// owns: the channels, and the checks every call passes. never: what a call does (main.ts names that).
// always true: a handler runs only for the top frame of the wallet's own window, at our origin, with arguments that fit
// the contract, and within its rate; a refusal says nothing of the inside.

import { type IpcMainInvokeEvent, ipcMain, type WebContents, type WebFrameMain } from 'electron'
import {
  SHELL_CALLS,
  type ShellArgs,
  type ShellCall,
  type ShellEvent,
  type ShellResult,
} from '../server/contract/shell.ts'
import { ORIGIN } from './settings.ts'

export type ShellHandlers = { [C in ShellCall]: (...args: ShellArgs<C>) => Promise<ShellResult<C>> }

/** A refusal whose sentence may be shown to the page. */
export class Refusal extends Error {
  override name = 'Refusal'
}

/** Calls a minute, by member: generous for a person, useless for a loop. */
const PER_MINUTE: Record<ShellCall, number> = {
  apiOrigin: 600,
  signIn: 12,
  signOut: 12,
  accessToken: 600,
  open: 30,
  notify: 30,
  show: 240,
  pay: 12,
  servers: 60,
  changeServer: 30,
  takeReturn: 600,
}

/**
 * Registers one handler for each member of the bridge.
 * @param handlers those of the chosen server, now
 * @param wallet the web contents that may call, or null while there is none
 * @param now milliseconds, for the rate
 */
export function answerShellCalls(
  handlers: () => ShellHandlers,
  wallet: () => WebContents | null,
  now: () => number,
): void {
  for (const call of Object.keys(SHELL_CALLS) as ShellCall[]) answer(call, handlers, wallet, now)
}

/** Nudges the page; it carries a name and no data. */
export function nudge(wallet: WebContents | null, event: ShellEvent): void {
  if (wallet && !wallet.isDestroyed()) wallet.send('shell:event', event)
}

/** Whether a call comes from where the bridge was given out: our window, its top frame, our origin. */
export function isTrusted(
  event: Pick<IpcMainInvokeEvent, 'sender' | 'senderFrame'>,
  wallet: WebContents | null,
): boolean {
  const frame: WebFrameMain | null = event.senderFrame
  return (
    wallet !== null && event.sender === wallet && frame !== null && frame.parent === null && frame.origin === ORIGIN
  )
}

function answer<C extends ShellCall>(
  call: C,
  handlers: () => ShellHandlers,
  wallet: () => WebContents | null,
  now: () => number,
): void {
  const { args: Args, result: Result } = SHELL_CALLS[call]
  const withinRate = rate(PER_MINUTE[call], now)
  ipcMain.handle(`shell:${call}`, async (event, ...given: unknown[]) => {
    if (!isTrusted(event, wallet())) throw new Error('refused: not the wallet’s own page')
    if (!withinRate()) throw new Error('refused: too many calls')
    const args = Args.safeParse(given)
    if (!args.success) throw new Error('refused: wrong arguments')
    try {
      return Result.parse(await handlers()[call](...(args.data as ShellArgs<C>)))
    } catch (error) {
      if (error instanceof Refusal) throw new Error(error.message)
      console.error(`shell:${call} failed`, error)
      throw new Error('The desktop shell could not do this.')
    }
  })
}

function rate(perMinute: number, now: () => number): () => boolean {
  let windowStart = Number.NEGATIVE_INFINITY
  let count = 0
  return () => {
    const at = now()
    if (at < windowStart || at - windowStart >= 60_000) [windowStart, count] = [at, 0]
    count += 1
    return count <= perMinute
  }
}
