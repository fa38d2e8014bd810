// Text from speech.
// owns: its fields, its price by seconds or by tokens. never: a stream, a second file, an address instead of a file.
// always true: the file is measured before it is sent, and refused when it cannot be; a model that is priced by tokens answers
// in JSON, as only that tells its usage.

import { z } from 'zod'
import type { Units } from '../../contract/receipts.ts'
import { secondsOf } from '../audio-length.ts'
import { countText, recordOf } from '../count.ts'
import { type Form, type FormFile, writeForm } from '../forms.ts'
import type { ModelPrice } from '../prices.ts'
import { jsonOf } from '../reply-json.ts'
import { bad, unsupported } from './fields.ts'
import type { Answered, Ask, Bound, Ceiling, Delivered, Incoming, Sending, Shape, Target } from './shape.ts'

export type TranscriptionAsk = Ask &
  Readonly<{ form: Form; file: FormFile; seconds: number; prompt: string; format: string }>

/** What costs nothing beyond the sound. A name that ends in [] may be given more than once. */
const FIELDS = new Set(
  'model language prompt response_format temperature timestamp_granularities[] include[] chunking_strategy keywords[] languages[] stream user'.split(
    ' ',
  ),
)
const JSON_FORMATS = ['json', 'verbose_json', 'diarized_json']
const FORMATS = [...JSON_FORMATS, 'text', 'srt', 'vtt']

/** OpenAI takes files of at most 25 MB; the rest is the form. */
const BODY_LIMIT = 26 * 1024 * 1024
/** Decoders may count a little more than we do, and vendors round up. */
const LONGER = 1.05
const LONGER_BY_S = 2
/** A file that says it is shorter than this, says something wrong of itself: 512 kbit/s are more than any speech needs. */
const MOST_BYTES_PER_S = 64_000
/** Of models that count tokens: ten for a second of audio (OpenAI's, half of this), and what nobody speaks faster than. */
const AUDIO_TOKENS_PER_S = 10
const MOST_AUDIO_TOKENS_PER_S = 20
const MOST_TEXT_TOKENS_PER_S = 20
const AROUND_TOKENS = 2048
/** console.groq.com/docs/speech-to-text: each request is billed for ten seconds at least. */
const LEAST_SECONDS: Readonly<Record<string, number>> = { groq: 10 }

export const transcriptions: Shape<TranscriptionAsk> = {
  name: 'transcriptions',
  path: '/audio/transcriptions',
  takes: 'multipart/form-data',
  bodyLimitBytes: BODY_LIMIT,
  bareProvider: 'openai',
  typedErrors: false,
  read,
  bound,
  send,
  answer,
  stream: () => null,
  units,
  count,
  ending: (last) => last,
  errorFrame: () => '',
}

// --- the request -------------------------------------------------------------------------------------------------------

async function read({ body: given, bytes }: Incoming): Promise<TranscriptionAsk> {
  const form = given as Form
  const body = fieldsOf(form)
  const { model = '', stream = 'false', prompt = '', response_format: format = 'json' } = body
  if (model === '') throw bad('model', 'model is a non-empty text')
  if (stream !== 'false') throw unsupported('stream')
  if (!FORMATS.includes(format)) throw unsupported('response_format')
  const { file } = form
  if (file === null || file.name !== 'file') throw bad('file', 'file is one file with audio in it')
  const seconds = await secondsOf(file.bytes, file.type)
  if (seconds === null) throw bad('file', 'file is of a kind whose length cannot be told here')
  return { body, bytes, model, stream: false, form, file, seconds, prompt, format }
}

// Two readers of a doubled field may differ; so is one that is not in the list refused, as it may have a price.
function fieldsOf({ fields }: Form): Readonly<Record<string, string>> {
  const body = new Map<string, string>()
  for (const { name, value } of fields) {
    if (!FIELDS.has(name)) throw unsupported(name.slice(0, 100))
    if (body.has(name) && !name.endsWith('[]')) throw bad(name, `The field ${name} is given twice`)
    body.set(name, value)
  }
  return Object.fromEntries(body)
}

