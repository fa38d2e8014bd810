// The model vendor of the bench: answers at once, the same every time.
// owns: two fixed answers. never: work that depends on the request beyond `stream`.
// always true: GET /interval/5 sets the pause between chunks, in milliseconds; a prompt of FAIL is answered 500. Prints its
// port on stdout.

import { createServer, type ServerResponse } from 'node:http'

const CHUNKS = 32
const USAGE = { prompt_tokens: 200, completion_tokens: CHUNKS, total_tokens: 200 + CHUNKS }
const HEAD = { id: 'chatcmpl-bench', created: 1_700_000_000, model: 'gpt-4o-mini' }
const ANSWER = Buffer.from(
  JSON.stringify({
    ...HEAD,
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: 'word '.repeat(CHUNKS) }, finish_reason: 'stop' }],
    usage: USAGE,
  }),
)
const event = (fields: object) =>
  Buffer.from(`data: ${JSON.stringify({ ...HEAD, object: 'chat.completion.chunk', ...fields })}\n\n`)
const CHUNK = event({ choices: [{ index: 0, delta: { content: 'word ' }, finish_reason: null }] })
const LAST = Buffer.concat([
  event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }),
  event({ choices: [], usage: USAGE }),
  Buffer.from('data: [DONE]\n\n'),
])

let intervalMs = 0

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    intervalMs = Number(/\/interval\/(\d+)$/.exec(request.url ?? '')?.[1] ?? intervalMs)
    response.end()
    return
  }
  const pieces: Buffer[] = []
  request.on('data', (piece) => pieces.push(piece))
  request.on('end', () => {
    const asked = Buffer.concat(pieces)
    if (asked.includes('"FAIL"')) {
      response.writeHead(500).end()
      return
    }
    if (!asked.includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': ANSWER.length }).end(ANSWER)
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    stream(response, 0)
  })
})

function stream(response: ServerResponse, sent: number): void {
  if (response.destroyed) return
  if (sent === CHUNKS) {
    response.end(LAST)
    return
  }
  response.write(CHUNK)
  if (intervalMs > 0) setTimeout(stream, intervalMs, response, sent + 1)
  else setImmediate(stream, response, sent + 1)
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address) process.stdout.write(`${address.port}\n`)
})
