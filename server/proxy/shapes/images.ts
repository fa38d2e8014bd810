// Images from a prompt.
// owns: its fields and its usage; what a call can draw. never: a stream, pictures as input, a size that has no price.
// always true: a field that is not in the list is refused, as it may have a price; the bound covers each image that was asked for.

import { z } from 'zod'
import type { UnitPrices, Units } from '../../contract/receipts.ts'
import { countText, recordOf } from '../count.ts'
import { drawnTokens, pixelsOf } from '../image-tokens.ts'
import type { ModelPrice } from '../prices.ts'
import { jsonOf } from '../reply-json.ts'
import { splice } from '../splice.ts'
import { bad, countOf, jsonHeaders, modelOf, objectBody, onlyOf, streamOf, unsupported } from './fields.ts'
import type { Answered, Ask, Bound, Ceiling, Incoming, Json, Sending, Shape, Target } from './shape.ts'

export type ImagesAsk = Ask & Readonly<{ prompt: string; images: number; size: string | null; quality: string | null }>

/** What costs nothing beyond the tokens or the images themselves. */
const FIELDS = new Set(
  'model prompt n size quality response_format output_format output_compression background moderation style user safety_identifier stream partial_images'.split(
    ' ',
  ),
)
const MOST_IMAGES = 10
/** Of all images together: what fits an answer of 32 MiB as base64. */
const MOST_PIXELS = 13_000_000
/** What is put around a prompt. */
const PER_PROMPT_TOKENS = 256
/** A price per image is one price: that of the plain size and quality, or smaller. */
const PLAIN_SIZES = ['auto', '1024x1024', '512x512', '256x256']
const PLAIN_QUALITIES = ['auto', 'standard']

export const images: Shape<ImagesAsk> = {
  name: 'images',
  path: '/images/generations',
  takes: 'application/json',
  bodyLimitBytes: 1024 * 1024,
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

function read(incoming: Incoming): ImagesAsk {
  const body = ownBody(incoming)
  const model = modelOf(body)
  const prompt = textOf(body, 'prompt')
  if (prompt === null || prompt === '') throw bad('prompt', 'prompt is a non-empty text')
  if (streamOf(body)) throw unsupported('stream')
  onlyOf(body, 'partial_images', [0])
  onlyOf(body, 'background', ['auto', 'opaque', 'transparent'])
  onlyOf(body, 'output_format', ['png', 'jpeg', 'webp'])
  const count = countOf(body, 'n') ?? 1
  if (count > MOST_IMAGES) throw bad('n', `n is at most ${MOST_IMAGES}`)
  const size = textOf(body, 'size')
  if (count * pixelsOf(size) > MOST_PIXELS) throw bad('n', 'n images of this size are more than one answer can hold')
  const quality = textOf(body, 'quality')
  return { body, bytes: incoming.bytes, model, stream: false, prompt, images: count, size, quality }
}

// `background` is the caller's own here, and not the kind of call that others refuse.
function ownBody(incoming: Incoming): Json {
  const { background, ...rest } = recordOf(incoming.body)
  objectBody({ ...incoming, body: Array.isArray(incoming.body) ? incoming.body : rest }, [])
  for (const [name, value] of Object.entries(rest))
    if (!FIELDS.has(name) && value !== null && value !== false) throw unsupported(name)
  return { ...rest, ...(background === undefined ? {} : { background }) }
}

function textOf(body: Json, name: string): string | null {
  const value = body[name]
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw bad(name, `${name} is a text`)
  return value
}

// Where neither a price per image nor a count of tokens is known, the ceiling is in images, which then have no price.
function bound(ask: ImagesAsk, { unitPrices, model }: ModelPrice): Bound {
  const limits = { perOutput: null, maxOutput: 0, explicit: true }
  const drawn = drawnTokens(model, ask.size, ask.quality)
  if (unitPrices.image !== undefined || drawn === null) {
    if (unitPrices.image !== undefined) plainOnly(ask.body)
    return { ...limits, inputTokens: 0, fixed: [{ kinds: ['image'], count: ask.images }] }
  }
  // Each image is a call of its own to the model, with the prompt.
  const inputTokens = ask.images * (Buffer.byteLength(ask.prompt) + PER_PROMPT_TOKENS)
  const fixed: Ceiling[] = [
    { kinds: ['input', 'cached_input'], count: inputTokens },
    { kinds: [imageKind(unitPrices)], count: ask.images * drawn.image },
  ]
  if (imageKind(unitPrices) !== 'output' && drawn.text > 0)
    fixed.push({ kinds: ['output'], count: ask.images * drawn.text })
  return { ...limits, inputTokens, fixed }
}

function plainOnly(body: Json): void {
  onlyOf(body, 'size', PLAIN_SIZES)
  onlyOf(body, 'quality', PLAIN_QUALITIES)
}

/** Images have a price of their own where text beside them is cheaper; else they are all the output there is. */
function imageKind(prices: UnitPrices): 'output_image' | 'output' {
  return prices.output_image === undefined ? 'output' : 'output_image'
}

function send({ bytes, model }: ImagesAsk, target: Target): Sending {
  const { upstreamModel } = target.model
  const body = model === upstreamModel ? bytes : splice(bytes, { model: upstreamModel })
  return { body, headers: jsonHeaders(false) }
}

// --- the answer --------------------------------------------------------------------------------------------------------

type Reported = Readonly<{ images: number; tokens: unknown }>

function answer(body: Buffer): Answered | null {
  const json = jsonOf(body.toString('utf8'))
  if (!json || !Array.isArray(json.data)) return null
  const usage: Reported = { images: json.data.length, tokens: json.usage }
  return { usage, text: '', events: json.data.length }
}

const Count = z.int().nonnegative()
const Details = z.looseObject({ image_tokens: Count.nullish(), cached_tokens: Count.nullish() }).nullish()
const Tokens = z.object({
  input_tokens: Count,
  output_tokens: Count,
  input_tokens_details: Details,
  output_tokens_details: Details,
})

function units(usage: unknown, _quirks: unknown, { model }: { model: ModelPrice }): Units | null {
  const reported = usage as Reported
  if (model.unitPrices.image !== undefined) return { image: reported.images }
  const parsed = Tokens.safeParse(reported.tokens)
  if (!parsed.success) return null
  const {
    input_tokens: input,
    output_tokens: output,
    input_tokens_details: read,
    output_tokens_details: out,
  } = parsed.data
  const cached = read?.cached_tokens ?? 0
  const pictures = read?.image_tokens ?? 0
  const drawn = out?.image_tokens ?? output
  if (cached + pictures > input || drawn > output) return null
  const inputs = { input: input - cached - pictures, cached_input: cached, input_image: pictures }
  const kind = imageKind(model.unitPrices)
  return kind === 'output' ? { ...inputs, output } : { ...inputs, output_image: drawn, output: output - drawn }
}

// What came, at the most that such an image can be: nobody tells what it was.
function count(ask: ImagesAsk, { unitPrices, model }: ModelPrice, { events }: { events: number }): Units {
  if (unitPrices.image !== undefined) return { image: events }
  const drawn = drawnTokens(model, ask.size, ask.quality)?.image ?? 0
  return { input: events * countText(model, ask.prompt), [imageKind(unitPrices)]: events * drawn }
}
