// A chat stream on its way through, byte for byte, and what must be known of it.
// owns: finding event borders, the usage event, the end, and the text delivered. never: rewriting an event of the caller's.
// always true: `[DONE]` and the usage-only event stay here (the caller gets ours after the books are written); what
// comes after `[DONE]` is dropped; an event of more than 1 MiB ends the stream.

const MAX_EVENT_BYTES = 1024 * 1024
const NEWLINE = 0x0a
const TEXT_KEYS = ['content', 'reasoning_content', 'reasoning', 'arguments', 'refusal', 'text'].map((key) =>
  Buffer.from(`"${key}"`),
)
const DONE = Buffer.from('[DONE]')
const USAGE = Buffer.from('"usage"')
const ERROR = Buffer.from('"error"')

export type ChatStream = {
  /** Takes bytes from the upstream; answers the bytes to pass on. @throws Error when an event is too long */
  take(chunk: Buffer): Buffer
  /** What is left when the upstream ends without a blank line. */
  flush(): Buffer
  /** Whether it came to its end: `[DONE]`, or the event that carries usage alone. */
  readonly whole: boolean
  /** The last usage seen before the end, or undefined; of a stream that is not whole it may tell of a part only. */
  readonly usage: unknown
  /** Fields of the first event, for the event we add at the end. */
  readonly head: Head
  /** Whether the upstream reported an error inside the stream. */
  readonly failed: boolean
  /** Events that carried text. */
  readonly events: number
  /** All text passed on so far. */
  text(): string
}
type Head = { id?: unknown; created?: unknown; model?: unknown }

/** @param hideUsage take usage out of events that carry more than usage, for a caller who did not ask */
export function chatStream(hideUsage: boolean): ChatStream {
  const fresh = { done: false, reported: false, failed: false, usage: undefined, head: null, events: 0, escaped: '' }
  const seen: Seen = { hideUsage, ...fresh }
  let rest: Buffer = NOTHING
  return {
    take(chunk) {
      const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const passed: Buffer[] = []
      let start = 0
      for (let end = border(data, 0); end !== -1; end = border(data, start)) {
        const kept = takeEvent(seen, data.subarray(start, end))
        if (kept) passed.push(kept)
        start = end
      }
      rest = start === data.length ? NOTHING : Buffer.from(data.subarray(start))
      if (rest.length > MAX_EVENT_BYTES) throw new Error('an event of the stream is longer than 1 MiB')
      return passed.length === 1 && passed[0] ? passed[0] : Buffer.concat(passed)
    },
    flush() {
      const last = rest
      rest = NOTHING
      // Half an event is nothing to anybody; a reader that parses it would fail.
      if (dataOf(last) !== '[DONE]' && jsonOf(last) === null) return NOTHING
      return takeEvent(seen, Buffer.concat([last, Buffer.from('\n\n')])) ?? NOTHING
    },
    get whole() {
      return seen.done || seen.reported
    },
    get usage() {
      return seen.usage
    },
    get head() {
      return seen.head ?? {}
    },
    get failed() {
      return seen.failed
    },
    get events() {
      return seen.events
    },
    text: () => unescaped(seen.escaped),
  }
}

const NOTHING: Buffer = Buffer.alloc(0)

type Seen = {
  readonly hideUsage: boolean
  done: boolean
  /** The event that carries usage alone, the last before `[DONE]`, has come. */
  reported: boolean
  failed: boolean
  usage: unknown
  head: Head | null
  events: number
  /** Text of all events, still in JSON's escapes and as Latin-1 bytes: cheap to add to, decoded only when it is counted. */
  escaped: string
}

// One whole event with its blank line; answers what to pass on of it.
function takeEvent(seen: Seen, bytes: Buffer): Buffer | null {
  if (seen.done) return null
  if (bytes.includes(DONE) && dataOf(bytes) === '[DONE]') {
    seen.done = true
    return null
  }
  if ((seen.head === null || bytes.includes(ERROR)) && isError(seen, bytes)) return null
  if (bytes.includes(USAGE)) {
    const kept = takeUsage(seen, bytes)
    if (kept !== undefined) return kept
  }
  noteText(seen, bytes)
  return bytes
}

// An upstream's error stays here: it may name keys and addresses of ours, and the caller gets our own.
function isError(seen: Seen, bytes: Buffer): boolean {
  const json = jsonOf(bytes)
  if (!json) return false
  const isOne = Boolean(json.error) && !json.choices
  if (isOne) seen.failed = true
  else seen.head ??= { id: json.id, created: json.created, model: json.model }
  return isOne
}

// Undefined when the event carries no usage after all; null when it carries nothing else.
function takeUsage(seen: Seen, bytes: Buffer): Buffer | null | undefined {
  const json = jsonOf(bytes)
  if (!json || json.usage === undefined || json.usage === null) return undefined
  seen.usage = json.usage
  if (!Array.isArray(json.choices) || json.choices.length === 0) {
    seen.reported = true
    return null
  }
  noteText(seen, bytes)
  if (!seen.hideUsage) return bytes
  const { usage: _, ...visible } = json
  return Buffer.from(`data: ${JSON.stringify(visible)}\n\n`)
}

function noteText(seen: Seen, bytes: Buffer): void {
  const before = seen.escaped.length
  for (const key of TEXT_KEYS) seen.escaped += textAfter(bytes, key)
  if (seen.escaped.length > before) seen.events++
}

/** Index just past the next blank line (LF or CRLF), or -1. */
function border(data: Buffer, from: number): number {
  for (let i = data.indexOf(NEWLINE, from); i !== -1; i = data.indexOf(NEWLINE, i + 1)) {
    if (data[i + 1] === NEWLINE) return i + 2
    if (data[i + 1] === 0x0d && data[i + 2] === NEWLINE) return i + 3
  }
  return -1
}

/** What the `data:` lines of an event say. */
function dataOf(bytes: Buffer): string {
  return bytes
    .toString('utf8')
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).trim())
    .join('\n')
}

function jsonOf(bytes: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(dataOf(bytes))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

// The still escaped inside of the JSON string that is the value of `key`; every occurrence, with or without spaces.
function textAfter(bytes: Buffer, key: Buffer): string {
  let found = ''
  for (let at = bytes.indexOf(key); at !== -1; at = bytes.indexOf(key, at + key.length)) {
    const colon = pastSpaces(bytes, at + key.length)
    if (bytes[colon] !== 0x3a) continue
    const start = pastSpaces(bytes, colon + 1) + 1
    if (bytes[start - 1] !== 0x22) continue
    let end = start
    while (end < bytes.length && bytes[end] !== 0x22) end += bytes[end] === 0x5c ? 2 : 1
    found += bytes.toString('latin1', start, end)
  }
  return found
}

function pastSpaces(bytes: Buffer, from: number): number {
  let at = from
  while (bytes[at] === 0x20) at++
  return at
}

function unescaped(latin1: string): string {
  try {
    return String(JSON.parse(`"${Buffer.from(latin1, 'latin1').toString('utf8')}"`))
  } catch {
    return Buffer.from(latin1, 'latin1').toString('utf8')
  }
}
