// Notifications of the operating system.
// owns: which actions go with which kind, and what each leaves for the page. never: an action that spends or raises.
// always true: the page names a kind and an id; where a click leads is decided here, by a table.

import { Notification } from 'electron'
import type { Notified, ReturnKind, ShellArgs } from '../server/contract/shell.ts'
import { say } from './words.ts'

type Notice = ShellArgs<'notify'>[0]
/** Where a click on the notification leads, and its buttons. A kind that needs an id leads nowhere without one. */
type Plan = { click: ReturnKind | null; actions: readonly { text: () => string; leaves: ReturnKind; quiet: boolean }[] }

const PAUSE = { text: () => say('Pause the app'), leaves: 'pause', quiet: true } as const
const REFUSE = { text: () => say('Refuse'), leaves: 'refuse', quiet: true } as const

/** `quiet` is done by the page where it is; the rest brings the window up. */
export const PLANS: Record<Notified, Plan> = {
  'limit-near': {
    click: 'app',
    actions: [PAUSE, { text: () => say('Look at the limit'), leaves: 'app', quiet: false }],
  },
  'limit-reached': { click: 'app', actions: [{ text: () => say('Look at the limit'), leaves: 'app', quiet: false }] },
  pace: { click: 'app', actions: [{ text: () => say('Look at the app'), leaves: 'app', quiet: false }] }, // it is paused already
  request: { click: 'request', actions: [{ text: () => say('Look at it'), leaves: 'request', quiet: false }, REFUSE] },
  approval: {
    click: 'approval',
    actions: [{ text: () => say('Look at it'), leaves: 'approval', quiet: false }, REFUSE],
  },
  topup: { click: 'topup', actions: [{ text: () => say('Show'), leaves: 'topup', quiet: false }] },
  other: { click: null, actions: [] },
}

const living = new Set<Notification>()

/**
 * Shows one.
 * @param leave hands the page what was chosen; `quiet` asks not to bring the window up
 */
export function notify(notice: Notice, leave: (held: string | null, options: { quiet: boolean }) => void): void {
  if (!Notification.isSupported()) return
  const { click, actions } = PLANS[notice.kind]
  const { subject } = notice
  const offered = subject === null ? [] : actions
  const notification = new Notification({
    title: plain(notice.title),
    body: plain(notice.body),
    actions: offered.map(({ text }) => ({ type: 'button', text: text() })),
  })
  // Without a reference it would be collected, and its click with it.
  living.add(notification)
  const done = () => void living.delete(notification)
  notification.on('close', done)
  notification.on('click', () => {
    done()
    leave(click !== null && subject !== null ? `${click}:${subject}` : null, { quiet: false })
  })
  notification.on('action', ({ actionIndex }) => {
    done()
    const chosen = offered[actionIndex]
    if (chosen) leave(`${chosen.leaves}:${subject}`, { quiet: chosen.quiet })
  })
  notification.show()
}

/** Text for a person, from a page that shows names other people chose: no control, no direction of writing. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
}