// Where neither a price per second nor one for tokens of audio is known, the ceiling is in seconds, which then have no price.
function bound({ seconds, file, prompt, format }: TranscriptionAsk, { unitPrices, provider }: ModelPrice): Bound {
  const limits = { perOutput: null, maxOutput: 0, explicit: true }
  const most = Math.ceil(Math.max(seconds * LONGER + LONGER_BY_S, file.bytes.length / MOST_BYTES_PER_S))
  if (unitPrices.second !== undefined || unitPrices.input_audio === undefined)
    return {
      ...limits,
      inputTokens: 0,
      fixed: [{ kinds: ['second'], count: Math.max(most, LEAST_SECONDS[provider] ?? 0) }],
    }
  if (!JSON_FORMATS.includes(format)) throw unsupported('response_format')
  const text = Buffer.byteLength(prompt) + AROUND_TOKENS
  const audio = most * MOST_AUDIO_TOKENS_PER_S
  const fixed: Ceiling[] = [
    { kinds: ['input'], count: text },
    { kinds: ['input_audio'], count: audio },
    { kinds: ['output'], count: AROUND_TOKENS + most * MOST_TEXT_TOKENS_PER_S },
  ]
  return { ...limits, inputTokens: text + audio, fixed }
}

function send({ form }: TranscriptionAsk, { model: { upstreamModel } }: Target): Sending {
  const fields = form.fields.map((field) => (field.name === 'model' ? { ...field, value: upstreamModel } : field))
  const { body, type } = writeForm({ ...form, fields })
  return { body, headers: { 'content-type': type, accept: '*/*' } }
}

// --- the answer --------------------------------------------------------------------------------------------------------

function answer(body: Buffer, type: string): Answered | null {
  const text = body.toString('utf8')
  if (!/json/.test(type)) return /^text\/plain|^text\/vtt|subrip/.test(type) ? { usage: undefined, text } : null
  const json = jsonOf(text)
  if (!json || typeof json.text !== 'string') return null
  // Older models tell their usage by the length alone.
  return { usage: json.usage ?? { type: 'duration', seconds: json.duration }, text: json.text }
}

const Count = z.int().nonnegative()
const Duration = z.object({ type: z.literal('duration'), seconds: z.number().nonnegative() })
const Tokens = z.object({
  type: z.literal('tokens').optional(),
  input_tokens: Count,
  output_tokens: Count,
  input_token_details: z.looseObject({ audio_tokens: Count.nullish(), text_tokens: Count.nullish() }).nullish(),
})

type Asked = { model: ModelPrice }

function units(usage: unknown, _quirks: unknown, { model }: Asked): Units | null {
  const duration = Duration.safeParse(usage)
  if (duration.success) return { second: billed(duration.data.seconds, model) }
  const parsed = Tokens.safeParse(recordOf(usage))
  if (!parsed.success) return null
  const { input_tokens: input, output_tokens: output, input_token_details: details } = parsed.data
  const text = details?.text_tokens ?? 0
  if (text > input) return null
  return { input: text, input_audio: input - text, output }
}

/** Whole seconds, as OpenAI rounds them; nothing of nothing. */
function billed(seconds: number, { provider }: ModelPrice): number {
  return seconds === 0 ? 0 : Math.max(Math.ceil(seconds), LEAST_SECONDS[provider] ?? 0)
}

function count({ seconds, prompt }: TranscriptionAsk, model: ModelPrice, { text }: Delivered): Units {
  if (model.unitPrices.second !== undefined) return { second: billed(seconds, model) }
  return {
    input: countText(model.model, prompt),
    input_audio: Math.ceil(seconds * AUDIO_TOKENS_PER_S),
    output: countText(model.model, text),
  }
}
