// The ledger, as tables: every verb, every refusal, and what else moved - usually nothing.
// The language is described in support/ledger-table.ts. Each table runs on SQLite and on Postgres.
//
// Planted bugs, tried one at a time in a copy of server/ and undone (SQLite; the counts are red tests of this file,
// ledger.model, ledger-concurrency and ledger-tamper together). The model found each of them by itself as well.
//
//   hold without its WHERE guard (the CHECK still stands)     14, e.g. "what is held cannot be spent, nor held again"
//   the same with the CHECK dropped                           15, e.g. "200 holds of 1,000 on a balance of 10,000"
//   hold guard compares with 0 instead of the floor            3: both tables about floors and limits
//   transfer guard ignores what is held                        4, e.g. "a payout: held, refused meanwhile, voided …"
//   void does not release                                      7, e.g. "ending with void"
//   settle releases only what it took                         47: nearly everything, by the audit
//   settle twice (UNIQUE dropped, endings get fresh ids)      10, e.g. "one hold, ended 30 times at once in three ways"
//   settle may take more than was held                         2: "settling more than was held is a mistake of ours …"
//   one leg forgotten by hold                                 11, e.g. "two legs, all or none: the second is short"
//   one leg forgotten by transfer                             35
//   an account that a settlement pays from and into           4: "a settlement may pay from one account of the hold …"
//   `exists` without comparing the content                     5, e.g. "the same id with other content"
//   a refused call is not rolled back within its batch        19, e.g. "a refused id was never used"
//   the sealer skips accounts without a floor, or adds holds  65, 59
//   open_holds keeps what has ended                           53, by the audit
//   amounts are not checked                                    2: "amounts that are no amounts"

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachDatabase } from './support/databases.ts'
import { parseTable, runTable } from './support/ledger-table.ts'

