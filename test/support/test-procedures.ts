// Procedures that only tests call: the ledger's verbs as plain data, and raw SQL inside a commit.
// owns: a way to reach ledger functions through db.tx on both databases. never: imported by the server.
// always true: an act does exactly one call of the ledger; a list of acts is one commit, all or none.

import fs from 'node:fs'
import { procedure, type Tx, type Value } from '../../server/db/db.ts'
import * as feed from '../../server/feed/feed.ts'
import * as ledger from '../../server/ledger/ledger.ts'

export type Act =
  | { verb: 'open'; account: string }
  | { verb: 'floor'; account: string; floor: number }
  | ({ verb: 'transfer' } & ledger.Transfer)
  | ({ verb: 'hold' } & ledger.Hold)
  | ({ verb: 'settle' } & ledger.Settle)
  | ({ verb: 'void' | 'expire' } & ledger.Ending)
  | { verb: 'renew'; holdId: string; ttlMs: number; checkpoint: string | null }

async function act(tx: Tx, one: Act): Promise<string> {
  switch (one.verb) {
    case 'open':
      await ledger.openAccount(tx, one.account)
      return 'created'
    case 'floor':
      await ledger.setFloor(tx, one.account, one.floor)
      return 'created'
    case 'transfer':
      return await ledger.transfer(tx, one)
    case 'hold':
      return await ledger.hold(tx, one)
    case 'settle':
      return await ledger.settle(tx, one)
    case 'void':
    case 'expire':
      return await ledger.voidHold(tx, one, one.verb)
    case 'renew':
      return (await ledger.renewHold(tx, one.holdId, one.ttlMs, one.checkpoint)) ? 'created' : 'no_hold'
  }
}

/** Runs acts in one commit; answers the ledger's own word for each. */
export const acts = procedure('test.acts', async (tx: Tx, list: readonly Act[]): Promise<string[]> => {
  const words: string[] = []
  for (const one of list) words.push(await act(tx, one))
  return words
})

/** Runs acts in one commit and then throws, so that nothing of them may stand. */
export const actsThenThrow = procedure('test.actsThenThrow', async (tx: Tx, list: readonly Act[]): Promise<void> => {
  for (const one of list) await act(tx, one)
  throw new Error('thrown by the test after its acts')
})

/** Runs a statement that changes rows. */
export const sql = procedure(
  'test.sql',
  (tx: Tx, args: { text: string; params?: Value[] }): Promise<number> => tx.run(args.text, args.params),
)

/** Runs a statement that answers rows (a PRAGMA of the writer, for one). */
export const query = procedure(
  'test.query',
  (tx: Tx, args: { text: string; params?: Value[] }): Promise<unknown[]> => tx.all(args.text, args.params),
)

/** Swallows a failed write and goes on as if nothing were; code must not do this, so the store has to notice. */
export const swallow = procedure('test.swallow', async (tx: Tx, args: { account: string }): Promise<string> => {
  await ledger.openAccount(tx, args.account)
  await tx.run('UPDATE accounts SET held = -1 WHERE id = ?', [args.account]).catch(() => 0)
  return 'went on'
})

export const appendChanges = procedure(
  'test.appendChanges',
  (tx: Tx, args: { feed: string; changes: feed.FeedChange[] }): Promise<number> =>
    feed.append(tx, args.feed, args.changes),
)

export const appendThenThrow = procedure(
  'test.appendThenThrow',
  async (tx: Tx, args: { feed: string; changes: feed.FeedChange[] }): Promise<void> => {
    await feed.append(tx, args.feed, args.changes)
    throw new Error('thrown by the test after its changes')
  },
)

export const receiptHash = procedure(
  'test.receiptHash',
  async (tx: Tx, args: { feed: string; hash: string | null }): Promise<string | null> => {
    const { receiptHash: before } = await feed.takeRevs(tx, args.feed, 1)
    if (args.hash !== null) await feed.setReceiptHash(tx, args.feed, args.hash)
    return before
  },
)

/** What a commit sees of its surroundings. */
export const surroundings = procedure('test.surroundings', async (tx: Tx) => ({
  now: tx.now,
  ids: [tx.id('x'), tx.id('x')],
  issuer: tx.secrets.issuer,
}))

/** Empties the books between random sequences, past the triggers that forbid it. */
export const wipe = procedure('test.wipe', async (tx: Tx, dialect: 'sqlite' | 'postgres'): Promise<void> => {
  if (dialect === 'postgres') {
    await tx.run('ALTER TABLE movements DISABLE TRIGGER USER')
    await tx.run('TRUNCATE open_holds, movements, accounts, leases')
    await tx.run('ALTER TABLE movements ENABLE TRIGGER USER')
  } else {
    const triggers = await tx.all<{ name: string; sql: string }>(
      `SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'movements'`,
    )
    for (const { name } of triggers) await tx.run(`DROP TRIGGER ${name}`)
    await tx.run('DELETE FROM open_holds')
    await tx.run('DELETE FROM movements WHERE hold_id IS NOT NULL')
    await tx.run('DELETE FROM movements')
    await tx.run('DELETE FROM accounts')
    await tx.run('DELETE FROM leases')
    for (const trigger of triggers) await tx.run(trigger.sql)
  }
  await tx.run(`UPDATE chain_head SET seq = 0, hash = ''`)
})

/** Pokes a feed and, if asked, throws after. */
export const pokeAnd = procedure(
  'test.pokeAnd',
  async (tx: Tx, args: { feed: string; rev: number; ending: 'stand' | 'throw' }): Promise<void> => {
    tx.poke(args.feed, args.rev)
    if (args.ending === 'throw') throw new Error('thrown by the test after its poke')
  },
)

// The writer's flush, held up. Nothing that is committed meanwhile may be answered.
const flush = fs.fdatasync
const heldUp: ((error: Error | null) => void)[] = []

/**
 * `hold`: from now on flushes wait; the flush of this very call is the last one that does not. `release`: they go on, and
 * end well. `fail`: the first one that waits fails, as a broken disk's does.
 */
export const flushes = procedure('test.flushes', async (_tx: Tx, what: 'hold' | 'release' | 'fail'): Promise<void> => {
  const wait = ((_handle: number, done: (error: Error | null) => void) => void heldUp.push(done)) as typeof fs.fdatasync
  if (what === 'hold') setImmediate(() => Object.assign(fs, { fdatasync: wait }))
  else {
    Object.assign(fs, { fdatasync: flush })
    for (const done of heldUp.splice(0)) done(what === 'fail' ? new Error('EIO: the disk is broken') : null)
  }
})
