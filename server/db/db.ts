// The one seam to the database.
// owns: what a reader, a transaction and a procedure are. never: a table's meaning.
// always true: every write happens in a named procedure, whose arguments are plain data that it does not change and whose
// body waits for nothing but its `tx` - so it may be grouped with others into one commit (SQLite), and be tried again.

export type Value = string | number | null | Uint8Array
export type Row = Record<string, Value>

export interface Reader {
  /** The first row, or undefined. `?` marks parameters on both databases. */
  get<T = Row>(sql: string, params?: readonly Value[]): Promise<T | undefined>
  all<T = Row>(sql: string, params?: readonly Value[]): Promise<T[]>
}

/** A commit being made. It cannot reach the network. */
export interface Tx extends Reader {
  /** Runs a write; answers how many rows it changed. */
  run(sql: string, params?: readonly Value[]): Promise<number>
  /** Milliseconds since the epoch, the same throughout the commit. */
  readonly now: number
  /** A new id; see ids.ts. */
  id(prefix: string): string
  /** Notes that a feed has reached `rev`; listeners hear of it once the commit is durable. */
  poke(feed: string, rev: number): void
  /** Secret material for signing inside a commit. */
  readonly secrets: Secrets
}

/** Handed to the database once, after start. */
export type Secrets = { issuer: string; receiptKeyPem: string; receiptKid: string }

export type Procedure<A, R> = {
  readonly name: string
  readonly run: (tx: Tx, args: A) => Promise<R>
  readonly bookkeeping: boolean
}

export type Poke = { feed: string; rev: number }

export interface Db extends Reader {
  readonly dialect: 'sqlite' | 'postgres'
  /**
   * Runs a procedure in a commit of its own (or grouped with others, each all or nothing) and answers when it is durable.
   * @throws Fault whatever the procedure throws; `ledger_unavailable` when the store cannot commit
   */
  tx<A, R>(procedure: Procedure<A, R>, args: A): Promise<R>
  /** Several reads of one moment. */
  snapshot<T>(read: (reader: Reader) => Promise<T>): Promise<T>
  onPoke(listener: (poke: Poke) => void): () => void
  /**
   * Counts the commits that may have changed what `keeping` keeps; a caller who was answered finds it counted.
   * Null where other processes commit too.
   */
  changes(): number | null
  /**
   * Waits until everything that a reader may have seen by now is durable; null when it is already. Who tells the world
   * what was read, and not what `tx` answered, waits for this first.
   * @throws Fault `ledger_unavailable` when nobody will know any more
   */
  settled(): Promise<void> | null
  setSecrets(secrets: Secrets): Promise<void>
  close(): Promise<void>
}

const declared = new Set<string>()

/**
 * Declares a procedure, at the top level of a module.
 * @param name unique, "module.verb"
 * @param run the body; its arguments are plain data, not copied, and it may run more than once with them
 * @param options.bookkeeping it changes nothing that says who may call whom (keys, links, connections, people, apps): what
 * was read of those through `keeping` is still true after it
 */
export function procedure<A, R>(
  name: string,
  run: (tx: Tx, args: A) => Promise<R>,
  options: { bookkeeping?: true } = {},
): Procedure<A, R> {
  if (declared.has(name)) throw new Error(`procedure ${name} is declared twice`)
  declared.add(name)
  return { name, run, bookkeeping: options.bookkeeping === true }
}
