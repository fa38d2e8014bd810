// When what is committed is on disk.
// owns: the order of commit, flush and answer. never: SQLite, a file of its own choice.
// always true: nothing is answered before a flush that began after its commit has ended; commits go on meanwhile, and
// one flush answers for all of them. A flush that fails is the end: what the disk then holds nobody knows (fsyncgate).

export type Flusher = {
  /** Calls back once what is committed now is on disk. Callbacks come in the order they were given. */
  afterFlush(done: () => void): void
  /** Waits until nobody waits any more. @throws what the flush threw */
  ended(): Promise<void>
}

/** @param flush writes everything committed so far to the disk, and waits for it (fdatasync of the write-ahead log) */
export function flusher(flush: () => Promise<void>): Flusher {
  let waiting: (() => void)[] = []
  let running: Promise<void> | null = null
  const run = async () => {
    while (waiting.length > 0) {
      const covered = waiting
      waiting = []
      await flush()
      for (const done of covered) done()
    }
    running = null
  }
  return {
    afterFlush(done) {
      waiting.push(done)
      running ??= run()
    },
    ended: async () => {
      await running
    },
  }
}
