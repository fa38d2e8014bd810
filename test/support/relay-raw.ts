// A request written by hand, for what no HTTP client would send.
// owns: one socket, the bytes as given. never: a repair. always true: it answers status and body, or that the socket was closed.

import { connect } from 'node:net'

export type RawReply = { status: number; head: string; text: string }

/** Sends these bytes and reads until the answer's body is whole, the socket closes, or `waitMs` are over. */
export function raw(url: string, bytes: string | Buffer, waitMs = 4000): Promise<RawReply> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    let all = ''
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    const end = () => {
      clearTimeout(late)
      socket.destroy()
      const [head = '', ...rest] = all.split('\r\n\r\n')
      resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0), head, text: rest.join('\r\n\r\n') })
    }
    const late = setTimeout(end, waitMs)
    socket.setEncoding('utf8')
    socket.on('data', (piece: string) => {
      all += piece
      const length = /\r\ncontent-length: (\d+)/i.exec(all)?.[1]
      const at = all.indexOf('\r\n\r\n')
      if (at !== -1 && length !== undefined && Buffer.byteLength(all.slice(at + 4)) >= Number(length)) end()
      if (all.endsWith('\r\n0\r\n\r\n')) end()
    })
    socket.on('error', end)
    socket.on('close', end)
  })
}

/** A POST with these header lines ("name: value"), exactly so. */
export function post(
  path: string,
  lines: readonly string[],
  body: string | Buffer,
  length = Buffer.byteLength(body),
): Buffer {
  const head = [`POST ${path} HTTP/1.1`, ...lines, `content-length: ${length}`, '', ''].join('\r\n')
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)])
}
