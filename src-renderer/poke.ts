// Listening for pokes.
// owns: one server-sent stream that says "pull". never: data, retries. always true: a stream that has been silent for
// two and a half heartbeats is given up.

import { EventSourceParserStream } from 'eventsource-parser/stream'
import type { Api } from './api.ts'

const HEARTBEAT_MS = 15_000
const SILENCE_MS = HEARTBEAT_MS * 2.5

/**
 * Holds the stream until it ends, is silent too long or `signal` aborts; then throws or returns.
 * @param onOpen called once the server has answered
 * @param onPoke called for each poke; it carries nothing to act on but itself
 */
export async function listen(
  api: Api,
  signal: AbortSignal,
  { onOpen, onPoke }: { onOpen: () => void; onPoke: () => void },
): Promise<void> {
  const silence = new AbortController()
  let timer = setTimeout(() => silence.abort(), SILENCE_MS)
  const heard = () => {
    clearTimeout(timer)
    timer = setTimeout(() => silence.abort(), SILENCE_MS)
  }
  const either = AbortSignal.any([signal, silence.signal])
  try {
    const body = await api.stream('/v1/wallet/poke', either)
    onOpen()
    const events = body
      .pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>)
      .pipeThrough(new EventSourceParserStream({ maxBufferSize: 65_536 }))
      .getReader()
    for (;;) {
      const { done, value } = await events.read()
      if (done) return
      heard()
      if (value.event === 'poke') onPoke()
    }
  } finally {
    clearTimeout(timer)
    silence.abort()
  }
}
