// A chat stream on its way through, byte for byte, and what must be known of it.
// owns: finding event borders, the usage event, the end, and the text delivered. never: rewriting an event of the caller's.
// always true: `[DONE]` and the usage-only event stay here (the caller gets ours after the books are written); what
// comes after `[DONE]` is dropped; an event of more than 1 MiB ends the stream.

const MAX_EVENT_BYTES = 1024 * 1024
const NEWLINE = 0x0a
const TEXT_KEYS = ['"content":"', '"reasoning_content":"', '"reasoning":"', '"arguments":"', '"refusal":"'].map((key) => Buffer.from(key))
const DONE = Buffer.from('[DONE]')
const USAGE = Buffer.from('"usage"')
const ERROR = Buffer.from('"error"')

export type ChatStream = {
  /** Takes bytes from the upstream; answers the bytes to pass on. @throws Error when an event is too long */
  take(chunk: Buffer): Buffer
  /** What is left when the upstream ends without a blank line. */
  flush(): Buffer
  readonly done: boolean
  /** The last usage seen before the end, or undefined. */
  readonly usage: unknown
  /** Fields of the first event, for the event we add at the end. */
  readonly head: { id?: unknown; created?: unknown; model?: unknown }
  /** Whether the upstream reported an error inside the stream. */
  readonly failed: boolean
  /** Events that carried text. */
  readonly events: number
  /** All text passed on so far. */
  text(): string
}

/** @param hideUsage take usage out of events that carry more than usage, for a caller who did not ask */
export function chatStream(hideUsage: boolean): ChatStream {
  let rest: Buffer = Buffer.alloc(0)
  let done = false
  let failed = false
  let usage: unknown
  let head: ChatStream['head'] | null = null
  let events = 0
  let escaped = ''

  // One whole event with its blank line; answers what to pass on of it.
  const event = (bytes: Buffer): Buffer | null => {
    if (done) return null
    if (bytes.includes(DONE) && /^data:\s*\[DONE\]\s*$/.test(bytes.toString('latin1'))) {
      done = true
      return null
    }
    if (head === null || bytes.includes(ERROR)) look(bytes)
    if (bytes.includes(USAGE)) {
      const kept = withoutUsage(bytes)
      if (kept !== undefined) return kept
    }
    note(bytes)
    return bytes
  }
  const look = (bytes: Buffer) => {
    const json = jsonOf(bytes)
    if (!json) return
    head ??= { id: json.id, created: json.created, model: json.model }
    if (json.error && !json.choices) failed = true
  }
  const withoutUsage = (bytes: Buffer): Buffer | null | undefined => {
    const json = jsonOf(bytes)
    if (!json || json.usage === undefined || json.usage === null) return undefined
    usage = json.usage
    if (!Array.isArray(json.choices) || json.choices.length === 0) return null
    note(bytes)
    if (!hideUsage) return bytes
    const { usage: _, ...visible } = json
    return Buffer.from(`data: ${JSON.stringify(visible)}\n\n`)
  }
  const note = (bytes: Buffer) => {
    const before = escaped.length
    for (const key of TEXT_KEYS) escaped += textAfter(bytes, key)
    if (escaped.length > before) events++
  }

  return {
    take(chunk) {
      const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const passed: Buffer[] = []
      let start = 0
      for (let end = border(data, 0); end !== -1; end = border(data, start)) {
        const kept = event(data.subarray(start, end))
        if (kept) passed.push(kept)
        start = end
      }
      rest = start === data.length ? Buffer.alloc(0) : Buffer.from(data.subarray(start))
      if (rest.length > MAX_EVENT_BYTES) throw new Error('an event of the stream is longer than 1 MiB')
      return passed.length === 1 && passed[0] ? passed[0] : Buffer.concat(passed)
    },
    flush() {
      const last = rest
      rest = Buffer.alloc(0)
      if (last.length === 0) return last
      const kept = event(Buffer.concat([last, Buffer.from('\n\n')]))
      return kept ?? Buffer.alloc(0)
    },
    get done() {
      return done
    },
    get usage() {
      return usage
    },
    get head() {
      return head ?? {}
    },
    get failed() {
      return failed
    },
    get events() {
      return events
    },
    text: () => unescape(escaped),
  }
}

/** Index just past the next blank line (LF or CRLF), or -1. */
function border(data: Buffer, from: number): number {
  for (let i = data.indexOf(NEWLINE, from); i !== -1; i = data.indexOf(NEWLINE, i + 1)) {
    if (data[i + 1] === NEWLINE) return i + 2
    if (data[i + 1] === 0x0d && data[i + 2] === NEWLINE) return i + 3
  }
  return -1
}

function jsonOf(bytes: Buffer): Record<string, unknown> | null {
  const text = bytes.toString('utf8')
  const data = text.split(/\r?\n/).filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim()).join('\n')
  try {
    const value: unknown = JSON.parse(data)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

// The still escaped inside of a JSON string after `key`; every occurrence.
function textAfter(bytes: Buffer, key: Buffer): string {
  let found = ''
  for (let at = bytes.indexOf(key); at !== -1; at = bytes.indexOf(key, at + key.length)) {
    let end = at + key.length
    while (end < bytes.length && bytes[end] !== 0x22) end += bytes[end] === 0x5c ? 2 : 1
    found += bytes.toString('latin1', at + key.length, end)
  }
  return found
}

function unescape(latin1: string): string {
  try {
    return String(JSON.parse(`"${Buffer.from(latin1, 'latin1').toString('utf8')}"`))
  } catch {
    return Buffer.from(latin1, 'latin1').toString('utf8')
  }
}
