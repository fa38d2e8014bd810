// Our own counts of tokens, and the bound on what a provider can count.
// owns: counting text, and proving an upper bound from bytes. never: prices, the wire. always true: the bound is an integer that no
// byte-level tokenizer can exceed for the body that was bounded; what cannot be bounded is refused by name.

import { createRequire } from 'node:module'

/** A message as it stands in a chat request; nothing in it has been checked. */
export type ChatBody = Readonly<Record<string, unknown>>

/** A part of a message whose cost has no bound here. `param` names it ("messages[0].content[1].type"). */
export class UnsupportedPart extends Error {
  readonly param: string
  constructor(param: string, what: string) {
    super(`${what} is not supported here`)
    this.name = 'UnsupportedPart'
    this.param = param
  }
}

type Tokenizer = Readonly<{
  encode: (text: string, options?: object) => number[]
  decode: (tokens: Iterable<number>) => string
  countTokens: (text: string, options?: object) => number
}>

const require = createRequire(import.meta.url)
const loaded = new Map<string, Tokenizer>()
/** Text that looks like a control token ("<|endoftext|>") is text, as it is for the providers. */
const AS_TEXT = { disallowedSpecial: new Set<string>() }
/** Merging one unbroken run of letters takes time with the square of its length; longer runs are counted in slices. */
const LONGEST_RUN = 1_000

/**
 * The tokenizer of a model, loaded on first use (about a tenth of a second, a few megabytes): start-up does not pay for it.
 * Models that nobody's table knows count as the newest do (o200k_base).
 */
export function tokenizerFor(model: string): Tokenizer {
  const bare = model.slice(model.lastIndexOf('/') + 1)
  const encoding = /^(gpt-3\.5|gpt-35|gpt-4(?![o.])|text-embedding)/.test(bare) ? 'cl100k_base' : 'o200k_base'
  const known = loaded.get(encoding)
  if (known) return known
  const tokenizer: Tokenizer = require(`gpt-tokenizer/encoding/${encoding}`)
  loaded.set(encoding, tokenizer)
  return tokenizer
}

/** Tokens of a text, for usage that the provider did not report. Exact but for runs of over 1,000 characters without a space. */
export function countText(model: string, text: string): number {
  const tokenizer = tokenizerFor(model)
  let tokens = 0
  for (const slice of slices(text)) tokens += tokenizer.countTokens(slice, AS_TEXT)
  return tokens
}

/** The tokens of a text; `decode` of the same tokenizer gives the text back. */
export function encodeText(model: string, text: string): number[] {
  const tokenizer = tokenizerFor(model)
  return slices(text).flatMap((slice) => tokenizer.encode(slice, AS_TEXT))
}

export const PER_MESSAGE = 3
const PER_NAME = 1
export const REPLY_PRIMING = 3
/** What this server counts for an image when nobody tells (OpenAI's price of a low-detail image). */
export const IMAGE_TOKENS = 85

/**
 * Tokens of a chat prompt, by OpenAI's published rule ("How to count tokens with tiktoken", section 6): each message costs 3, plus the
 * tokens of its role and content, plus its name's and 1; the answer is primed with 3. Calls and tools count as their JSON text.
 */
export function countPrompt(model: string, body: ChatBody): number {
  let tokens = REPLY_PRIMING
  for (const message of messagesOf(body)) {
    tokens += PER_MESSAGE + countText(model, textOf(message.role)) + countText(model, contentText(message))
    tokens += IMAGE_TOKENS * partsOf(message).filter((part) => part.type === 'image_url').length
    if (message.name !== undefined) tokens += PER_NAME + countText(model, textOf(message.name))
    if (message.tool_calls !== undefined) tokens += countText(model, textOf(message.tool_calls))
  }
  for (const key of SCHEMA_KEYS) if (body[key] !== undefined) tokens += countText(model, textOf(body[key]))
  return tokens
}

/** What the provider renders into the prompt beside the messages. */
const SCHEMA_KEYS = ['tools', 'functions', 'response_format'] as const
/** The most that providers are known to add around tools (Anthropic's longest tool prompt has 530 tokens). */
const SCHEMA_FIXED = 600
/** What chat templates of open models add in front (the harmony format's system message is the longest, about 120). */
export const TEMPLATE_FIXED = 256

/**
 * The most tokens an image can cost, from OpenAI's image rules at the largest size that is not scaled down (2 × 4 tiles): base + 8 × tile,
 * or the patch budget × the model's factor. The first row that fits; a model without a row gets the dearest of all (gpt-4o-mini's tiles,
 * 2,833 + 8 × 5,667, above the 12,000 of 10,000 patches × 1.2).
 */
const IMAGE_MAX: readonly (readonly [model: RegExp, tokens: number])[] = [
  [/^gpt-4o-mini/, 48_169],
  [/^(gpt-4o|gpt-4\.1(?!-(mini|nano))|gpt-4\.5|gpt-4-turbo|gpt-4-vision)/, 1_536],
  [/^(gpt-4\.1-mini|gpt-4\.1-nano|o4-mini|gpt-5-mini|gpt-5-nano)/, 3_779],
  [/^(o1|o3)/, 1_536],
  [/^gpt-5(?![.-])/, 1_536],
  // Anthropic's vision page: at most 4,784 tokens for an image in high resolution, which is scaled down to 2,576 pixels.
  [/^(anthropic\/)?claude-/, 6_000],
]
const IMAGE_MAX_ANY = 48_169

