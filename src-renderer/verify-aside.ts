// Having receipts checked without holding up the page.
// owns: the worker. never: the check itself (verify.ts), storage. always true: where no worker can be had, the same check
// runs in the page: slower, never skipped.

import type { Change } from '../server/contract/feed.ts'
import { workerUrl } from './trusted.ts'
import { type Checked, checkReceipts, keyFinder } from './verify.ts'
import type { Answer, Ask } from './verify-worker.ts'
import address from './verify-worker.ts?worker&url'

/** What was found, and the ids of keys that signed something and are not among `jwks`. */
export type Found = { checked: Checked; unknown: string[] }

type Waiting = { done: (found: Found) => void; failed: (reason: Error) => void; ask: Ask }
const waiting = new Map<number, Waiting>()
let worker: Worker | null | undefined
let asked = 0

/** Checks receipts as `checkReceipts` does. */
export function checkAside(changes: Change[], before: string | null, jwks: JsonWebKey[]): Promise<Found> {
  const ask: Ask = { id: ++asked, changes, before, jwks }
  if (changes.length === 0) return Promise.resolve({ checked: { entries: [], again: [] }, unknown: [] })
  if (worker === undefined) worker = startWorker()
  if (worker === null) return inThePage(ask)
  const chosen = worker
  return new Promise((done, failed) => {
    waiting.set(ask.id, { done, failed, ask })
    chosen.postMessage(ask)
  })
}

async function inThePage({ changes, before, jwks }: Ask): Promise<Found> {
  const { keyOf, unknown } = keyFinder(jwks)
  const checked = await checkReceipts(changes, before, keyOf)
  return { checked, unknown: [...unknown] }
}

function startWorker(): Worker | null {
  try {
    const made = new Worker(workerUrl(address) as string, { type: 'module', name: 'receipts' })
    made.onmessage = ({ data }: MessageEvent<Answer>) => {
      const one = waiting.get(data.id)
      waiting.delete(data.id)
      if ('failed' in data) one?.failed(new Error(data.failed))
      else one?.done(data)
    }
    made.onerror = () => {
      worker = null
      made.terminate()
      for (const { ask, done, failed } of waiting.values()) inThePage(ask).then(done, failed)
      waiting.clear()
    }
    return made
  } catch {
    return null
  }
}
