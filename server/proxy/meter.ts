// What a call is charged for: the contract's table of endings.
// owns: the choice between the upstream's usage and our own count. never: a price, a write.
// always true: a usage above what was held for is not believed; what was delivered is never free, what was not is never charged.

import type { Units } from '../contract/receipts.ts'
import { countPrompt, countText } from './count.ts'
import { CALLER_GONE, type Exchange, type Outcome } from './forward.ts'
import type { Call } from './relay.ts'
import { jsonOf, textOfAnswer } from './reply.ts'
import { chatUnits, countedUnits } from './usage.ts'

export type Metered = { units: Units; estimated: boolean; outcome: string }

/** Units of an ended call; null when nothing was produced, and so nothing is charged. */
export function meter(call: Call, outcome: Outcome): Metered | null {
  const bounds = boundsOf(call)
  if (outcome.kind === 'failed') return null
  if (outcome.kind === 'json') {
    const answer = jsonOf(outcome.body)
    if (!answer || !Array.isArray(answer.choices)) return null
    const units = chatUnits(answer.usage, bounds)
    if (units) return { units, estimated: false, outcome: 'done' }
    return { units: counted(call, textOfAnswer(answer), 0), estimated: true, outcome: 'usage not believed' }
  }
  const { stream, broken } = outcome
  const units = stream.whole ? chatUnits(stream.usage, bounds) : null
  const why = call.endedBy ?? broken ?? 'done'
  if (units) return { units, estimated: false, outcome: why }
  // Nothing came but a head: the upstream failed before any output.
  if (stream.events === 0 && broken !== null && broken !== CALLER_GONE) return null
  return { units: counted(call, stream.text(), stream.events), estimated: true, outcome: why }
}

function boundsOf({ quote, held }: Call) {
  return { input: quote.inputBound, output: held.maxOutput * quote.choices }
}

function counted(call: Call, text: string, events: number): Units {
  const model = call.quote.model.model
  const output = text === '' ? events : countText(model, text)
  return countedUnits(countPrompt(model, call.body), output, boundsOf(call))
}

/** Units delivered so far; null before a stream has begun. */
export function progressOf(call: Call, live: Exchange): Units | null {
  const stream = live.progress()
  return stream ? counted(call, stream.text(), stream.events) : null
}
