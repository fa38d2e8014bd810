// The window a payment page is shown in: unprivileged, alone in its session, gone when the payment is over.
// owns: that window, and which addresses it may show. never: a preload, the bridge, the wallet's storage.
// always true: it closes itself before it would show the wallet again, and the wallet then asks the server what happened.

import { randomUUID } from 'node:crypto'
import { type BrowserWindow, session } from 'electron'
import { isReturn, mayPayAt } from './addresses.ts'
import { lockSession } from './permissions.ts'
import { PRODUCT } from './settings.ts'
import { createWindow } from './window.ts'

export type Payments = {
  /** @throws Error when the address is neither the server's nor Stripe's, or nothing answers there */
  open: (payment: { topupId: string; url: string }) => Promise<void>
  /** Closes the window, if there is one. */
  end: () => void
}

/** @param over called once for each payment window, however it ended */
export function createPayments(server: string, over: (topupId: string) => void): Payments {
  let current: BrowserWindow | null = null
  return {
    end: () => current?.destroy(), // a page may object to being closed, not to this
    async open({ topupId, url: text }) {
      const url = URL.parse(text)
      if (!url || !mayPayAt(url, server)) throw new Error('This address is not allowed.')
      current?.destroy()
      // No "persist:" in the name: nothing of a payment page stays on the disk or meets the next one.
      const own = session.fromPartition(`payment-${randomUUID()}`)
      lockSession(own, { ownPages: false })
      const window = createWindow({
        title: `${PRODUCT} - payment`,
        bounds: { width: 520, height: 760 },
        session: own,
        // A card issuer's own check (3-D Secure) runs in a frame, at any https address.
        allows: (to, isMainFrame) =>
          isMainFrame ? mayPayAt(to, server) && !isReturn(to, server) : mayFrame(to, server),
        kept: (to) => {
          if (isReturn(to, server)) setImmediate(() => window.isDestroyed() || window.close())
        },
      })
      current = window
      window.once('closed', () => {
        if (current === window) current = null
        over(topupId)
      })
      await window.loadURL(url.href).catch((error: Error & { code?: string }) => {
        // Closed meanwhile, or sent straight back to the wallet: that is an end, not a failure.
        if (window.isDestroyed() || error.code === 'ERR_ABORTED') return
        window.close()
        throw new Error('The payment page cannot be reached.')
      })
    },
  }
}

function mayFrame(url: URL, server: string): boolean {
  return url.protocol === 'https:' || url.protocol === 'about:' || url.origin === server
}
