// The load generator: open loop (a rate) or closed loop (a number of connections), JSON or SSE.
// owns: sending, timing and checking answers. never: what the numbers mean.
// always true: an answer that is not complete and correct is counted as a failure, never as a fast success.

import { setTimeout as sleep } from 'node:timers/promises'
import { type Dispatcher, Pool } from 'undici'

export type Target = { name: string; url: string; keys: readonly string[] }
export type Load = { stream: boolean; durationMs: number } & ({ ratePerS: number } | { connections: number })
/** Milliseconds, from when a request was due to its first byte and to its last. */
export type Sample = { firstMs: number; totalMs: number }
export type Result = { samples: Sample[]; failures: number; perS: number }

const PROMPT = 'A sentence of a prompt that says little but has some length. '.repeat(12)
const BODIES = { json: body(false), sse: body(true) }

function body(stream: boolean): string {
  const messages = [{ role: 'user', content: PROMPT }]
  return JSON.stringify({ model: 'gpt-4o-mini', max_tokens: 64, messages, stream })
}

/** Puts a target under load and answers every sample of it. */
export async function drive(target: Target, load: Load): Promise<Result> {
  const pool = new Pool(target.url, { connections: 'connections' in load ? load.connections : 256, pipelining: 1 })
  const result: Result = { samples: [], failures: 0, perS: 0 }
  const began = performance.now()
  let sent = 0
  const once = async (dueAt: number): Promise<void> => {
    const key = target.keys[sent++ % target.keys.length] ?? ''
    const sample = await send(pool, key, load.stream, dueAt)
    if (sample) result.samples.push(sample)
    else result.failures++
  }
  if ('connections' in load) {
    const until = began + load.durationMs
    const worker = async () => {
      while (performance.now() < until) await once(performance.now())
    }
    await Promise.all(Array.from({ length: load.connections }, worker))
  } else {
    await openLoop(load.ratePerS, began, load.durationMs, once)
  }
  result.perS = result.samples.length / ((performance.now() - began) / 1000)
  await pool.close()
  return result
}

/** Sends when a request is due, not when the last one came back: waiting in a queue counts as latency. */
async function openLoop(ratePerS: number, began: number, durationMs: number, once: (dueAt: number) => Promise<void>) {
  const count = Math.max(1, Math.floor((ratePerS * durationMs) / 1000))
  const running: Promise<void>[] = []
  for (let n = 0; n < count; n++) {
    const dueAt = began + (n * 1000) / ratePerS
    const wait = dueAt - performance.now()
    if (wait > 0) await sleep(wait)
    running.push(once(Math.min(dueAt, performance.now())))
  }
  await Promise.all(running)
}

function send(pool: Pool, key: string, stream: boolean, dueAt: number): Promise<Sample | null> {
  return new Promise((resolve) => {
    let status = 0
    let firstMs = 0
    let tail = ''
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart() {},
      onResponseStart(_controller, code) {
        status = code
      },
      onResponseData(_controller, piece) {
        if (firstMs === 0) firstMs = performance.now() - dueAt
        tail = (tail + piece.toString('latin1')).slice(-4000)
      },
      onResponseEnd() {
        const isWhole = stream ? tail.trimEnd().endsWith('[DONE]') : tail.includes('"usage"')
        resolve(status === 200 && isWhole ? { firstMs, totalMs: performance.now() - dueAt } : null)
      },
      onResponseError() {
        resolve(null)
      },
    }
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
    const text = stream ? BODIES.sse : BODIES.json
    pool.dispatch({ path: '/v1/chat/completions', method: 'POST', headers, body: text }, handler)
  })
}

/** The value below which a share of the numbers lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
