// Pages that open without a network, in a browser tab.
// owns: registering the service worker. never: what it keeps (public/sw.js). always true: the desktop has no need of it,
// and a browser that refuses it loses nothing but that.

import { basepath, shell } from './shell/shell.ts'
import { workerUrl } from './trusted.ts'

/** Registers the worker of this build. */
export function keepPagesOffline(): void {
  if (shell.kind !== 'browser' || !import.meta.env.PROD || !navigator.serviceWorker) return
  const url = workerUrl(`${basepath === '/' ? '' : basepath}/sw.js`) as string
  navigator.serviceWorker.register(url, { type: 'classic' }).catch((error) => console.warn('no offline pages:', error))
}
