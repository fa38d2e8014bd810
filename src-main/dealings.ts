// All that belongs to one server: who is signed in there, its payment window, its notifications.
// owns: the members of the bridge whose answer depends on the server. never: another server's secret, a window of the wallet.
// always true: once it has ended, nothing of it reaches a page, and what still comes back from it - a browser, a click on
// an old notification - changes nothing elsewhere.

import { Refusal, type ShellHandlers } from './ipc.ts'
import { notify } from './notifications.ts'
import { openOutside } from './outside.ts'
import { createPayments } from './payment.ts'
import type { Session } from './session.ts'

/** What the parts of the program need of its one window. */
export type Front = {
  show: () => void
  /** Brings the window up, or away when it is in front. */
  toggle: () => void
  /** Leaves the page something to take, and shows the window unless `quiet`. */
  follow: (held: string | null, options?: { quiet: boolean }) => void
  take: () => string | null
}
export type Dealings = {
  handlers: Omit<ShellHandlers, 'servers' | 'changeServer' | 'show'>
  end: () => void
}

/** @param server its origin @param session of that server */
export function openDealings(server: string, session: Session, { show, follow, take }: Front): Dealings {
  let ended = false
  const leave: Front['follow'] = (held, options) => (ended ? show() : follow(held, options))
  const payments = createPayments(server, (topupId) => leave(`topup:${topupId}`))
  return {
    handlers: {
      apiOrigin: async () => server,
      signIn: () => session.signIn().finally(show).catch(asRefusal),
      signOut: session.signOut,
      accessToken: () => session.accessToken().catch(asRefusal),
      open: (url) => openOutside(url).catch(asRefusal),
      notify: async (notice) => notify(notice, leave),
      pay: ({ topup_id, url }) => payments.open({ topupId: topup_id, url }).catch(asRefusal),
      takeReturn: async () => take(),
    },
    end() {
      ended = true
      session.stop()
      payments.end()
    },
  }
}

/** Lets the sentence of an expected failure reach the page; what it says was written for a person. */
function asRefusal(error: Error): never {
  throw new Refusal(error.message)
}
