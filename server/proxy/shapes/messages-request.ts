// What a request for messages may say, and how much it can use.
// owns: its fields, their refusal, the bound on its input, our own count of it. never: an answer.
// always true: tools that run at the provider's, files of its account and other prices than our table's are refused by name.

import type { IncomingHttpHeaders } from 'node:http'
import type { UnitKind } from '../../contract/receipts.ts'
import {
  countText,
  imageExtra,
  PER_MESSAGE,
  recordOf,
  renderedExtra,
  TEMPLATE_FIXED,
  textOf,
  UnsupportedPart,
} from '../count.ts'
import type { ModelPrice } from '../prices.ts'
import { bad, bounded, countOf, modelOf, objectBody, onlyOf, streamOf, unsupported } from './fields.ts'
import type { Ask, Bound, Incoming, Json } from './shape.ts'

export type MessagesAsk = Ask & Readonly<{ limit: number | null; headers: Readonly<Record<string, string>> }>

const REFUSED = ['mcp_servers', 'context_management']
/** Tools whose calls the caller carries out; Anthropic adds their descriptions (the longest documented has 1,234 tokens). */
const CLIENT_TOOLS = /^(bash|text_editor|memory|computer)_20\d{6}$/
const CLIENT_TOOL_TOKENS = 4_000
/** Betas that change neither prices nor who is called. Others are left out: what they allow is then refused by Anthropic. */
const BETAS =
  /^(prompt-caching|extended-cache-ttl|token-efficient-tools|output-128k|interleaved-thinking|fine-grained-tool-streaming|max-tokens-3-5-sonnet|computer-use|structured-outputs|effort|context-1m|tool-examples|claude-code)-[0-9-]+$/

/** Reads a request. @throws Fault bad_request, unsupported_parameter */
export function readMessages(incoming: Incoming): MessagesAsk {
  const body = objectBody(incoming, REFUSED)
  onlyOf(body, 'service_tier', ['auto', 'standard_only'])
  onlyOf(body, 'speed', ['standard'])
  onlyOf(body, 'inference_geo', ['global'])
  if (recordOf(body.diagnostics).previous_message_id) throw unsupported('diagnostics.previous_message_id')
  const model = modelOf(body)
  if (!Array.isArray(body.messages) || body.messages.length === 0) throw bad('messages', 'messages is a non-empty list')
  const stream = streamOf(body)
  const { bytes } = incoming
  return { body, bytes, model, stream, limit: countOf(body, 'max_tokens', 0), headers: versionOf(incoming.headers) }
}

function versionOf(headers: IncomingHttpHeaders): Record<string, string> {
  const sent: Record<string, string> = {}
  const version = headers['anthropic-version']
  if (typeof version === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(version)) sent['anthropic-version'] = version
  const betas = [headers['anthropic-beta'] ?? []].flat().join(',').split(',')
  const harmless = betas.map((beta) => beta.trim()).filter((beta) => BETAS.test(beta))
  if (harmless.length > 0) sent['anthropic-beta'] = harmless.join(',')
  return sent
}

/** The bound: see `inputBound` for why bytes bound tokens; images, tools and calls cost more than their bytes. */
export function boundMessages({ body, bytes, limit }: MessagesAsk, model: ModelPrice): Bound {
  const inputTokens = bounded(() => bytes.length + TEMPLATE_FIXED + surplusOf(body, model.model))
  return {
    inputTokens,
    fixed: [{ kinds: inputKinds(body), count: inputTokens }],
    perOutput: { kinds: ['output', 'reasoning'], count: 1 },
    maxOutput: limit ?? model.maxOutput,
    explicit: limit !== null,
  }
}

// Anthropic writes to the cache only where it is told to.
function inputKinds(body: Json): UnitKind[] {
  const marks = cacheMarks(body)
  if (marks.length === 0) return ['input', 'cached_input']
  const hour = marks.some((mark) => recordOf(mark).ttl === '1h')
  return ['input', 'cached_input', 'cache_write', ...(hour ? (['cache_write_1h'] as const) : [])]
}

function cacheMarks(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.flatMap(cacheMarks)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'cache_control' && inner !== null ? [inner] : cacheMarks(inner),
  )
}

