// The bridge between the wallet's pages and the shell that shows them.
// owns: the list of members, with their arguments. never: money or model data (those go over HTTP in both shells).
// always true: the desktop's preload, its main-process handlers and the renderer's types are derived from this
// literal, and every member can be honoured by a desktop window and by a browser tab alike.

import { z } from 'zod'

const Nothing = z.tuple([])
export const SERVERS_MAX = 20
const Subject = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/)

/** What a notification tells of; the shell alone decides which actions go with each, and where they lead. */
export const NOTIFIED = ['limit-near', 'limit-reached', 'request', 'approval', 'topup', 'pace', 'other'] as const

/**
 * What the shell may leave for the page to take, as `{kind}:{id}`: something to look at (request, approval, topup, app),
 * a place to go (go), or what the person chose in the tray or on a notification. None of them spends or raises anything
 * by itself; a link from another program can leave the first two kinds at most.
 */
export const RETURNED = ['request', 'topup', 'approval', 'app', 'go', 'pause', 'refuse', 'freeze', 'unfreeze'] as const
export const Returned = z.string().regex(new RegExp(`^(?:${RETURNED.join('|')}):[A-Za-z0-9_-]{0,64}$`))

/**
 * What became of a change of servers. Everything but `done` changed nothing: the text is no address; it is plain http to
 * another machine; nothing answered there; nobody vouches for its certificate; what answered is no such server; there are too many; this shell has one server.
 */
export const SERVER_ANSWERS = [
  'done',
  'no-address',
  'insecure',
  'unreachable',
  'untrusted',
  'no-server',
  'too-many',
  'fixed',
] as const

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
  /** Shows a notification of the operating system, where the person allows it. `subject` is the id of what it tells of. */
  notify: {
    args: z.tuple([
      z.strictObject({
        kind: z.enum(NOTIFIED),
        subject: Subject.nullable(),
        title: z.string().max(80),
        body: z.string().max(300),
      }),
    ]),
    result: z.void(),
  },
  /**
   * Says how things stand, for what a shell shows beside the page (tray, badge, a tab's title): `available` in micros,
   * null while it is not known; `waiting` counts what needs the person. Null when nobody is signed in.
   */
  show: {
    args: z.tuple([
      z
        .strictObject({ available: z.int().nullable(), frozen: z.boolean(), waiting: z.int().min(0).max(10_000) })
        .nullable(),
    ]),
    result: z.void(),
  },
  /** Opens the payment page of a checkout (an unprivileged window, or a page of its own in a tab). */
  pay: {
    args: z.tuple([z.strictObject({ topup_id: z.string().max(64), url: z.string().max(2000) })]),
    result: z.void(),
  },
  /** The servers this shell knows, and the one that its pages talk to. */
  servers: { args: Nothing, result: z.strictObject({ chosen: z.url(), known: z.array(z.url()).max(SERVERS_MAX) }) },
  /**
   * `add`: asks an address that a person typed what it is, and keeps it. `choose`: goes over to a known server; the page
   * that asks ends, and another begins. `remove`: forgets one that is not chosen, and signs out of it. A tab, which has
   * the server it came from, says `fixed`.
   */
  changeServer: {
    args: z.tuple([z.enum(['add', 'choose', 'remove']), z.string().max(2000)]),
    result: z.enum(SERVER_ANSWERS),
  },
  /** Takes the oldest of what the shell has been holding for the page, if anything; a page asks when it mounts. */
  takeReturn: { args: Nothing, result: Returned.nullable() },
} as const

/** Nudges from the shell to the page; they carry no data, the page pulls. */
export const SHELL_EVENTS = ['returned', 'session'] as const

export type ShellCall = keyof typeof SHELL_CALLS
export type ServerAnswer = (typeof SERVER_ANSWERS)[number]
export type Notified = (typeof NOTIFIED)[number]
export type ReturnKind = (typeof RETURNED)[number]
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