const TABLES: Record<string, string> = {
  'the story: top up, hold, settle, end again': `
    open     user:ann  floor 0
    topup    t1  user:ann 1000             created
    hold     h1  user:ann → sales 300      created
    stands   user:ann  posted 1000  held 300
    hold     h2  user:ann → sales 800      insufficient_balance
    settle   h1  120                       created
    settle   h1  120                       exists
    settle   h1  121                       already_settled
    void     h1                            already_settled
    expire   h1                            already_settled
    topup    t1  user:ann 999              id_reused
    stands   sales  posted 120
    stands   world:stripe  posted -1000
    stands   user:ann  posted 880  held 0`,

  'a transfer: to the last micro, and not one further': `
    topup    t1  user:ann 1000                     created
    transfer t2  user:ann → user:bob 1001          insufficient_balance
    transfer t2  user:ann → user:bob 1000          created
    transfer t3  user:ann → user:bob 1             insufficient_balance
    transfer t4  user:bob → user:ann 400           created
    stands   user:ann  posted 400   held 0
    stands   user:bob  posted 600   held 0
    stands   world:stripe  posted -1000`,

  'a refused id was never used: it may be used later': `
    transfer t1  user:ann → user:bob 5             insufficient_balance
    hold     h1  user:ann → sales 5                insufficient_balance
    topup    t0  user:ann 10                       created
    transfer t1  user:ann → user:bob 5             created
    hold     h1  user:ann → sales 5                created
    stands   user:ann  posted 5  held 5
    stands   user:bob  posted 5  held 0`,

  'accounts that were never opened stand at nothing': `
    transfer t1  user:ann → user:bob 1             insufficient_balance
    hold     h1  user:ann → sales 1                insufficient_balance
    hold     h2  cap:c1:w1 → limits 1              insufficient_balance
    stands   user:ann  posted 0  held 0
    stands   sales     posted 0`,

  'what is held cannot be spent, nor held again': `
    topup    t1  user:ann 1000                     created
    hold     h1  user:ann → sales 600              created
    transfer t2  user:ann → user:bob 401           insufficient_balance
    hold     h2  user:ann → sales 401              insufficient_balance
    hold     h2  user:ann → sales 400              created
    hold     h3  user:ann → sales 1                insufficient_balance
    void     h2                                    created
    transfer t2  user:ann → user:bob 400           created
    stands   user:ann  posted 600  held 600
    stands   user:bob  posted 400  held 0`,

  'ending with void': `
    topup    t1  user:ann 1000                     created
    hold     h1  user:ann → sales 300              created
    void     h1                                    created
    void     h1                                    exists
    expire   h1                                    already_voided
    settle   h1  1                                 already_voided
    settle   h1  nothing                           already_voided
    hold     h1  user:ann → sales 300              exists
    stands   sales     posted 0
    stands   user:ann  posted 1000  held 0`,

  'ending by the clock': `
    topup    t1  user:ann 1000                     created
    hold     h1  user:ann → sales 300              created
    expire   h1                                    created
    expire   h1                                    exists
    void     h1                                    already_voided
    settle   h1  300                               already_voided
    stands   user:ann  posted 1000  held 0`,

  'settling nothing is a settlement': `
    topup    t1  user:ann 1000                     created
    hold     h1  user:ann → sales 300              created
    settle   h1  nothing                           created
    settle   h1  nothing                           exists
    settle   h1  1                                 already_settled
    void     h1                                    already_settled
    stands   sales     posted 0
    stands   user:ann  posted 1000  held 0`,

  'settling all of it': `
    topup    t1  user:ann 300                      created
    hold     h1  user:ann → sales 300              created
    settle   h1  300                               created
    hold     h2  user:ann → sales 1                insufficient_balance
    stands   sales     posted 300
    stands   user:ann  posted 0  held 0`,

  'settling more than was held is a mistake of ours, and moves nothing': `
    topup    t1  user:ann 1000                     created
    topup    t2  user:bob 1000                     created
    hold     h1  user:ann → sales 300              created
    settle   h1  301                               asserts takes more
    settle   h1  user:ann → sales 300, user:ann → earnings:p 1   asserts takes more
    settle   h1  user:bob → sales 1                asserts takes more
    settle   h1  user:ann → sales 200, user:ann → earnings:p 100   created
    stands   sales       posted 200
    stands   earnings:p  posted 100
    stands   user:ann  posted 700   held 0
    stands   user:bob  posted 1000  held 0`,

  'ending what is no hold': `
    topup    t1  user:ann 1000                     created
    settle   h1  10                                no_hold
    void     h1                                    no_hold
    expire   h1                                    no_hold
    settle   t1  10                                no_hold
    void     t1                                    no_hold
    hold     h1  user:ann → sales 10               created
    settle   h1  10                                created
    void     h1.end                                no_hold
    stands   user:ann  posted 990  held 0`,

  'the same id with the same content, of each verb': `
    topup    t1  user:ann 1000                     created
    topup    t1  user:ann 1000                     exists
    hold     h1  user:ann → sales 300              created
    hold     h1  user:ann → sales 300              exists
    settle   h1  120                               created
    topup    t1  user:ann 1000                     exists
    hold     h1  user:ann → sales 300              exists
    settle   h1  120                               exists
    stands   user:ann  posted 880  held 0`,

  'the same id with other content': `
    topup    t1  user:ann 1000                     created
    topup    t1  user:bob 1000                     id_reused
    topup    t1  user:ann 1001                     id_reused
    hold     t1  user:ann → sales 1000             id_reused
    transfer t1  world:stripe → user:ann 500, world:stripe → user:ann 500   id_reused
    hold     h1  user:ann → sales 300              created
    hold     h1  user:ann → sales 299              id_reused
    hold     h1  user:ann → loss 300               id_reused
    transfer h1  user:ann → sales 300              id_reused
    settle   h1  300                               created
    stands   user:ann  posted 700  held 0`,

  'an id that looks like an ending cannot block one': `
    topup    t1  user:ann 1000                     created
    transfer h1.end  user:ann → user:bob 1         asserts ending
    hold     h1.end  user:ann → sales 1            asserts ending
    hold     h1  user:ann → sales 300              created
    settle   h1  120                               created
    stands   user:ann  posted 880  held 0`,

  'exists wins over insufficient: a retry of what was done is not refused': `
    topup    t1  user:ann 100                      created
    transfer t2  user:ann → user:bob 100           created
    transfer t2  user:ann → user:bob 100           exists
    transfer t2  user:ann → user:bob 99            id_reused
    stands   user:ann  posted 0    held 0
    stands   user:bob  posted 100  held 0`,

  'two legs, all or none: the second is short': `
    topup    t1  user:ann 1000                     created
    topup    t2  cap:c1:w1 200                     created
    hold     h1  user:ann → sales 300, cap:c1:w1 → limits 300     insufficient_balance
    stands   user:ann   posted 1000  held 0
    hold     h1  user:ann → sales 200, cap:c1:w1 → limits 200     created
    hold     h2  user:ann → sales 1, cap:c1:w1 → limits 1         insufficient_balance
    stands   user:ann   posted 1000  held 200
    stands   cap:c1:w1  posted 200   held 200
    settle   h1  150                               created
    stands   sales      posted 150
    stands   limits     posted -50
    stands   user:ann   posted 850  held 0
    stands   cap:c1:w1  posted 50   held 0`,

  'two legs, all or none: the first is short': `
    topup    t1  user:ann 100                      created
    topup    t2  cap:c1:w1 5000                    created
    hold     h1  cap:c1:w1 → limits 300, user:ann → sales 300     insufficient_balance
    hold     h1  user:ann → sales 300, cap:c1:w1 → limits 300     insufficient_balance
    stands   user:ann   posted 100   held 0
    stands   cap:c1:w1  posted 5000  held 0`,

  'three windows at once: the tightest speaks for all': `
    topup    t0  user:ann 10000                    created
    topup    t1  cap:c:day 500                     created
    topup    t2  cap:c:week 450                    created
    topup    t3  cap:c:month 9000                  created
    hold     h1  user:ann → sales 450, cap:c:day → limits 450, cap:c:week → limits 450, cap:c:month → limits 450   created
    hold     h2  user:ann → sales 50, cap:c:day → limits 50, cap:c:week → limits 50, cap:c:month → limits 50       insufficient_balance
    settle   h1  400                               created
    hold     h2  user:ann → sales 50, cap:c:day → limits 50, cap:c:week → limits 50, cap:c:month → limits 50       created
    stands   user:ann    posted 9600  held 50
    stands   cap:c:day   posted 100   held 50
    stands   cap:c:week  posted 50    held 50
    stands   cap:c:month posted 8600  held 50`,

  'several legs of one source add up before the guard': `
    topup    t1  user:ann 100                      created
    hold     h1  user:ann → sales 60, user:ann → earnings:p 41    insufficient_balance
    transfer t2  user:ann → user:bob 60, user:ann → user:cid 41   insufficient_balance
    hold     h1  user:ann → sales 60, user:ann → earnings:p 40    created
    settle   h1  user:ann → sales 1, user:ann → earnings:p 99     created
    stands   sales       posted 1
    stands   earnings:p  posted 99
    stands   user:ann    posted 0  held 0`,

  'a transfer is judged by what it does in sum': `
    topup    t1  user:ann 10                       created
    transfer t2  user:bob → user:ann 5, user:ann → user:bob 15    created
    transfer t3  user:ann → user:bob 7, user:bob → user:ann 7     created
    transfer t4  user:cid → user:dan 1, user:dan → user:cid 1     created
    stands   user:ann  posted 0   held 0
    stands   user:bob  posted 10  held 0`,

  'a settlement may pay from one account of the hold into another': `
    topup    t1  user:ann 100                      created
    topup    t2  user:bob 100                      created
    hold     h1  user:ann → sales 100, user:bob → sales 50        created
    settle   h1  user:ann → user:bob 100, user:bob → sales 50     created
    stands   sales     posted 50
    stands   user:ann  posted 0    held 0
    stands   user:bob  posted 150  held 0`,

  'a settlement that pays less in than out': `
    topup    t1  user:ann 100                      created
    topup    t2  user:bob 100                      created
    hold     h1  user:ann → sales 100, user:bob → sales 50        created
    settle   h1  user:ann → user:bob 30, user:bob → sales 50      created
    stands   user:ann  posted 70  held 0
    stands   user:bob  posted 80  held 0`,

  'a settlement may open the account that it pays': `
    topup    t1  user:ann 100                      created
    hold     h1  user:ann → user:bob 100           created
    stands   user:ann  posted 100  held 100
    settle   h1  30                                created
    stands   user:ann  posted 70  held 0
    stands   user:bob  posted 30  held 0`,

  'grants burn first, then the balance; the rest of each is free again': `
    topup    t0  pool:p 500                                       created
    topup    t1  user:ann 1000                                    created
    transfer g1  pool:p → grant:a 100                             created
    transfer g2  pool:p → grant:b 50                              created
    transfer g3  pool:p → grant:c 351                             insufficient_balance
    hold     h1  grant:a → sales 100, grant:b → sales 50, user:ann → sales 250, cap:c:w → limits 250   insufficient_balance
    topup    t2  cap:c:w 250                                      created
    hold     h1  grant:a → sales 100, grant:b → sales 50, user:ann → sales 250, cap:c:w → limits 250   created
    transfer e1  grant:a → pool:p 1                               insufficient_balance
    settle   h1  grant:a → sales 100, grant:b → sales 20          created
    transfer e2  grant:b → pool:p 30                              created
    transfer e2  grant:b → pool:p 30                              exists
    transfer e3  grant:b → pool:p 1                               insufficient_balance
    stands   sales    posted 120
    stands   limits   posted -250
    stands   pool:p   posted 380   held 0
    stands   grant:a  posted 0     held 0
    stands   grant:b  posted 0     held 0
    stands   user:ann posted 1000  held 0
    stands   cap:c:w  posted 250   held 0`,

  'a limit lowered while a hold runs: nothing is reversed, the next is refused': `
    topup    t1  user:ann 10000                                   created
    topup    t2  cap:c:w 5000                                     created
    hold     h1  user:ann → sales 3000, cap:c:w → limits 3000     created
    floor    cap:c:w 3000
    stands   cap:c:w  posted 5000  held 3000  floor 3000
    hold     h2  user:ann → sales 1, cap:c:w → limits 1           insufficient_balance
    settle   h1  2500                                             created
    stands   cap:c:w  posted 2500  held 0  floor 3000
    hold     h3  user:ann → sales 1, cap:c:w → limits 1           insufficient_balance
    floor    cap:c:w 2400
    hold     h3  user:ann → sales 101, cap:c:w → limits 101       insufficient_balance
    hold     h3  user:ann → sales 100, cap:c:w → limits 100       created
    void     h3                                                   created
    stands   cap:c:w   posted 2500  held 0  floor 2400
    stands   user:ann  posted 7500  held 0`,

  'a floor above what stands: topping up below it is allowed, spending is not': `
    open     user:ann  floor 500
    topup    t1  user:ann 400                      created
    hold     h1  user:ann → sales 1                insufficient_balance
    transfer t2  user:ann → user:bob 1             insufficient_balance
    topup    t3  user:ann 101                      created
    hold     h1  user:ann → sales 2                insufficient_balance
    hold     h1  user:ann → sales 1                created
    stands   user:ann  posted 501  held 1  floor 500`,

  'a floor is a whole number, of nothing or more': `
    open     user:ann
    floor    user:ann -1                           asserts non-negative
    floor    user:ann 1.5                          asserts non-negative
    floor    user:ann 9007199254740992             asserts non-negative
    stands   user:ann  posted 0  held 0  floor 0`,

  'amounts that are no amounts': `
    topup    t1  user:ann 1000                     created
    transfer t2  user:ann → user:bob 0             asserts positive safe integer
    transfer t2  user:ann → user:bob -5            asserts positive safe integer
    transfer t2  user:ann → user:bob -0            asserts positive safe integer
    transfer t2  user:ann → user:bob 1.5           asserts positive safe integer
    transfer t2  user:ann → user:bob 9007199254740992   asserts positive safe integer
    transfer t2  user:ann → user:bob 9223372036854775808   asserts positive safe integer
    transfer t2  user:ann → user:bob 1e400         asserts positive safe integer
    transfer t2  user:ann → user:bob NaN           asserts positive safe integer
    transfer t2  user:ann → user:bob 5, user:ann → user:bob 0      asserts positive safe integer
    hold     h1  user:ann → sales 0                asserts positive safe integer
    hold     h1  user:ann → sales -300             asserts positive safe integer
    hold     h1  user:ann → sales 300              created
    settle   h1  0                                 asserts positive safe integer
    settle   h1  -1                                asserts positive safe integer
    settle   h1  0.5                               asserts positive safe integer
    stands   user:ann  posted 1000  held 300`,

  'legs that are no legs': `
    topup    t1  user:ann 1000                     created
    transfer t2  nothing                           asserts 1 to 64 legs
    hold     h1  nothing                           asserts 1 to 64 legs
    transfer t2  user:ann → user:ann 5             asserts itself
    hold     h1  user:ann → user:ann 5             asserts itself
    transfer t2  user:ann → cap:c:w 5              asserts units differ
    transfer t2  limits → user:ann 5               asserts units differ
    hold     h1  cap:c:w → sales 5                 asserts units differ
    transfer t2  user:ann → nowhere 5              asserts no kind of account
    transfer t2  toString:x → constructor:y 5      asserts no kind of account
    transfer t2  user:ann → __proto__:x 5          asserts no kind of account
    hold     h1  sales → world:stripe 5            asserts floor
    hold     h2  user:ann → sales 5                created
    settle   h2  user:ann → cap:c:w 5              asserts units differ
    settle   h2  user:ann → user:ann 5             asserts itself
    stands   user:ann  posted 1000  held 5`,

  'the largest amounts: sums beyond a safe integer are refused, not rounded': `
    topup    t1  user:ann 9007199254740991         created
    topup    t2  user:ann 1                        asserts .
    topup    t2  user:ann 9007199254740991         asserts .
    hold     h1  user:ann → sales 9007199254740991, user:ann → loss 9007199254740991   insufficient_balance
    hold     h1  user:ann → sales 9007199254740991   created
    hold     h2  user:ann → sales 1                insufficient_balance
    settle   h1  9007199254740990                  created
    stands   user:ann  posted 1  held 0`,

  'many limits of the largest amount do not upset the trial balance': `
    topup    t1  cap:a:w 9007199254740991          created
    topup    t2  cap:b:w 9007199254740991          created
    topup    t3  cap:c:w 9007199254740991          created
    seal
    topup    t4  cap:d:w 9007199254740991          created
    stands   cap:a:w  posted 9007199254740991  held 0
    stands   cap:b:w  posted 9007199254740991  held 0
    stands   cap:c:w  posted 9007199254740991  held 0
    stands   cap:d:w  posted 9007199254740991  held 0`,

  'sums past 2^31 are ordinary money ($3,000)': `
    topup    t1  user:ann 3000000000               created
    transfer t2  user:ann → user:bob 2900000000    created
    stands   world:stripe  posted -3000000000
    stands   user:ann  posted 100000000   held 0
    stands   user:bob  posted 2900000000  held 0`,

  'accounts without a floor count sealed and unsealed together': `
    topup    t1  user:ann 1000                     created
    hold     h1  user:ann → sales 300              created
    stands   sales         posted 0
    stands   world:stripe  posted -1000
    seal
    stands   world:stripe  posted -1000
    settle   h1  user:ann → sales 100, user:ann → earnings:p 20   created
    stands   sales         posted 100
    seal
    seal
    transfer t2  sales → world:stripe 5000         created
    stands   sales         posted -4900
    stands   earnings:p    posted 20
    stands   world:stripe  posted 4000
    stands   user:ann      posted 880  held 0`,

  'a payout: held, refused meanwhile, voided, tried again': `
    topup    t1  user:dev 5000                     created
    hold     p1  user:dev → world:stripe 5000      created
    transfer t2  user:dev → user:ann 1             insufficient_balance
    void     p1                                    created
    hold     p2  user:dev → world:stripe 4000      created
    settle   p2  4000                              created
    void     p2                                    already_settled
    stands   world:stripe  posted -1000
    stands   user:dev  posted 1000  held 0`,
}

