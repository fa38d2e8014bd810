// Pokes: a nudge, without content, that says "pull".
// owns: the open streams of this process. never: data, a feed's meaning.
// always true: pokes in quick succession are one; a reader that does not read gets no queue, only the newest number later.

import type { ServerResponse } from 'node:http'
import type { Deps } from '../deps.ts'

const TOGETHER_MS = 30
const HEARTBEAT_MS = 15_000
const STREAMS_MAX = 20

type Stream = {
  response: ServerResponse
  rev: number
  told: number
  timer: NodeJS.Timeout | null
}
export type Pokes = {
  /**
   * Streams a person's pokes until either side ends it.
   * @param response headers are written already
   * @param rev the feed's number now, told at once
   * @param stillAllowed asked at each heartbeat; the stream ends when it is not so
   */
  add(feed: string, response: ServerResponse, rev: number, stillAllowed: () => Promise<boolean>): void
  stop(): void
}

/** Starts passing pokes on. */
export function passPokes(deps: Pick<Deps, 'db'>): Pokes {
  const byFeed = new Map<string, Set<Stream>>()
  const off = deps.db.onPoke(({ feed, rev }) => {
    for (const stream of byFeed.get(feed) ?? []) {
      stream.rev = Math.max(stream.rev, rev)
      stream.timer ??= setTimeout(() => tell(stream), TOGETHER_MS)
    }
  })
  return {
    add(feed, response, rev, stillAllowed) {
      const streams = byFeed.get(feed) ?? new Set()
      byFeed.set(feed, streams)
      const [oldest] = streams
      if (oldest && streams.size >= STREAMS_MAX) oldest.response.end()
      const stream: Stream = { response, rev, told: -1, timer: null }
      streams.add(stream)
      tell(stream)
      const heartbeat = setInterval(() => void beat(stream, stillAllowed), HEARTBEAT_MS)
      response.on('drain', () => tell(stream))
      response.on('error', () => response.destroy())
      response.on('close', () => {
        clearInterval(heartbeat)
        if (stream.timer) clearTimeout(stream.timer)
        streams.delete(stream)
        if (streams.size === 0) byFeed.delete(feed)
      })
    },
    stop() {
      off()
      for (const streams of byFeed.values()) for (const { response } of streams) response.end()
    },
  }
}

function tell(stream: Stream): void {
  stream.timer = null
  if (stream.rev <= stream.told || stream.response.writableEnded || stream.response.writableNeedDrain) return
  stream.told = stream.rev
  stream.response.write(`event: poke\ndata: ${JSON.stringify({ rev: stream.rev })}\n\n`)
}

async function beat({ response }: Stream, stillAllowed: () => Promise<boolean>): Promise<void> {
  if (!(await stillAllowed().catch(() => true))) response.end()
  else if (!response.writableEnded && !response.writableNeedDrain) response.write('event: heartbeat\ndata: {}\n\n')
}
