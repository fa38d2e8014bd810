// Pages that open without a network, in a browser tab.
// owns: registering the service worker. never: what it keeps (public/sw.js). always true: the desktop has no need of it,
// and a browser that refuses it loses nothing but that.

import { basepath, shell } from './shell/shell.ts'

type Policy = { createScriptURL(url: string): unknown }
type Factory = { createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): Policy }

/** Registers the worker of this build; in a page under Trusted Types, through a policy that admits this one address. */
export function keepPagesOffline(): void {
  if (shell.kind !== 'browser' || !import.meta.env.PROD || !navigator.serviceWorker) return
  const address = `${basepath === '/' ? '' : basepath}/sw.js`
  const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes
  const policy = factory?.createPolicy('quota-wallet', {
    createScriptURL: (url) => {
      if (url !== address) throw new TypeError('only the wallet’s own worker')
      return url
    },
  })
  const url = (policy?.createScriptURL(address) ?? address) as string
  navigator.serviceWorker.register(url, { type: 'classic' }).catch((error) => console.warn('no offline pages:', error))
}
