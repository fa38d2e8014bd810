// What a call is charged for: the contract's table of endings.
// owns: the choice between the upstream's usage and our own count. never: a price, a write, a fact about one API shape.
// always true: a usage above what was held for is not believed; what was delivered is never free, what was not is never charged.

import type { Units } from '../contract/receipts.ts'
import { CALLER_GONE, CALLER_STALLED, type Exchange, type Outcome } from './forward.ts'
import type { Call } from './relay.ts'
import type { Ceiling, Delivered } from './shapes/shape.ts'
import { believed, ceilingsOf, cutTo } from './usage.ts'

export type Metered = { units: Units; estimated: boolean; outcome: string }

/** Units of an ended call; null when nothing was produced, and so nothing is charged. */
export function meter(call: Call, outcome: Outcome): Metered | null {
  const { shape } = call
  const { quirks } = call.by.upstream
  const asked = { ask: call.ask, model: call.by.model }
  if (outcome.kind === 'failed') return null
  if (outcome.kind === 'collected') {
    const answered = shape.answer(outcome.body, outcome.type)
    if (!answered) return null
    const units = believed(shape.units(answered.usage, quirks, asked), ceilings(call))
    if (units) return { units: perCall(call, units), estimated: false, outcome: 'done' }
    const own = counted(call, { text: answered.text, events: answered.events ?? 0 })
    return { units: own, estimated: true, outcome: 'usage not believed' }
  }
  const { stream, broken } = outcome
  const units = stream.whole() ? believed(shape.units(stream.usage(), quirks, asked), ceilings(call)) : null
  const why = call.endedBy ?? broken ?? 'done'
  if (units) return { units: perCall(call, units), estimated: false, outcome: why }
  // Nothing came but a head: the upstream failed before any output.
  const callers = broken === CALLER_GONE || broken === CALLER_STALLED
  if (stream.events() === 0 && broken !== null && !callers) return null
  return { units: counted(call, { text: stream.text(), events: stream.events() }), estimated: true, outcome: why }
}

function ceilings({ by, held }: Call): readonly Ceiling[] {
  return ceilingsOf(by.bound, held.maxOutput)
}

function counted(call: Call, delivered: Delivered): Units {
  const { shape, ask, by } = call
  return perCall(call, cutTo(shape.count(ask, by.model, delivered), ceilings(call)))
}

// Some providers charge for each call beside its tokens. A call that used nothing is no call.
function perCall({ by: { model } }: Call, units: Units): Units {
  const price = BigInt(model.unitPrices.request ?? '0')
  return price > 0n && Object.keys(units).length > 0 ? { ...units, request: 1 } : units
}

/** Units delivered so far; null before a stream has begun. */
export function progressOf(call: Call, live: Exchange): Units | null {
  const stream = live.progress()
  return stream ? counted(call, { text: stream.text(), events: stream.events() }) : null
}
