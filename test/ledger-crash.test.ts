// kill -9: what was acknowledged is there, what is there is whole, and every hold ended at most once.
// owns: crashes of the whole process. never: a polite shutdown (db.test.ts).
// always true: an acknowledgement is printed only after db.tx answered, so each printed id must be found.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openSqlite } from '../server/db/sqlite.ts'
import { stands } from '../server/ledger/ledger.ts'
import { assertInOrder } from './support/databases.ts'

const ROUNDS = 20
const WRITERS = 16
const at = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)

// Writes for as long as it lives: hold, settle or void, and a seal now and then; prints each id once it is acknowledged.
const CHILD = `
const { openSqlite } = await import(${at('../server/db/sqlite.ts')})
const t = await import(${at('./support/test-procedures.ts')})
const { seal } = await import(${at('../server/ledger/chain.ts')})
const [, , dir, round] = process.argv
const db = await openSqlite({ dir, now: Date.now })
const say = (id) => process.stdout.write(id + '\\n')
await db.tx(t.acts, [{ verb: 'transfer', id: 't' + round, legs: [{ from: 'world:stripe', to: 'user:ann', amount: 1_000_000 }] }])
say('t' + round)
async function writer(w) {
  for (let i = 0; ; i++) {
    const id = 'h' + round + '.' + w + '.' + i
    const leg = { from: 'user:ann', to: 'sales', amount: 3 }
    await db.tx(t.acts, [{ verb: 'hold', id, legs: [leg], owner: 'r' + round, ttlMs: 1000 }])
    say(id)
    const end = i % 3 === 0 ? { verb: 'void', holdId: id } : { verb: 'settle', holdId: id, legs: [{ ...leg, amount: 2 }] }
    await db.tx(t.acts, [end])
    say(id + '.end')
    if (w === 0 && i % 10 === 0) await db.tx(seal, undefined)
  }
}
for (let w = 0; w < ${WRITERS}; w++) writer(w)
`

/** Runs the child and kills it `afterMs` after its first acknowledgement. @returns the ids it acknowledged */
function runAndKill(script: string, dir: string, round: number, afterMs: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, dir, String(round)], { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    let complaint = ''
    child.stdout.on('data', (piece) => {
      if (said === '') setTimeout(() => child.kill('SIGKILL'), afterMs)
      said += piece
    })
    child.stderr.on('data', (piece) => {
      complaint += piece
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (signal !== 'SIGKILL') return reject(new Error(`the child ended by itself (${code}): ${complaint}`))
      resolve(said.slice(0, said.lastIndexOf('\n')).split('\n')) // the last line may be cut
    })
  })
}

test(`kill -9 at random moments, ${ROUNDS} rounds (SQLite)`, { timeout: 120_000 }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'quota-crash-'))
  const script = join(dir, 'child.mjs')
  writeFileSync(script, CHILD)
  const acknowledged: string[] = []
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const afterMs = Math.random() * 120
      acknowledged.push(...(await runAndKill(script, dir, round, afterMs)))
      const db = await openSqlite({
        dir,

        now: Date.now,
      })
      try {
        const there = new Set((await db.all<{ id: string }>('SELECT id FROM movements')).map((row) => row.id))
        const lost = acknowledged.filter((id) => !there.has(id))
        assert.deepEqual(lost, [], `round ${round}: acknowledged and not there (killed after ${afterMs} ms)`)
        const report = await assertInOrder(db)
        assert.ok(report.movements >= acknowledged.length)
        assert.ok(report.openHolds <= WRITERS * (round + 1), 'at most one open hold a writer and round')
        assert.equal((await stands(db, 'user:ann')).held, 3 * report.openHolds)
      } finally {
        await db.close()
      }
    }
    assert.ok(
      acknowledged.length > ROUNDS * 20,
      `only ${acknowledged.length} acknowledgements: the rounds prove little`,
    )
    assert.equal(new Set(acknowledged).size, acknowledged.length)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
