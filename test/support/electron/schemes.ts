// The program's own schemes, and the addresses Chromium sees instead.
// owns: the mapping app://host/path <-> https://host.app.standin.invalid/path. never: what such an address answers.
// always true: the main process sees only the first form and the page only the second - DevTools cannot answer for a
// scheme that Chromium does not know, so specs use relative addresses and never assert on page.url().

const SUFFIX = 'standin.invalid'
const own = new Set<string>()

export function addScheme(scheme: string): void {
  own.add(scheme)
}

export function isOwn(url: string): boolean {
  return own.has(schemeOf(url))
}

export function schemeOf(url: string): string {
  return url.slice(0, url.indexOf(':'))
}

/** As Chromium is to see it. */
export function toPage(url: string): string {
  const parts = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/i.exec(url)
  if (!parts || !own.has(parts[1]!)) return url
  return `https://${parts[2]}.${parts[1]}.${SUFFIX}${parts[3] || '/'}`
}

/** As the main process is to see it. */
export function toApp(url: string): string {
  return url.replace(/^(blob:)?https:\/\/([^/]+)\.([a-z0-9+-]+)\.standin\.invalid/, '$1$3://$2')
}

/** The origin of an address in the main process's form, as Electron writes it. */
export function originOf(url: string): string {
  const parsed = URL.parse(url)
  return parsed?.host ? `${parsed.protocol}//${parsed.host}` : 'null'
}

/** Which requests of a page have to be looked at: own schemes, and every document (navigation guards). */
export const INTERCEPTED = [{ urlPattern: `https://*.${SUFFIX}/*` }, { urlPattern: '*', resourceType: 'Document' }]
