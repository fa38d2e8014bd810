// Bundles for the SDK's tests, made as an app's own bundler would, and a small server for pages.
// owns: one bundle at a time, in memory. never: a file. always true: what is measured is what an app would ship.

import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { build } from 'vite'

/** @param entry path of a module @returns its code with all that it imports, minified */
export async function bundle(entry: string, external: string[] = []): Promise<string> {
  const made = await build({
    configFile: false,
    logLevel: 'silent',
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      write: false,
      minify: true,
      target: 'es2022',
      lib: { entry, formats: ['es'], fileName: 'bundle' },
      rollupOptions: { external, output: { codeSplitting: false } },
    },
  })
  const output = [made].flat().flatMap((one) => ('output' in one ? one.output : []))
  const chunk = output.find((one) => one.type === 'chunk' && one.isEntry)
  if (chunk?.type !== 'chunk') throw new Error(`no bundle of ${entry}`)
  return chunk.code
}

/**
 * Serves these texts on a free port of loopback.
 * @param answer is asked first; null: it does not know the address
 * @param headers of every text
 */
export async function servePages(
  pages: Record<string, string>,
  answer?: (request: Request) => Promise<Response | null>,
  headers: Record<string, string> = {},
) {
  const server = createServer(async (incoming, response) => {
    const own = await answer?.(await requestOf(incoming))
    if (own) return void response.writeHead(own.status, Object.fromEntries(own.headers)).end(await own.text())
    const path = incoming.url?.split('?')[0] ?? ''
    const page = pages[path]
    const type = TYPES[path.split('.').at(-1) ?? ''] ?? 'text/html'
    response.writeHead(page === undefined ? 404 : 200, { ...headers, 'content-type': type }).end(page)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  const close = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { url: `http://127.0.0.1:${address.port}`, close }
}

const TYPES: Record<string, string> = { js: 'text/javascript', css: 'text/css' }

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const headers = Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)])
  const method = incoming.method ?? 'GET'
  const body = method === 'GET' ? {} : { body: await text(incoming) }
  return new Request(new URL(incoming.url ?? '/', `http://${incoming.headers.host}`), { method, headers, ...body })
}
