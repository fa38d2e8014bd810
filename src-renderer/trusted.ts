// Scripts that a page may start, under Trusted Types.
// owns: the one policy of the wallet's pages. never: an address that is not of this build. always true: where the browser
// knows no Trusted Types, an address is passed as it is.

type Policy = { createScriptURL(url: string): unknown }
type Factory = { createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): Policy }

const OURS = import.meta.env.DEV ? /./ : /\/(?:sw|assets\/[\w-]+)\.js$/

let policy: Policy | undefined

/** Admits the address of a worker of ours: on this page's origin, a file of the build. */
export function workerUrl(address: string): unknown {
  const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes
  policy ??= factory?.createPolicy('quota-wallet', {
    createScriptURL: (text) => {
      const url = new URL(text, location.href)
      if (url.origin !== location.origin || !OURS.test(url.pathname))
        throw new TypeError('only the wallet’s own workers')
      return text
    },
  })
  return policy?.createScriptURL(address) ?? address
}
