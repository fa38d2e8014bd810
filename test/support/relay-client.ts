// A caller of metered routes who sees every byte, and can leave at any moment.
// owns: one request on a connection of its own. never: a retry, a redirect, an opinion about the answer.
// always true: an answer that was cut is `complete: false`, whatever had arrived.

import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export type Answer = {
  /** 0 when nothing came. */
  status: number
  headers: IncomingHttpHeaders
  text: string
  /** Data of each server-sent event, in order. */
  frames: string[]
  /** When each frame came, in ms since the epoch. */
  times: number[]
  complete: boolean
}

export type Asked = {
  method?: string
  path?: string
  bearer?: string
  headers?: Record<string, string | string[]>
  /** Objects are sent as JSON. */
  body?: unknown
  /** Leave after so many frames, or when this resolves. */
  leaveAfterFrames?: number
  leaveWhen?: Promise<unknown>
  onLeave?: () => void
  /** Reads nothing for so long once the head is there. */
  pauseMs?: number
  /** Reads nothing until this resolves. */
  pauseUntil?: Promise<unknown>
  onFrame?: (data: string, n: number) => void
}

/** Sends one request. Never rejects: a broken connection is an answer that is not complete. */
export function ask(url: string, asked: Asked): Promise<Answer> {
  const { body } = asked
  const bytes = body === undefined || Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body)
  const headers: Record<string, string | string[]> = { ...asked.headers }
  if (asked.bearer !== undefined) headers.authorization = `Bearer ${asked.bearer}`
  if (bytes !== undefined) {
    headers['content-type'] ??= 'application/json'
    headers['content-length'] ??= String(Buffer.byteLength(bytes))
  }
  const answer: Answer = { status: 0, headers: {}, text: '', frames: [], times: [], complete: false }
  return new Promise((resolve) => {
    const request = httpRequest(
      new URL(asked.path ?? '/v1/chat/completions', url),
      { method: asked.method ?? 'POST', headers, agent: false },
      (reply) => {
        answer.status = reply.statusCode ?? 0
        answer.headers = reply.headers
        const feed = frameReader((data) => {
          answer.frames.push(data)
          answer.times.push(Date.now())
          asked.onFrame?.(data, answer.frames.length)
          if (answer.frames.length !== asked.leaveAfterFrames) return
          request.destroy()
          asked.onLeave?.()
        })
        reply.setEncoding('utf8')
        reply.on('data', (piece: string) => {
          answer.text += piece
          feed(piece)
        })
        reply.on('end', () => {
          answer.complete = reply.complete
        })
        reply.on('error', () => undefined)
        reply.on('close', () => resolve(answer))
        const { pauseMs, pauseUntil = pauseMs ? sleep(pauseMs) : null } = asked
        if (pauseUntil) {
          reply.pause()
          void pauseUntil.then(() => reply.resume())
        }
      },
    )
    request.on('error', () => resolve(answer))
    request.end(bytes)
    void asked.leaveWhen?.then(() => request.destroy())
  })
}

function frameReader(take: (data: string) => void): (piece: string) => void {
  let rest = ''
  return (piece) => {
    rest += piece
    const events = rest.split(/\r?\n\r?\n/)
    rest = events.pop() ?? ''
    for (const event of events) {
      const lines = event.split(/\r?\n/).filter((line) => line.startsWith('data:'))
      if (lines.length > 0) take(lines.map((line) => line.slice(5).trim()).join('\n'))
    }
  }
}

/** The body as JSON; {} when it is none. */
export function jsonOf(answer: Answer): Record<string, unknown> {
  try {
    return JSON.parse(answer.text)
  } catch {
    return {}
  }
}

/** The error block of a refusal. */
export function errorOf(answer: Answer): { code?: string; details?: Record<string, unknown>; param?: string | null } {
  return (jsonOf(answer).error ?? {}) as ReturnType<typeof errorOf>
}

/** The frames of a stream that are JSON, parsed. */
export function parsedFrames(answer: Answer): Record<string, unknown>[] {
  return answer.frames.filter((data) => data !== '[DONE]').map((data) => JSON.parse(data))
}
