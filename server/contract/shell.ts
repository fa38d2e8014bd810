// The bridge between the wallet's pages and the shell that shows them.
// owns: the list of members, with their arguments. never: money or model data (those go over HTTP in both shells).
// always true: the desktop's preload, its main-process handlers and the renderer's types are derived from this
// literal, and every member can be honoured by a desktop window and by a browser tab alike.

import { z } from 'zod'

const Nothing = z.tuple([])

/** Calls from the page to the shell: arguments as a tuple, and what comes back. */
export const SHELL_CALLS = {
  /** Where the server's HTTP API is; the browser shell answers its own origin. */
  apiOrigin: { args: Nothing, result: z.url() },
  /** Starts sign-in (system browser on the desktop, a redirect in a tab); resolves when it is over. */
  signIn: { args: Nothing, result: z.boolean() },
  signOut: { args: Nothing, result: z.void() },
  /** A short-lived wallet token, or null when nobody is signed in. Refresh tokens never come here. */
  accessToken: { args: Nothing, result: z.string().nullable() },
  /** Opens an https (or loopback http) address outside the wallet. */
  open: { args: z.tuple([z.string().max(2000)]), result: z.void() },
  /** Shows a notification of the operating system, where the person allows it. */
  notify: {
    args: z.tuple([z.strictObject({ title: z.string().max(80), body: z.string().max(300) })]),
    result: z.void(),
  },
  /** Opens the payment page of a checkout (an unprivileged window, or a page of its own in a tab). */
  pay: {
    args: z.tuple([z.strictObject({ topup_id: z.string().max(64), url: z.string().max(2000) })]),
    result: z.void(),
  },
  /** Takes the link or return the shell has been holding for the page, if any; a page asks when it mounts. */
  takeReturn: { args: Nothing, result: z.string().max(2000).nullable() },
} as const

/** Nudges from the shell to the page; they carry no data, the page pulls. */
export const SHELL_EVENTS = ['returned', 'session'] as const

export type ShellCall = keyof typeof SHELL_CALLS
export type ShellEvent = (typeof SHELL_EVENTS)[number]
export type ShellArgs<C extends ShellCall> = z.infer<(typeof SHELL_CALLS)[C]['args']>
export type ShellResult<C extends ShellCall> = z.infer<(typeof SHELL_CALLS)[C]['result']>

/** What the page sees as `window.shell` on the desktop, and builds for itself in a tab. */
export type Shell = { readonly kind: 'desktop' | 'browser' } & {
  readonly [C in ShellCall]: (...args: ShellArgs<C>) => Promise<ShellResult<C>>
} & {
  /** Subscribes to a nudge; the answer unsubscribes. */
  readonly on: (event: ShellEvent, listener: () => void) => () => void
}