/** Input tokens that the bytes of the body do not cover. @throws UnsupportedPart */
function surplusOf(body: Json, model: string): number {
  let surplus = renderedExtra(body.tools, recordOf(body.output_config).format, body.output_format)
  listOf(body.tools).forEach((tool, place) => {
    if (tool.type === undefined || tool.type === null || tool.type === 'custom') return
    if (!CLIENT_TOOLS.test(textOf(tool.type))) throw part(`tools[${place}].type`, 'tool', tool.type)
    surplus += CLIENT_TOOL_TOKENS
  })
  listOf(body.messages).forEach((message, index) => {
    surplus += blocksSurplus(message.content, `messages[${index}].content`, model)
  })
  return surplus + blocksSurplus(body.system, 'system', model)
}

type Block = Readonly<Record<string, unknown>>
type Rule = (block: Block, at: string, model: string) => number

/** Kinds of content and what each costs above its bytes. */
const BLOCKS: Readonly<Record<string, Rule>> = {
  text: () => 0,
  thinking: () => 0,
  redacted_thinking: () => 0,
  image: ({ source, transformations }, at, model) => {
    if (transformations !== undefined && transformations !== null)
      throw new UnsupportedPart(`${at}.transformations`, 'transformations')
    return ownFile(source, at) ?? imageExtra(model, source)
  },
  // A call is rendered as marked-up text: a parameter's shortest frame has 6 bytes of JSON and some 12 tokens there.
  tool_use: ({ input }) => 2 * Buffer.byteLength(textOf(input)),
  tool_result: ({ content }, at, model) => blocksSurplus(content, `${at}.content`, model),
  search_result: ({ content, citations }, at, model) =>
    noCitations(citations, at) + blocksSurplus(content, `${at}.content`, model),
  document: ({ source, citations }, at, model) => noCitations(citations, at) + documentSurplus(source, at, model),
}

function blocksSurplus(content: unknown, at: string, model: string): number {
  if (!Array.isArray(content)) return 0
  return content.reduce<number>((sum, given, place) => {
    const block = recordOf(given)
    const rule = Object.hasOwn(BLOCKS, textOf(block.type)) ? BLOCKS[textOf(block.type)] : undefined
    if (!rule) throw part(`${at}[${place}].type`, 'part', block.type)
    return sum + rule(block, `${at}[${place}]`, model)
  }, 0)
}

// Text costs what it says. Of a PDF each page counts as text and as an image, and nothing here can count its pages.
function documentSurplus(source: unknown, at: string, model: string): number {
  const { type, content } = recordOf(source)
  if (type === 'text') return 0
  if (type === 'content') return blocksSurplus(content, `${at}.source.content`, model)
  throw part(`${at}.source.type`, 'document', type)
}

function ownFile(source: unknown, at: string): null {
  const { type, file_id: file } = recordOf(source)
  if (type === 'file' || file !== undefined)
    throw new UnsupportedPart(`${at}.source.file_id`, 'a file of an upstream account')
  return null
}

// With citations a text is cut into sentences, and each is marked.
function noCitations(citations: unknown, at: string): 0 {
  if (recordOf(citations).enabled === true) throw new UnsupportedPart(`${at}.citations`, 'citing')
  return 0
}

function part(param: string, kind: string, type: unknown): UnsupportedPart {
  const what = typeof type === 'string' ? `a ${kind} of type "${type.slice(0, 40)}"` : `a ${kind} without a type`
  return new UnsupportedPart(param, what)
}

function listOf(value: unknown): readonly Block[] {
  return Array.isArray(value) ? value.map(recordOf) : []
}

/** What this server counts for an image when nobody tells: Anthropic's for about a megapixel. */
const IMAGE_TOKENS = 1_334

/** Our own count of a prompt: its texts, three tokens a message, tools and calls as their JSON. */
export function countMessages(model: string, body: Json): number {
  let tokens = countContent(model, body.system)
  for (const message of listOf(body.messages)) tokens += PER_MESSAGE + countContent(model, message.content)
  return body.tools === undefined ? tokens : tokens + countText(model, textOf(body.tools))
}

function countContent(model: string, content: unknown): number {
  if (typeof content === 'string') return countText(model, content)
  return listOf(content).reduce((sum, block) => {
    if (block.type === 'image') return sum + IMAGE_TOKENS
    if (block.type === 'tool_use') return sum + countText(model, textOf(block.input))
    const source = recordOf(block.source)
    return sum + countContent(model, block.text ?? block.thinking ?? block.content ?? source.data ?? source.content)
  }, 0)
}
