// What a page may ask of the machine.
// owns: the permission handlers of every session. never: camera, location, devices, clipboard reading, notifications.
// always true: a session that has passed through here grants a page of ours the listed few, and any other page nothing.

import type { Session } from 'electron'
import { originOf } from './addresses.ts'
import { ORIGIN } from './settings.ts'

/**
 * The few that the wallet's own pages hold. Chromium asks before a page may talk to this machine or to the local
 * network, where a self-hosted server is; the page's connect-src narrows that to the one configured server.
 */
const OWN_PAGES_MAY = new Set([
  'loopback-network',
  'local-network',
  'local-network-access',
  'persistent-storage',
  'clipboard-sanitized-write',
])

/** Sets a session's handlers. @param ownPages whether the session shows the wallet itself (else everything is denied) */
export function lockSession(session: Session, { ownPages }: { ownPages: boolean }): void {
  const grants = (permission: string, origin: string | undefined) =>
    ownPages && OWN_PAGES_MAY.has(permission) && originOf(origin) === ORIGIN
  session.setPermissionCheckHandler((_contents, permission, origin) => grants(permission, origin))
  session.setPermissionRequestHandler((_contents, permission, answer, details) =>
    answer(grants(permission, details.requestingUrl)),
  )
  session.setDevicePermissionHandler(() => false)
  session.on('will-download', (event, item) => {
    // A page of ours may save what it made itself (an export); the system's dialog asks where.
    if (!ownPages || !item.getURL().startsWith(`blob:${ORIGIN}/`)) event.preventDefault()
  })
}
