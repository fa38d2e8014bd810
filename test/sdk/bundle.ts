// Bundles for the SDK's tests, made as an app's own bundler would, and a small server for pages.
// owns: one bundle at a time, in memory. never: a file. always true: what is measured is what an app would ship.

import { once } from 'node:events'
import { createServer } from 'node:http'
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

/** Serves these texts on a free port of loopback; `answer` first, where it knows the address. */
export async function servePages(
  pages: Record<string, string>,
  answer?: (request: Request) => Promise<Response | null>,
) {
  const types: Record<string, string> = { js: 'text/javascript', css: 'text/css' }
  const server = createServer(async (request, response) => {
    const path = request.url ?? '/'
    const headers = Object.entries(request.headers).map(([name, value]): [string, string] => [name, String(value)])
    const own = await answer?.(
      new Request(new URL(path, `http://${request.headers.host}`), { method: request.method ?? 'GET', headers }),
    )
    if (own) return void response.writeHead(own.status, Object.fromEntries(own.headers)).end(await own.text())
    const text = pages[path.split('?')[0] ?? '']
    const type = types[path.split('.').at(-1) ?? ''] ?? 'text/html'
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': type }).end(text)
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
