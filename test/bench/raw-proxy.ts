// The proxy that does nothing: node:http in front, undici behind, bytes passed as they come.
// owns: the reference that our server is compared with. never: parsing, money, storage.
// always true: what an ordinary Node proxy can do on this machine is what this one does. Prints its port on stdout.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Dispatcher, Pool } from 'undici'

const pool = new Pool(process.env.UPSTREAM ?? 'http://127.0.0.1:1', { connections: 128, pipelining: 1 })

const server = createServer((request, response) => {
  pool.dispatch(
    {
      path: request.url ?? '/',
      method: 'POST',
      headers: { 'content-type': request.headers['content-type'], 'content-length': request.headers['content-length'] },
      body: request,
    },
    relay(request, response),
  )
})

function relay(request: IncomingMessage, response: ServerResponse): Dispatcher.DispatchHandler {
  return {
    onRequestStart(controller) {
      response.once('close', () => {
        if (!response.writableFinished) controller.abort(new Error('the caller went away'))
      })
    },
    onResponseStart(_controller, status, headers) {
      const { connection, 'keep-alive': keepAlive, 'transfer-encoding': encoding, ...passed } = headers
      response.writeHead(status, passed)
    },
    onResponseData(controller, piece) {
      if (response.write(piece)) return
      controller.pause()
      response.once('drain', () => controller.resume())
    },
    onResponseEnd() {
      response.end()
    },
    onResponseError() {
      if (response.headersSent) response.destroy()
      else response.writeHead(502).end()
      request.resume()
    },
  }
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address) process.stdout.write(`${address.port}\n`)
})
