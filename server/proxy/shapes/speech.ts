// Speech from a text.
// owns: its fields, its price by characters or by tokens, and how a vendor's events become the audio that was asked for.
// never: sound itself. always true: a model that is priced by tokens is always asked for events, as only they tell its usage;
// one without usage is counted by a rule (decision 57), within the hold.

import { z } from 'zod'
import type { UnitPrices, Units } from '../../contract/receipts.ts'
import { countText, recordOf } from '../count.ts'
import type { ModelPrice } from '../prices.ts'
import { frame, jsonOf, withQuota } from '../reply-json.ts'
import { splice } from '../splice.ts'
import { type SseRules, sseReader } from '../sse.ts'
import { bad, modelOf, objectBody, onlyOf, unsupported } from './fields.ts'
import type { Answered, Ask, Bound, Ceiling, Incoming, Passed, Sending, Shape, Target } from './shape.ts'

export type SpeechAsk = Ask & Readonly<{ input: string; instructions: string; speed: number; format: string }>

/** What costs nothing beyond the characters or the tokens. */
const FIELDS = new Set(
  'model input voice instructions response_format speed stream_format language sample_rate user'.split(' '),
)
const FORMATS: Readonly<Record<string, string>> = {
  mp3: 'audio/mpeg',
  opus: 'audio/opus',
  aac: 'audio/aac',
  flac: 'audio/flac',
  wav: 'audio/wav',
  pcm: 'audio/pcm',
}

/** Models whose tokens are known: $12 a million and $0.015 a minute are the same price on OpenAI's page, 1,250 tokens a minute. */
const BY_TOKENS = /^gpt-4o-mini-tts/
const TOKENS_PER_MINUTE = 1250
/** Nobody speaks slower than this: two bytes a second (a letter that is spelled out), and a minute of silence. */
const SLOWEST_BYTES_PER_S = 2
const SILENCE_S = 60
/** How fast text is usually read out. */
const USUAL_CHARACTERS_PER_S = 15
/** What is put around the text. */
const AROUND_TOKENS = 256

export const speech: Shape<SpeechAsk> = {
  name: 'speech',
  path: '/audio/speech',
  takes: 'application/json',
  bodyLimitBytes: 1024 * 1024,
  bareProvider: 'openai',
  typedErrors: false,
  read,
  bound,
  send,
  answer,
  stream: (ask, type) => (ask.stream && /event-stream/.test(type) ? sseReader(RULES, { hideUsage: false }) : null),
  passes,
  units,
  count,
  ending: (last, quota) => Buffer.from(frame(withQuota(last.toString('utf8'), quota))),
  errorFrame: (body) => frame(JSON.stringify(body)),
}

// --- the request -------------------------------------------------------------------------------------------------------

function read(incoming: Incoming): SpeechAsk {
  const body = objectBody(incoming, [])
  for (const [name, value] of Object.entries(body)) if (!FIELDS.has(name) && value !== null) throw unsupported(name)
  const model = modelOf(body)
  const { input, instructions, voice, speed = 1 } = body
  if (typeof input !== 'string' || input === '') throw bad('input', 'input is a non-empty text')
  if (typeof (instructions ?? '') !== 'string') throw bad('instructions', 'instructions is a text')
  // A voice of one's own belongs to one upstream account.
  if (voice !== undefined && typeof voice !== 'string') throw unsupported('voice')
  if (typeof speed !== 'number' || !(speed >= 0.25 && speed <= 4)) throw bad('speed', 'speed is from 0.25 to 4')
  onlyOf(body, 'response_format', Object.keys(FORMATS))
  onlyOf(body, 'stream_format', ['audio', 'sse'])
  const format = String(body.response_format ?? 'mp3')
  const stream = body.stream_format === 'sse'
  return { body, bytes: incoming.bytes, model, stream, input, instructions: String(instructions ?? ''), speed, format }
}

// Where neither a price per character nor a rule for tokens is known, the ceiling is in characters, which then have no price.
function bound({ input, instructions, speed, stream }: SpeechAsk, { unitPrices, model }: ModelPrice): Bound {
  const limits = { perOutput: null, maxOutput: 0, explicit: true }
  if (unitPrices.character !== undefined || !BY_TOKENS.test(model)) {
    if (unitPrices.character !== undefined && stream) throw unsupported('stream_format')
    return { ...limits, inputTokens: 0, fixed: [{ kinds: ['character'], count: charactersOf(input) }] }
  }
  const bytes = Buffer.byteLength(input)
  const inputTokens = bytes + Buffer.byteLength(instructions) + AROUND_TOKENS
  const seconds = bytes / SLOWEST_BYTES_PER_S + SILENCE_S
  const fixed: Ceiling[] = [
    { kinds: ['input'], count: inputTokens },
    { kinds: [soundKind(unitPrices)], count: tokensOf(seconds / Math.min(speed, 1)) },
  ]
  return { ...limits, inputTokens, fixed }
}

