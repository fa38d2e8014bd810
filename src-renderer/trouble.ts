// That this device cannot keep things.
// owns: that one fact, in memory, because there is nowhere else to keep it. never: retries. always true: what could not be
// written is never shown as done.

import { create } from 'zustand'

/** `lostEdit`: a change of the person's was not kept, so it has not happened. */
export const useTrouble = create<{ full: boolean; lostEdit: boolean }>()(() => ({ full: false, lostEdit: false }))

/** Whether a failure says that the storage is full; Dexie wraps it in the failure of its transaction, or of many writes. */
export function isFull(error: unknown): boolean {
  const { name, inner, failures = [] } = (error ?? {}) as { name?: unknown; inner?: unknown; failures?: unknown[] }
  if (name === 'QuotaExceededError') return true
  return [inner, ...failures].some((cause) => Boolean(cause) && cause !== error && isFull(cause))
}

export const storageFull = (lostEdit = false): void =>
  useTrouble.setState(lostEdit ? { full: true, lostEdit } : { full: true })
export const storageFine = (): void => {
  if (useTrouble.getState().full) useTrouble.setState({ full: false, lostEdit: false })
}
