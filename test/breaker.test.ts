// The circuit breaker, as a table over a clock that the rows set.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type CircuitState,
  FORGET_MS,
  makeBreaker,
  OPEN_FIRST_MS,
  OPEN_MOST_MS,
  PROBE_MS,
  REST_MOST_MS,
  type Verdict,
} from '../server/proxy/breaker.ts'

const FAILURES_TO_OPEN = 5

/** What happens to upstream `a` at a moment; `rest`: ms of a Retry-After for model `m`. */
type Step =
  | { at: number; began: true }
  | { at: number; answered: true }
  | { at: number; ended: Verdict; rest?: number }
  | { at: number; state: CircuitState }
  /** When `a` may be asked for `m` (default), as ms from this moment on. */
  | { at: number; waits: number; model?: string }

const fail = (at: number): Step => ({ at, ended: 'failure' })
const failures = (at: number, n = FAILURES_TO_OPEN): Step[] => Array.from({ length: n }, () => fail(at))
const opened = failures(0)
/** Each failed probe doubles the pause: steps that fail `n` probes one after another, the first when it may. */
function failedProbes(n: number): { steps: Step[]; at: number } {
  const steps: Step[] = [...opened]
  let at = 0
  let pause = OPEN_FIRST_MS
  for (let i = 0; i < n; i++) {
    at += pause
    steps.push({ at, began: true }, fail(at))
    pause = Math.min(pause * 2, OPEN_MOST_MS)
  }
  return { steps, at }
}
const worn = failedProbes(10)