function charactersOf(text: string): number {
  return [...text].length
}

function tokensOf(seconds: number): number {
  return Math.ceil((seconds * TOKENS_PER_MINUTE) / 60)
}

/** The data write the price of audio as the price of all output where there is no other. */
function soundKind(prices: UnitPrices): 'output_audio' | 'output' {
  return prices.output_audio === undefined ? 'output' : 'output_audio'
}

function send({ bytes, model, stream }: SpeechAsk, target: Target): Sending {
  const { upstreamModel, unitPrices } = target.model
  const changes: Record<string, unknown> = model === upstreamModel ? {} : { model: upstreamModel }
  const events = unitPrices.character === undefined
  if (events && !stream) changes.stream_format = 'sse'
  const body = Object.keys(changes).length === 0 ? bytes : splice(bytes, changes)
  const accept = events ? 'text/event-stream' : '*/*'
  return { body, headers: { 'content-type': 'application/json', accept } }
}

// --- the answer --------------------------------------------------------------------------------------------------------

const DONE = 'speech.audio.done'

const RULES: SseRules = {
  marks: [`"${DONE}"`, '"error"'],
  textKeys: ['type'], // sound is no text; that some came is enough
  look(seen, { json }) {
    if (json?.error) {
      seen.failed = true
      return null
    }
    seen.head ??= {}
    if (json?.type !== DONE) return undefined
    seen.usage = json.usage
    seen.head = json
    seen.done = true
    return null
  },
  last: (seen) => JSON.stringify(seen.head ?? {}),
}

type Events = { sound: Buffer; pieces: number; usage: unknown }

function eventsIn(body: Buffer): Events {
  const sounds: Buffer[] = []
  let usage: unknown
  for (const line of body.toString('latin1').split(/\r?\n/)) {
    const json = line.startsWith('data:') ? jsonOf(Buffer.from(line.slice(5), 'latin1').toString('utf8')) : null
    if (json?.type === 'speech.audio.delta' && typeof json.audio === 'string')
      sounds.push(Buffer.from(json.audio, 'base64'))
    else if (json?.type === DONE) usage = json.usage
  }
  return { sound: Buffer.concat(sounds), pieces: sounds.length, usage }
}

function answer(body: Buffer, type: string): Answered | null {
  if (/json|^text\/(?!event-stream)/.test(type) || body.length === 0) return null
  if (!/event-stream/.test(type)) return { usage: undefined, text: '', events: 1 }
  const { pieces, usage } = eventsIn(body)
  return pieces === 0 ? null : { usage, text: '', events: pieces }
}

/** The audio that was asked for, out of the events that the upstream was asked for. */
function passes({ format }: SpeechAsk, passed: Passed): Passed {
  if (!/event-stream/.test(passed.type)) return passed
  const { sound } = eventsIn(passed.body)
  const type = sound.toString('latin1', 0, 4) === 'RIFF' ? FORMATS.wav : FORMATS[format]
  return { body: sound, type: type ?? 'application/octet-stream' }
}

const Count = z.int().nonnegative()
const Tokens = z.object({ input_tokens: Count, output_tokens: Count })

function units(usage: unknown, _quirks: unknown, { ask, model }: { ask: SpeechAsk; model: ModelPrice }): Units | null {
  if (model.unitPrices.character !== undefined) return { character: charactersOf(ask.input) }
  const parsed = Tokens.safeParse(recordOf(usage))
  if (!parsed.success) return null
  return { input: parsed.data.input_tokens, [soundKind(model.unitPrices)]: parsed.data.output_tokens }
}

// What the text would be when it is read out at the usual speed: nobody tells how long the sound is.
function count(
  { input, instructions, speed }: SpeechAsk,
  { unitPrices, model }: ModelPrice,
  { events }: { events: number },
): Units {
  const characters = charactersOf(input)
  if (unitPrices.character !== undefined) return { character: characters }
  const seconds = events === 0 ? 0 : characters / USUAL_CHARACTERS_PER_S / speed
  return { input: countText(model, input + instructions), [soundKind(unitPrices)]: tokensOf(seconds) }
}
