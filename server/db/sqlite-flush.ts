// When what is committed is on disk.
// owns: the order of commit, flush and answer. never: SQLite, a file of its own choice.
// always true: nothing is answered before a flush that began after its commit has ended; commits go on meanwhile, and
// one flush answers for all of them. A flush that fails is the end: what the disk then holds nobody knows (fsyncgate).

/** Told once what was committed before is on disk, or that nobody will ever know. */
export type Flushed = (failure: Error | null) => void

export type Flusher = {
  /** Calls back once what is committed now is on disk. Callbacks come in the order they were given. */
  afterFlush(done: Flushed): void
  /** Whether everything committed so far is on disk. */
  idle(): boolean
  /** Waits until nobody waits any more. */
  ended(): Promise<void>
}

/** @param flush writes everything committed so far to the disk, and waits for it (fdatasync of the write-ahead log) */
export function flusher(flush: () => Promise<void>): Flusher {
  let waiting: Flushed[] = []
  let running: Promise<void> | null = null
  let failure: Error | null = null
  const run = async () => {
    while (waiting.length > 0) {
      const covered = waiting
      waiting = []
      if (failure === null) {
        await flush().catch((error) => {
          failure = error
        })
      }
      for (const done of covered) done(failure)
    }
    running = null
  }
  return {
    afterFlush(done) {
      waiting.push(done)
      running ??= run()
    },
    idle: () => running === null,
    ended: async () => {
      await running
    },
  }
}