eachDatabase('ledger', (open) => {
  for (const [name, table] of Object.entries(TABLES)) {
    test(name, async () => await runTable((await open()).db, table))
  }

  test('64 legs pass, 65 do not', async () => {
    const { db } = await open()
    const legs = (n: number) => Array.from({ length: n }, (_, i) => `world:stripe → user:u${i} 1`).join(', ')
    const stand = Array.from({ length: 64 }, (_, i) => `stands user:u${i} posted 1 held 0`).join('\n')
    await runTable(db, `transfer t1 ${legs(65)} asserts 1 to 64 legs\ntransfer t1 ${legs(64)} created\n${stand}`)
  })
})

test('the table language names the line it does not understand', () => {
  const bad: [string, RegExp][] = [
    ['topup t1 user:ann 5 created\nborrow t2 user:ann 5 created', /line 2: no verb/],
    ['topup t1 user:ann 5', /line 1: the line says no outcome/],
    ['transfer t1 user:ann sales 5 created', /line 1: a leg is/],
    ['topup t1 user:ann created', /line 1: a topup is/],
    ['void h1 5 created', /line 1: void takes a hold/],
    ['stands user:ann held 5', /line 1: no verb/],
  ]
  for (const [text, message] of bad) assert.throws(() => parseTable(text), message)
})

eachDatabase('table harness', (open) => {
  test('a wrong expectation, an unsaid account and a wrong balance turn a table red', async () => {
    const red: [string, RegExp][] = [
      ['topup t1 user:ann 5 exists', /line 1: topup/],
      ['topup t1 user:ann 5 created\nstands user:ann posted 6 held 0', /line 2: stands/],
      ['topup t1 user:ann 5 created\nstands user:ann posted 5 held 1', /line 2: stands/],
      ['topup t1 user:ann 5 created\nstands sales posted 0', /does not say where these accounts stand/],
    ]
    for (const [table, message] of red) {
      const { db } = await open()
      await assert.rejects(runTable(db, table), message)
    }
  })
})
