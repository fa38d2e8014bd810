// The wallet's own pages, kept for when the server cannot be reached.
// owns: one cache holding the built shell (page, scripts, workers, words, style, font). never: answers of the API, cookies, tokens.
// always true: the network is asked first for a page; the kept one is shown only when that fails.

const CACHE = 'quota-wallet-shell-1'
const BASE = new URL('./', self.location.href)

self.addEventListener('install', (event) => event.waitUntil(keepShell().then(() => self.skipWaiting())))
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))
self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== BASE.origin || !url.pathname.startsWith(BASE.pathname)) return
  if (request.mode === 'navigate') event.respondWith(page(request))
  else if (/\/(assets\/|icon\.svg$)/.test(url.pathname)) event.respondWith(asset(request))
})

/** Keeps the page and what it names, replacing what an older build left. */
async function keepShell() {
  const answer = await fetch(BASE, { cache: 'no-cache' })
  if (!answer.ok) return
  const html = await answer.clone().text()
  const names = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((m) => new URL(m[1], BASE))
  const assets = names.filter((url) => url.origin === BASE.origin && url.pathname.startsWith(BASE.pathname))
  const fonts = (await Promise.all(assets.filter((u) => u.pathname.endsWith('.css')).map(fontsOf))).flat()
  const workers = (await Promise.all(assets.filter((u) => u.pathname.endsWith('.js')).map(laterOf))).flat()
  const words = (await Promise.all(workers.map(laterOf))).flat()
  await caches.delete(CACHE)
  const cache = await caches.open(CACHE)
  await cache.put(BASE, answer)
  await cache.addAll([...assets, ...fonts, ...workers, ...words].map(String))
}

async function fontsOf(css) {
  const text = await (await fetch(css)).text()
  return [...text.matchAll(/url\(["']?([^"')]*latin-wght[^"')]*)/g)].map((m) => new URL(m[1], css))
}

/** What the script starts beside the page (the check of receipts, the statement) or loads later (another language). */
async function laterOf(script) {
  const text = await (await fetch(script)).text()
  const workers = text.matchAll(/["'`]([^"'`]*assets\/[\w-]+-worker-[\w-]+\.js)/g)
  const loaded = text.matchAll(/\bimport\(["'`](\.\/[\w-]+\.js)["'`]\)/g)
  return [...workers, ...loaded].map((m) => new URL(m[1], script))
}

async function page(request) {
  try {
    const answer = await fetch(request)
    if (answer.ok && answer.headers.get('content-type')?.includes('html')) refreshIfChanged(answer.clone())
    return answer
  } catch (error) {
    const kept = await caches.match(BASE)
    if (kept) return kept
    throw error
  }
}

/** A new build names other files: then the shell is kept anew, in the background. */
async function refreshIfChanged(answer) {
  const kept = await caches.match(BASE)
  const name = (html) => /assets\/index[^"]*\.js/.exec(html)?.[0]
  if (!kept || name(await kept.text()) !== name(await answer.text())) await keepShell()
}

async function asset(request) {
  return (await caches.match(request)) ?? fetch(request)
}
