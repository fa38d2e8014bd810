// The seam between the relay and the API shapes it speaks.
// owns: what a shape has to say about its requests, its answers and their ends. never: a fact about one of them; money, the network.
// always true: everything here is data or pure; the relay knows no shape by name.

import type { IncomingHttpHeaders } from 'node:http'
import type { Quota } from '../../contract/api.ts'
import type { UnitKind, Units } from '../../contract/receipts.ts'
import type { Quirks, ShapeName } from '../../providers.ts'
import type { FoundModel, ModelPrice } from '../prices.ts'

export type Json = Readonly<Record<string, unknown>>

/** A request as it came. `body` is what the parser of its content type made of `bytes`. */
export type Incoming = Readonly<{ body: unknown; bytes: Buffer; headers: IncomingHttpHeaders }>

/** A request as its shape has read it: checked, nothing in it depends on the model that will answer. */
export type Ask = Readonly<{
  body: Json
  bytes: Buffer
  /** As the caller named it. */
  model: string
  stream: boolean
}>

/** At most `count` units of these kinds, all of them together. */
export type Ceiling = Readonly<{ kinds: readonly UnitKind[]; count: number }>

/**
 * The most that a call can use. A kind without a ceiling cannot occur; a usage that says so is not believed.
 * What some providers charge for each call (`request`) is the relay's to add.
 */
export type Bound = Readonly<{
  /** All input tokens together: what price tiers go by. */
  inputTokens: number
  /** What it can use whatever its output limit is. */
  fixed: readonly Ceiling[]
  /** What each unit of its output limit can use; null where there is no such limit. */
  perOutput: Ceiling | null
  /** The output limit to hold for: the caller's, or the model's ceiling. 0 without `perOutput`. */
  maxOutput: number
  /** Whether the caller named it (or there is none): then it is not made smaller to fit what is affordable. */
  explicit: boolean
}>

/** Who is to answer. */
export type Target = Readonly<{ model: FoundModel; upstream: Readonly<{ quirks: Quirks }> }>

/** What is sent to the upstream. `content-type` and `accept` are among the headers; keys are the upstream's own. */
export type Sending = Readonly<{ body: Buffer; headers: Readonly<Record<string, string>> }>

/** What was delivered, for our own count. */
export type Delivered = Readonly<{ text: string; events: number }>
/** A whole answer: its usage as it stands in it (undefined: none), its text, and how many things of another kind are in it. */
export type Answered = Readonly<{ usage: unknown; text: string; events?: number }>

/** A whole answer on its way to the caller. `type`: its content type. */
export type Passed = Readonly<{ body: Buffer; type: string }>

/** A streamed answer on its way through. */
export type StreamReader = {
  /** Content type of what goes to the caller. */
  readonly type: string
  /** Takes bytes from the upstream; answers the bytes to pass on. @throws Error when it must not go on */
  take(chunk: Buffer): Buffer
  /** What is left when the upstream ends. */
  flush(): Buffer
  /** Whether it came to its end. */
  whole(): boolean
  /** The last usage seen; of a stream that is not whole it may tell of a part only. */
  usage(): unknown
  /** Whether the upstream reported an error inside the stream. */
  failed(): boolean
  /** Events that carried output. */
  events(): number
  /** All text passed on so far. */
  text(): string
  /** What was kept back of a whole stream, or stands for it: goes out by way of `Shape.ending` once the books are written. */
  last(): Buffer
}

/**
 * One API shape. `read` and `bound` are the only places that refuse; both throw Fault bad_request or unsupported_parameter.
 * A shape with a request of its own extends Ask and is a Shape of that.
 */
export type Shape<A extends Ask = Ask> = Readonly<{
  name: ShapeName
  /** After `/v1` and `/v1/users/{external_user_id}` here, and after the base path of an upstream. */
  path: string
  /** Content type of its requests. */
  takes: 'application/json' | 'multipart/form-data'
  bodyLimitBytes: number
  /** Whose models bare names are. */
  bareProvider: string
  /** Whether its faults are `{"type": "error", "error": {…}}`, as Anthropic's are. */
  typedErrors: boolean
  /** Reads a request and refuses what cannot be priced or could redirect the call. */
  read(incoming: Incoming): A | Promise<A>
  /** Never below what any answer to what we send can use. */
  bound(ask: A, model: ModelPrice): Bound
  /** The request as it is sent on: spliced, never written anew. @param maxOutput the output limit held for */
  send(ask: A, target: Target, maxOutput: number): Sending
  /** Reads a whole answer; null when it is none. @param type its content type */
  answer(body: Buffer, type: string): Answered | null
  /** A reader for an answer that goes through as it comes; null for one that is collected first. @param type its content type */
  stream(ask: A, type: string): StreamReader | null
  /** What the caller gets of a whole answer; without it, the answer as it came. */
  passes?(ask: A, passed: Passed): Passed
  /** A usage as disjoint units; null when it is malformed. Whether it is within the bound is the relay's to see. */
  units(usage: unknown, quirks: Quirks, asked: Readonly<{ ask: A; model: ModelPrice }>): Units | null
  /** Our own count, where there is no usage that can be believed. The relay cuts it to what was held. */
  count(ask: A, model: ModelPrice, delivered: Delivered): Units
  /** The last frames of a whole stream, the quota block among them. */
  ending(last: Buffer, quota: Quota): Buffer
  /** The last frame of a stream that did not come to its end. @param body an error body, perhaps with a quota block */
  errorFrame(body: object): string
}>
