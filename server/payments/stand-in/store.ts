// What the stand-in remembers, as a port.
// owns: the port, and the one in memory. never: a meaning of an object.
// always true: a unit of work sees one moment and writes all or nothing; units that write follow one another.

export type Kept = {
  readonly id: string
  /** Stripe's name of the object, or one of ours that no request can name (`_…`). */
  readonly kind: string
  /** The connected account it belongs to; empty for the platform's own. */
  readonly owner: string
  /** Orders objects by their first commit; lists run backwards over it. */
  readonly seq: number
  readonly doc: unknown
}

/** An object that is new or changed, or gone (its `doc` is null); a new one gets its place in the order. */
export type Write = Omit<Kept, 'seq'>

export type StoreReader = {
  get(id: string): Promise<Kept | undefined>
  /** Newest first. @param page.before only what is older than this `seq` */
  page(kind: string, owner: string, page: { before?: number; limit: number }): Promise<Kept[]>
}

export type Store = {
  /** Runs `act` and makes its writes durable; may run it again when another writer came between. */
  work<T>(act: (reader: StoreReader) => Promise<{ result: T; writes: readonly Write[] }>): Promise<T>
}

/** A store that ends with its process. */
export function memoryStore(): Store {
  const byId = new Map<string, Kept>()
  const shelves = new Map<string, Kept[]>()
  let seq = 0
  let turn: Promise<unknown> = Promise.resolve()

  const shelf = (kind: string, owner: string): Kept[] => {
    const name = `${owner}/${kind}`
    const found = shelves.get(name) ?? []
    shelves.set(name, found)
    return found
  }
  const reader: StoreReader = {
    get: async (id) => byId.get(id),
    page: async (kind, owner, { before = Number.POSITIVE_INFINITY, limit }) => {
      const all = shelf(kind, owner)
      const end = firstNotBelow(all, before)
      return all.slice(Math.max(0, end - limit), end).reverse()
    },
  }
  const write = (given: Write) => {
    const before = byId.get(given.id)
    if (given.doc === null) {
      if (before)
        shelf(before.kind, before.owner).splice(firstNotBelow(shelf(before.kind, before.owner), before.seq), 1)
      byId.delete(given.id)
      return
    }
    const kept: Kept = { ...given, doc: frozen(given.doc), seq: before?.seq ?? ++seq }
    const all = shelf(given.kind, given.owner)
    if (before) all[firstNotBelow(all, kept.seq)] = kept
    else all.push(kept)
    byId.set(given.id, kept)
  }
  return {
    work: (act) => {
      const run = turn.then(async () => {
        const { result, writes } = await act(reader)
        for (const one of writes) write(one)
        return result
      })
      turn = run.catch(() => undefined)
      return run
    },
  }
}

/** Where in a shelf, which is in order, `seq` begins. */
function firstNotBelow(shelf: readonly Kept[], seq: number): number {
  let low = 0
  let high = shelf.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((shelf[middle]?.seq ?? 0) < seq) low = middle + 1
    else high = middle
  }
  return low
}

/** What is kept is shared by all readers, so nobody may change it in place. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) frozen(inner)
  return Object.freeze(value)
}
