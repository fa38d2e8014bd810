// The wallet's check of its receipts, in the wallet and as a command: what is altered, removed or moved is named.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { Change } from '../server/contract/feed.ts'
import type { ReceiptRow } from '../server/contract/records.ts'
import { audit, firstFork, type WalletExport } from '../src-renderer/audit.ts'
import { run } from '../src-renderer/command.ts'
import { judge } from '../src-renderer/db-restart.ts'
import { checkReceipts, keyFinder } from '../src-renderer/verify.ts'
import { World } from './wallet/support-world.ts'

const CALLS = 6
const START = Date.parse('2026-11-20T10:00:00Z')
const HOUR_MS = 3_600_000

/** A world of six calls, an hour apart, and its receipts as the feed brings them. */
function six(): { world: World; changes: Change[] } {
  const world = new World()
  for (let i = 0; i < CALLS; i++) world.call('sketch', { at: START + i * HOUR_MS })
  return { world, changes: world.changes }
}
const { world, changes } = six()
const keys = [world.jwk as JsonWebKey]

const marksOf = async (altered: Change[]) => {
  const { entries, again } = await checkReceipts(altered, null, keyFinder(keys).keyOf)
  return { marks: entries.map(({ mark }) => mark), again: again.length }
}

const fine = (n: number) => Array.from({ length: n }, () => 'verified')
const rowOf = (change: Change | undefined) => change?.row as ReceiptRow
/** The third receipt with its row changed, numbers as they were. */
const third = (change: (row: ReceiptRow) => object): Change[] =>
  changes.map((c, i) => (i === 2 ? { ...c, row: { ...c.row, ...change(rowOf(c)) } } : c))
/** Numbers from 1 without gaps, so that nothing but the receipts themselves can tell. */
const renumbered = (list: (Change | undefined)[]): Change[] => list.flatMap((c, i) => (c ? [{ ...c, rev: i + 1 }] : []))
const withByte = (receipt: string, at: number): string => {
  const other = receipt[at] === 'A' ? 'B' : 'A'
  return receipt.slice(0, at) + other + receipt.slice(at + 1)
}

describe('receipts that are not as they were signed', () => {
  const rows: [string, Change[], { marks: string[]; again: number }][] = [
    ['as they were', changes, { marks: fine(6), again: 0 }],
    [
      'the row says another total',
      third(({ credits_used }) => ({ credits_used: credits_used + 1 })),
      { marks: ['verified', 'verified', 'row', ...fine(3)], again: 0 },
    ],
    [
      'the row says another model',
      third(() => ({ model: 'openai/gpt-5' })),
      { marks: ['verified', 'verified', 'row', ...fine(3)], again: 0 },
    ],
    [
      'one is removed, and the numbers closed up',
      renumbered(changes.filter((_, i) => i !== 2)),
      { marks: ['verified', 'verified', 'row', 'row', 'row'], again: 0 },
    ],
    [
      'one is removed',
      changes.filter((_, i) => i !== 2),
      { marks: ['verified', 'verified', 'chain', 'verified', 'verified'], again: 0 },
    ],
    [
      'two have changed places',
      renumbered([0, 1, 3, 2, 4, 5].map((i) => changes[i])),
      { marks: ['verified', 'verified', 'row', ...fine(2)], again: 1 },
    ],
  ]
  for (const [what, altered, expected] of rows)
    test(what, async () => assert.deepEqual(await marksOf(altered), expected))

  test('one byte, wherever it is: never verified, and what follows does not hang on to it', async () => {
    const { receipt } = rowOf(changes[2])
    const last = receipt.length - 1 // its lowest bits are padding, which base64url ignores
    for (let at = 0; at < last; at += 7) {
      if (receipt[at] === '.') continue
      const altered = third(() => ({ receipt: withByte(receipt, at) }))
      const { entries, again } = await checkReceipts(altered, null, keyFinder(keys).keyOf)
      const all = [...entries, ...again.map(({ entry }) => entry)]
      const hit = all.find(({ id }) => id === rowOf(changes[2]).request_id)
      assert.notEqual(hit?.mark, 'verified', `byte ${at}`)
      const next = all.find(({ id }) => id === rowOf(changes[3]).request_id)
      assert.equal(next?.mark, 'chain', `after byte ${at}`)
    }
  })
  test('a key that the server never published', async () => {
    const { entries } = await checkReceipts(changes, null, keyFinder([]).keyOf)
    assert.deepEqual(
      entries.map(({ mark }) => mark),
      Array.from({ length: 6 }, () => 'signature'),
    )
  })
})

// --- the command -----------------------------------------------------------------------------------------------------

const folder = mkdtempSync(join(tmpdir(), 'quota-verify-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const exportOf = (list: Change[], change: Partial<WalletExport> = {}): WalletExport => ({
  format: 'quota-wallet',
  version: 1,
  made_at: '2026-11-26T12:00:00.000Z',
  server: 'https://fake.test',
  account: 'usr_ann',
  time_zone: 'UTC',
  keys: keys as WalletExport['keys'],
  documents: [],
  evidence: [],
  receipts: list.map(({ rev, row }) => ({ rev, row: row as WalletExport['receipts'][0]['row'] })),
  ...change,
})
let files = 0
function fileOf(value: unknown): string {
  const name = join(folder, `${++files}.json`)
  writeFileSync(name, typeof value === 'string' ? value : JSON.stringify(value))
  return name
}
async function command(...args: string[]): Promise<{ status: number; said: string }> {
  const lines: string[] = []
  return { status: await run(args, (line) => lines.push(line)), said: lines.join('\n') }
}

