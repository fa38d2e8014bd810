// What leaves for an accountant: the journal is one that plain-text accounting reads, and it says what the ledger says.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { sealAll } from '../../server/ledger/chain.ts'
import { account } from '../../server/ledger/chart.ts'
import { csvOf, journalOf } from '../../server/payments/books-export.ts'
import { observePayment } from '../../server/payments/observe.ts'
import { eachDatabase } from '../support/databases.ts'
import { readJournal } from '../support/journal.ts'
import { earnFrom } from './money.procedures.ts'
import { type PayWorld, payWorld } from './pay.rig.ts'

const ALWAYS = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER }
const DAY = 86_400_000
const HLEDGER = spawnSync('hledger', ['--version']).status === 0 ? false : 'hledger is not installed (Debian: hledger)'

async function textOf(parts: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const part of parts) text += part
  return text
}

/** Purchases, a refund, a dispute that was lost with a debt, earnings of a publisher; on two days. */
async function busy(w: PayWorld): Promise<void> {
  const [ann, bob, publisher] = [await w.person(), await w.person(), await w.person()]
  await w.buy({ userId: ann }, 'pro')
  const { payment, charge } = await w.buy({ userId: bob })
  await w.db.tx(earnFrom, { from: account.user(bob), publisher, amount: 3_000_001 })
  await w.askRefund(ann, 10_000_000)
  await w.carry()
  w.advance(DAY)
  const dispute = await w.stripe.dispute(charge)
  await observePayment(w.deps, payment)
  await w.stripe.closeDispute(dispute.id, 'lost')
  await observePayment(w.deps, payment)
  await sealAll(w.db)
}

eachDatabase('the accounting journal', (open) => {
  test('balances, line by line and in all, and ends where the ledger stands; so does the CSV file', async () => {
    const w = await payWorld(open)
    await busy(w)
    const text = await textOf(journalOf(w.db, ALWAYS))
    const { transactions, balances } = readJournal(text)
    assert.ok(transactions >= 6, text)
    const sum = (name: RegExp) => [...balances].reduce((all, [id, n]) => all + (name.test(id) ? n : 0n), 0n)
    assert.equal(sum(/^assets:stripe$/), BigInt(-(await w.total(account.stripe))))
    assert.equal(sum(/^income:fees$/), BigInt(-(await w.total(account.fees))))
    assert.equal(sum(/^assets:receivable:/), 3_000_001n)
    assert.equal(sum(/^liabilities:wallets:/), -36_500_000n)
    assert.equal(sum(/./), 0n)
    const later = readJournal(await textOf(journalOf(w.db, { ...ALWAYS, fromMs: Date.parse('2026-11-24') })))
    assert.ok(later.transactions > 0 && later.transactions < transactions)

    const rows = (await textOf(csvOf(w.db, ALWAYS))).trimEnd().split('\r\n').slice(1)
    const inCsv = new Map<string, bigint>()
    for (const [, , , , , name = '', amount = ''] of rows.map((row) => row.split(',')))
      inCsv.set(name, (inCsv.get(name) ?? 0n) + BigInt(amount.replace('.', '')))
    assert.deepEqual(inCsv, balances)
  })

  test('hledger reads it, and comes to the same balances', { skip: HLEDGER }, async () => {
    const w = await payWorld(open)
    await busy(w)
    const text = await textOf(journalOf(w.db, ALWAYS))
    const { balances } = readJournal(text)
    assert.deepEqual(byHledger(text), new Map([...balances].filter(([, n]) => n !== 0n)))
  })
})

/** What hledger makes of a journal; it refuses one that does not balance. */
function byHledger(text: string): Map<string, bigint> {
  const args = ['-f-', 'balance', '--flat', '--no-total', '-O', 'csv']
  const { status, stdout, stderr } = spawnSync('hledger', args, { input: text, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  const rows = [...stdout.matchAll(/^"([^"]+)","(?:USD )?(-?[\d.]+)"\r?$/gm)]
  return new Map(rows.map(([, name = '', amount = '']) => [name, micros(amount)]))
}

/** "10.5" is 10500000: hledger may leave out zeros at the end. */
function micros(amount: string): bigint {
  const [whole = '', fraction = ''] = amount.split('.')
  return BigInt(whole + fraction.padEnd(6, '0'))
}

describe('the reader of journals', () => {
  const head = 'commodity USD 1000.000000\n\n'
  const good = `${head}2026-11-24 * (7) topup:pi_1 | basic\n    assets:stripe  USD 1.000000\n    liabilities:wallets:u  USD -1.000000\n\n`
  test('takes a journal of ours', () => assert.equal(readJournal(good).transactions, 1))
  const rows: [string, string, RegExp][] = [
    ['a sum that is not zero', good.replace('-1.000000', '-0.999999'), /sums to 1$/],
    ['one space before an amount', good.replace('stripe  USD', 'stripe USD'), /line 4: no posting/],
    ['an amount without its decimals', good.replace('1.000000\n    l', '1.0\n    l'), /no posting/],
    ['a day that is none', good.replace('11-24', '02-30'), /no transaction/],
    ['a comment sign in a description', good.replace('| basic', '; basic'), /no transaction/],
    ['an empty part of a name', good.replace('wallets:u', 'wallets:'), /no posting/],
    ['a single posting', good.replace(/ {4}liab.*\n/, ''), /two postings/],
    ['a cut', good.slice(0, -2), /cut|no end/],
    ['two transactions in the wrong order', good + good.slice(head.length), /out of order/],
  ]
  for (const [name, text, error] of rows) test(`refuses ${name}`, () => assert.throws(() => readJournal(text), error))
})
