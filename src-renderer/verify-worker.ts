// The check of receipts, beside the page instead of in it.
// owns: one conversation: a page of receipts in, the checked page out. never: storage, the network.
// always true: it answers every question, in order; what it cannot check it says so about.

import './zod.ts'
import type { Change } from '../server/contract/feed.ts'
import { type Checked, checkReceipts, keyFinder } from './verify.ts'

export type Ask = { id: number; changes: Change[]; before: string | null; jwks: JsonWebKey[] }
export type Answer = { id: number } & ({ checked: Checked; unknown: string[] } | { failed: string })

type Here = { onmessage: ((event: MessageEvent<Ask>) => void) | null; postMessage(answer: Answer): void }
const here = globalThis as unknown as Here

here.onmessage = async ({ data: { id, changes, before, jwks } }) => {
  try {
    const { keyOf, unknown } = keyFinder(jwks)
    const checked = await checkReceipts(changes, before, keyOf)
    here.postMessage({ id, checked, unknown: [...unknown] })
  } catch (error) {
    here.postMessage({ id, failed: error instanceof Error ? error.message : String(error) })
  }
}
