// A stream of server-sent events on its way through, byte for byte, and what must be known of it.
// owns: finding event borders, and the text delivered. never: what an event means (the shape's rules say it).
// always true: what comes after the end is dropped; an event of more than 1 MiB ends the stream; only events with a mark of
// the shape's, and the first, are parsed.

import { jsonOf } from './reply-json.ts'
import type { StreamReader } from './shapes/shape.ts'

const MAX_EVENT_BYTES = 1024 * 1024
const NEWLINE = 0x0a
const NOTHING: Buffer = Buffer.alloc(0)

/** What is known of a stream so far. */
export type Seen = {
  readonly hideUsage: boolean
  /** The end has come. */
  done: boolean
  /** The usage of the whole stream has come; what is left says nothing more. */
  reported: boolean
  failed: boolean
  usage: unknown
  /** Whatever the shape keeps for its last frames; null until it does. */
  head: Record<string, unknown> | null
  events: number
  /** Text of all events, still in JSON's escapes and as Latin-1 bytes: cheap to add to, decoded only when it is counted. */
  escaped: string
}

export type SseEvent = { data: string; json: Record<string, unknown> | null }

/** How one shape's events are read. */
export type SseRules = {
  /** An event with one of these texts in it is parsed and looked at. So is the first, until `seen.head` is set. */
  marks: readonly string[]
  /** Members whose texts are what the model wrote. */
  textKeys: readonly string[]
  /** Notes what an event says. @returns null to keep it here, other bytes to send instead of it, undefined to pass it on */
  look(seen: Seen, event: SseEvent): Buffer | null | undefined
  /** What a whole stream's end is made of: see StreamReader.last. */
  last(seen: Seen): string
}

/** @param hideUsage whether usage is taken out of what the caller sees */
export function sseReader(rules: SseRules, { hideUsage }: { hideUsage: boolean }): StreamReader {
  const seen: Seen = {
    hideUsage,
    done: false,
    reported: false,
    failed: false,
    usage: undefined,
    head: null,
    events: 0,
    escaped: '',
  }
  const known = bytesOf(rules)
  let rest: Buffer = NOTHING
  return {
    type: 'text/event-stream; charset=utf-8',
    take(chunk) {
      const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const passed: Buffer[] = []
      let start = 0
      for (let end = border(data, 0); end !== -1; end = border(data, start)) {
        const kept = takeEvent(known, seen, data.subarray(start, end))
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
      const data = dataOf(last)
      if (data !== '[DONE]' && jsonOf(data) === null) return NOTHING
      return takeEvent(known, seen, Buffer.concat([last, Buffer.from('\n\n')])) ?? NOTHING
    },
    whole: () => seen.done || seen.reported,
    usage: () => seen.usage,
    failed: () => seen.failed,
    events: () => seen.events,
    text: () => unescaped(seen.escaped),
    last: () => Buffer.from(rules.last(seen)),
  }
}

type Known = { rules: SseRules; marks: readonly Buffer[]; textKeys: readonly Buffer[] }
const compiled = new Map<SseRules, Known>()

function bytesOf(rules: SseRules): Known {
  const known = compiled.get(rules)
  if (known) return known
  const marks = rules.marks.map((mark) => Buffer.from(mark))
  const fresh = { rules, marks, textKeys: rules.textKeys.map((key) => Buffer.from(`"${key}"`)) }
  compiled.set(rules, fresh)
  return fresh
}

// One whole event with its blank line; answers what to pass on of it.
function takeEvent({ rules, marks, textKeys }: Known, seen: Seen, bytes: Buffer): Buffer | null {
  if (seen.done) return null
  let passed: Buffer | undefined
  if (seen.head === null || marks.some((mark) => bytes.includes(mark))) {
    const data = dataOf(bytes)
    const kept = rules.look(seen, { data, json: jsonOf(data) })
    if (kept === null) return null
    passed = kept
  }
  const before = seen.escaped.length
  for (const key of textKeys) seen.escaped += textAfter(bytes, key)
  if (seen.escaped.length > before) seen.events++
  return passed ?? bytes
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