const rows: [situation: string, steps: Step[]][] = [
  [
    'nothing is known: it may be asked',
    [
      { at: 0, waits: 0 },
      { at: 0, state: 'closed' },
    ],
  ],
  [
    'one failure less than the limit: closed',
    [...failures(0, FAILURES_TO_OPEN - 1), { at: 0, waits: 0 }, { at: 0, state: 'closed' }],
  ],
  [
    'the last failure opens it, for the first pause and not longer',
    [
      ...opened,
      { at: 0, state: 'open' },
      { at: 0, waits: OPEN_FIRST_MS },
      { at: OPEN_FIRST_MS - 1, waits: 1 },
      { at: OPEN_FIRST_MS, waits: 0 },
      { at: OPEN_FIRST_MS, state: 'half-open' },
    ],
  ],
  [
    'a success between failures begins the count anew',
    [
      ...failures(0, FAILURES_TO_OPEN - 1),
      { at: 1, ended: 'success' },
      ...failures(2, FAILURES_TO_OPEN - 1),
      { at: 2, waits: 0 },
    ],
  ],
  [
    'an ending that says nothing neither counts nor begins anew',
    [
      ...failures(0, FAILURES_TO_OPEN - 1),
      { at: 1, ended: 'neutral' },
      { at: 1, waits: 0 },
      fail(2),
      { at: 2, state: 'open' },
    ],
  ],
  [
    'failures far apart are not counted together',
    [...failures(0, FAILURES_TO_OPEN - 1), fail(FORGET_MS + 1), { at: FORGET_MS + 1, state: 'closed' }],
  ],
  [
    'failures just near enough are',
    [...failures(0, FAILURES_TO_OPEN - 1), fail(FORGET_MS), { at: FORGET_MS, state: 'open' }],
  ],
  [
    'half-open: one call tries, the others wait for what it says',
    [
      ...opened,
      { at: OPEN_FIRST_MS, began: true },
      { at: OPEN_FIRST_MS, waits: PROBE_MS },
      { at: OPEN_FIRST_MS + 10, waits: PROBE_MS - 10 },
    ],
  ],
  [
    'a probe that never says anything is given up',
    [...opened, { at: OPEN_FIRST_MS, began: true }, { at: OPEN_FIRST_MS + PROBE_MS, waits: 0 }],
  ],
  [
    'a probe whose answer begins closes it for everybody',
    [
      ...opened,
      { at: OPEN_FIRST_MS, began: true },
      { at: OPEN_FIRST_MS, answered: true },
      { at: OPEN_FIRST_MS, waits: 0 },
    ],
  ],
  [
    'a probe whose answer begins and then breaks opens it again at once, for longer',
    [
      ...opened,
      { at: OPEN_FIRST_MS, began: true },
      { at: OPEN_FIRST_MS, answered: true },
      fail(OPEN_FIRST_MS + 5),
      { at: OPEN_FIRST_MS + 5, waits: 2 * OPEN_FIRST_MS },
    ],
  ],
  [
    'a probe that fails opens it for twice as long',
    [
      ...opened,
      { at: OPEN_FIRST_MS, began: true },
      fail(OPEN_FIRST_MS),
      { at: OPEN_FIRST_MS, waits: 2 * OPEN_FIRST_MS },
    ],
  ],
  [
    'a probe that we ended ourselves lets the next one try',
    [
      ...opened,
      { at: OPEN_FIRST_MS, began: true },
      { at: OPEN_FIRST_MS, ended: 'neutral' },
      { at: OPEN_FIRST_MS, waits: 0 },
    ],
  ],
  ['the pause is bounded, however often it fails', [...worn.steps, { at: worn.at, waits: OPEN_MOST_MS }]],
  [
    'a success forgets how long the pause had become',
    [
      ...worn.steps,
      { at: worn.at + OPEN_MOST_MS, began: true },
      { at: worn.at + OPEN_MOST_MS, ended: 'success' },
      { at: worn.at + OPEN_MOST_MS, state: 'closed' },
      ...failures(worn.at + OPEN_MOST_MS),
      { at: worn.at + OPEN_MOST_MS, waits: OPEN_FIRST_MS },
    ],
  ],
  [
    'failures of calls that began before it opened do not make the pause longer',
    [...opened, ...failures(10, 20), { at: 10, waits: OPEN_FIRST_MS - 10 }],
  ],
  [
    'Retry-After: the model rests for so long, other models do not, and the circuit stays closed',
    [
      { at: 0, ended: 'failure', rest: 7_000 },
      { at: 0, waits: 7_000 },
      { at: 0, waits: 0, model: 'other' },
      { at: 6_999, waits: 1 },
      { at: 7_000, waits: 0 },
      { at: 7_000, state: 'closed' },
    ],
  ],
  [
    'an absurd Retry-After is honoured for a bounded time',
    [
      { at: 0, ended: 'failure', rest: 1e12 },
      { at: 0, waits: REST_MOST_MS },
    ],
  ],
  [
    'a Retry-After of nothing is none',
    [
      { at: 0, ended: 'failure', rest: 0 },
      { at: 0, waits: 0 },
    ],
  ],
  [
    'of rest and open circuit the longer one counts',
    [...failures(0, FAILURES_TO_OPEN - 1), { at: 0, ended: 'failure', rest: 5_000 }, { at: 0, waits: 5_000 }],
  ],
]

describe('circuit breaker', () => {
  for (const [situation, steps] of rows) {
    it(situation, () => {
      const breaker = makeBreaker(FAILURES_TO_OPEN)
      for (const [index, step] of steps.entries()) {
        const { at } = step
        if ('began' in step) breaker.began('a', at)
        else if ('answered' in step) breaker.answered('a')
        else if ('ended' in step) breaker.ended('a', 'm', step.ended, at, step.rest ?? null)
        else if ('state' in step) assert.equal(breaker.state('a', at), step.state, `step ${index}`)
        else assert.equal(breaker.availableAt('a', step.model ?? 'm', at) - at, step.waits, `step ${index}`)
      }
      assert.equal(breaker.availableAt('b', 'm', 0), 0, 'another upstream is untouched')
      assert.equal(breaker.state('b', 0), 'closed')
    })
  }
})