/** The same person's history, told again from the fourth call on. */
function retold(): Change[] {
  const other = six().world
  Object.assign(other, { key: world.key, jwk: world.jwk, changes: changes.slice(0, 3) })
  other.lastHash = JSON.parse(Buffer.from(rowOf(changes[3]).receipt.split('.')[1] ?? '', 'base64url').toString()).prev
  for (let i = 3; i < CALLS; i++) other.call('sketch', { at: START + i * HOUR_MS, input: 9999 })
  return other.changes
}

describe('quota-wallet verify', () => {
  const good = fileOf(exportOf(changes))
  const account = fileOf({ exported_at: 'x', profile: { id: 'usr_ann' }, receipts: changes.map(({ row }) => row) })
  const published = fileOf({ keys })
  const vanished = { evidence: [{ epoch: 'e', batch: 1, ...exportOf(retold()).receipts[4] }] } as Partial<WalletExport>
  const rows: [string, string[], 0 | 1 | 2, RegExp][] = [
    ['all is well', ['verify', good], 0, /6 of 6 charges verified\.$/],
    ['an empty log', ['verify', fileOf(exportOf([]))], 0, /0 of 0/],
    ['an account’s export, with the published keys', ['verify', '--keys', published, account], 0, /6 of 6/],
    ['an account’s export without keys', ['verify', account], 2, /holds no keys/],
    [
      'one altered',
      ['verify', fileOf(exportOf(third(() => ({ model: 'x' }))))],
      1,
      /WRONG {2}3 .*disagree\.\n5 of 6.*DO NOT RELY/s,
    ],
    ['one removed', ['verify', fileOf(exportOf(changes.filter((_, i) => i !== 2)))], 1, /WRONG {2}4 .*does not follow/],
    [
      'no receipt at all',
      ['verify', fileOf(exportOf(third(() => ({ receipt: 'x', units: 'x' }))))],
      1,
      /this is no receipt/,
    ],
    ['keys that are not these', ['verify', '--keys', fileOf({ keys: [new World().jwk] }), good], 1, /0 of 6/],
    [
      'a later export of the same history',
      ['verify', good, fileOf(exportOf(changes.slice(0, 4)))],
      0,
      /the same story/,
    ],
    ['two stories', ['verify', good, fileOf(exportOf(retold()))], 1, /TWO STORIES: from number 4 on/],
    [
      'what the server signed and no longer names',
      ['verify', fileOf(exportOf(changes, vanished))],
      0,
      /no longer names 1 .* sign 1/,
    ],
    ['not JSON', ['verify', fileOf('{')], 2, /this is not JSON/],
    ['no such file', ['verify', join(folder, 'none.json')], 2, /ENOENT/],
    ['something else', ['verify', fileOf({ hello: 1 })], 2, /no export of a Quota Wallet/],
    ['no file named', ['verify'], 2, /Usage/],
    ['another command', ['sign', good], 2, /Usage/],
    ['an option that is none', ['verify', '--fast', good], 2, /--fast[\s\S]*Usage/],
  ]
  for (const [what, args, status, says] of rows) {
    test(`${what}: ${status}`, async () => {
      const answer = await command(...args)
      assert.match(answer.said, says)
      assert.equal(answer.status, status)
    })
  }
  test('two exports fork where they first differ, and not where one is merely older', async () => {
    const [a, b] = [await audit(exportOf(changes), keys), await audit(exportOf(retold()), keys)]
    assert.equal(a.verified + b.verified, 12)
    assert.equal(firstFork(a.entries, b.entries)?.rev, 4)
    assert.equal(firstFork(a.entries, a.entries.slice(0, 2)), null)
  })
})

// --- another history of the server -----------------------------------------------------------------------------------

describe('what became of the entries held before', () => {
  const held = (...list: [hash: string, at: number][]) =>
    list.map(([hash, at]) => ({ hash, at, row: { credits_used: 10 } as ReceiptRow }))
  const before = held(['a', 1], ['b', 2], ['c', 3])
  const rows: [string, ReturnType<typeof held>, object][] = [
    [
      'nothing, and more came',
      held(['a', 1], ['b', 2], ['c', 3], ['d', 4]),
      { kind: 'same', kept: 3, gone: 0, since: null },
    ],
    ['the newest are gone', held(['a', 1]), { kind: 'restored', kept: 1, gone: 2, goneMicros: 20, since: 2 }],
    [
      'gone, and the server went on from there',
      held(['a', 1], ['x', 4], ['y', 5]),
      { kind: 'restored', gone: 2, since: 2 },
    ],
    ['all of them', held(), { kind: 'restored', kept: 0, gone: 3, since: 1 }],
    [
      'others for the same time',
      held(['a', 1], ['x', 2], ['y', 3]),
      { kind: 'rewritten', gone: 2, goneMicros: 20, since: 2 },
    ],
    ['one slipped in between', held(['a', 1], ['x', 2], ['b', 2], ['c', 3]), { kind: 'rewritten', gone: 0 }],
  ]
  for (const [what, now, expected] of rows)
    test(what, () => assert.partialDeepStrictEqual(judge(before, now), expected))
})