/**
 * An upper bound on the input tokens that a provider can count for a chat request.
 *
 * Why bytes bound tokens. (1) In a byte-level BPE every token covers at least one byte of the text, so a text has at most as many tokens
 * as UTF-8 bytes. (2) JSON never writes a text in fewer bytes than it has: a character stands as itself or as a longer escape. So the raw
 * body has at least one byte for every token of every string in it. (3) What the prompt adds is covered by bytes that are not text: a
 * message costs 3 tokens and its shortest frame, `{"role":"","content":""}`, has 24 bytes beside its strings (11 without content); a name
 * costs 1 and its frame `"name":"",` has 10; a call's frame has over 50; the 3 tokens of the answer's priming are covered by
 * `{"model":"","messages":[]}`. (4) Tools and response formats are rendered anew by the provider (JSON Schema becomes declarations), so
 * they count twice, plus a fixed text; twice also covers a number written in exponent form (4 bytes, at most 7 tokens). (5) An image costs
 * by its size, not by its text: each counts as the larger of its own bytes (some models have billed a data URL as text) and the model's
 * dearest image. (6) Chat templates of other providers add a fixed text.
 *
 * Providers that normalise text before they count (some SentencePiece models do) are outside of (1); a usage above the bound is not
 * believed by the relay, so nobody pays more than was held.
 * @param body the parsed request; only its shape is trusted
 * @param rawBytes length of the request body as it is forwarded
 * @throws UnsupportedPart for audio, files and parts of unknown type
 */
export function inputBound(body: ChatBody, rawBytes: number, provider = 'openai'): number {
  const model = textOf(body.model).replace(/^openai\//, '')
  let bound = rawBytes
  messagesOf(body).forEach((message, index) => {
    bound += imageSurplus(message, index, model)
  })
  bound += renderedExtra(...SCHEMA_KEYS.map((key) => body[key]))
  if (provider !== 'openai' || model.startsWith('gpt-oss')) bound += TEMPLATE_FIXED
  return bound
}

/** What an image can cost above the bytes of its text, be that a data URL or an address. @param model the provider's name for it */
export function imageExtra(model: string, source: unknown): number {
  const dearest = IMAGE_MAX.find((row) => row[0].test(model))?.[1] ?? IMAGE_MAX_ANY
  return Math.max(0, dearest - Buffer.byteLength(textOf(source)))
}

/** What a value adds that the provider renders into the prompt anew: its JSON text once more. Nothing for one that is absent. */
export function renderedExtra(...values: readonly unknown[]): number {
  const given = values.filter((value) => value !== undefined && value !== null)
  if (given.length === 0) return 0
  return given.reduce<number>((sum, value) => sum + Buffer.byteLength(textOf(value)), SCHEMA_FIXED)
}

/** What the images of a message can cost above their own bytes; and the place where parts without a bound are refused. */
function imageSurplus(message: Message, index: number, model: string): number {
  const at = `messages[${index}]`
  if (message.audio !== undefined && message.audio !== null) throw new UnsupportedPart(`${at}.audio`, 'audio')
  let surplus = 0
  partsOf(message).forEach((part, place) => {
    if (part.type === 'image_url') surplus += imageExtra(model, part.image_url)
    else if (part.type !== 'text' && part.type !== 'refusal') {
      const what =
        typeof part.type === 'string' ? `a part of type "${part.type.slice(0, 40)}"` : 'a part without a type'
      throw new UnsupportedPart(`${at}.content[${place}].type`, what)
    }
  })
  return surplus
}

type Message = Readonly<Record<string, unknown>>

function messagesOf(body: ChatBody): readonly Message[] {
  return Array.isArray(body.messages) ? body.messages.map(recordOf) : []
}

function partsOf(message: Message): readonly Message[] {
  return Array.isArray(message.content) ? message.content.map(recordOf) : []
}

/** The text of a message: its content, or the text parts of it. */
export function contentText(message: Message): string {
  if (!Array.isArray(message.content)) return message.content === null ? '' : textOf(message.content)
  return partsOf(message)
    .map((part) => (part.type === 'text' ? textOf(part.text) : part.type === 'refusal' ? textOf(part.refusal) : ''))
    .join('')
}

/** Anything as an object; an empty one for what is none. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}

/** A text as it is, anything else as its JSON. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined ? '' : JSON.stringify(value)
}

/** Cuts a text in front of single spaces, where the tokenizers cut as well, and cuts unbroken runs hard; never inside a character. */
function slices(text: string): string[] {
  if (text.length <= LONGEST_RUN) return [text]
  const found: string[] = []
  let start = 0
  while (text.length - start > LONGEST_RUN) {
    const space = text.lastIndexOf(' ', start + LONGEST_RUN)
    let end = space > start && isWordStart(text, space) ? space : start + LONGEST_RUN
    if (end === start + LONGEST_RUN && /[\ud800-\udbff]/.test(text[end - 1] ?? '')) end -= 1
    found.push(text.slice(start, end))
    start = end
  }
  found.push(text.slice(start))
  return found
}

function isWordStart(text: string, space: number): boolean {
  return /[A-Za-z]/.test(text[space + 1] ?? '') && /[^\s]/.test(text[space - 1] ?? '')
}
