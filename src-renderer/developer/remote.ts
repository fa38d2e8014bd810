// What the console knows from the server.
// owns: asking for a list, keeping the last answer on this device, asking again. never: a screen; the feed.
// always true: what is shown is the last answer, with the time it came; an answer of another shape is a failure, not data.

import { useLiveQuery } from 'dexie-react-hooks'
import { useCallback, useEffect, useState } from 'react'
import type { z } from 'zod'
import { heard, keepHeard } from '../heard.ts'
import { sentenceOf } from '../screens/account-page.tsx'
import { useWallet } from '../session.ts'

export type Remote<T> = {
  /** Undefined until there is any answer, here or from the server. */
  data: T | undefined
  /** When it came; device time, ms. */
  at: number | null
  /** Why the last asking failed; null when it did not. */
  wrong: string | null
  reload: () => Promise<void>
}

/**
 * An answer of the server: the one kept here at once, then a fresh one.
 * @param path with its query; null asks nothing
 */
export function useRemote<S extends z.ZodType>(path: string | null, schema: S): Remote<z.output<S>> {
  const { api, db } = useWallet()
  const kept = useLiveQuery(async () => (path === null ? undefined : await heard(db, path)), [db, path])
  const [wrong, setWrong] = useState<string | null>(null)
  const reload = useCallback(async () => {
    if (path === null) return
    try {
      await keepHeard(db, path, schema.parse(await api.get(path)))
      setWrong(null)
    } catch (error) {
      setWrong(sentenceOf(error))
    }
  }, [api, db, path, schema])
  useEffect(() => void reload(), [reload])
  const read = kept === undefined ? undefined : schema.safeParse(kept.body)
  return { data: read?.success ? read.data : undefined, at: kept?.at ?? null, wrong, reload }
}

/** A path with those parameters that have a value. */
export function pathWith(path: string, query: Record<string, string | null>): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== null)
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`
}
