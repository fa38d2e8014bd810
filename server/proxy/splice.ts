// Changes to a JSON object's top level, in its text.
// owns: finding the members of an object; taking out, replacing and adding some. never: reading what it does not change.
// always true: a member that is not changed is sent on byte for byte: big numbers, escapes and doubled inner keys survive.

/** New values by name; `undefined` takes the member out. */
export type Changes = Readonly<Record<string, unknown>>

type Member = { name: string; from: number; to: number }

/**
 * @param bytes the UTF-8 text of one JSON object without doubled top-level keys; it has been parsed before
 * @returns the same object with these changes; spaces between members are not kept
 */
export function splice(bytes: Buffer, changes: Changes): Buffer {
  const text = bytes.toString('latin1') // a character for each byte, so nothing is decoded
  const left = new Map(Object.entries(changes))
  const parts: string[] = []
  for (const { name, from, to } of membersOf(text)) {
    if (!left.has(name)) parts.push(text.slice(from, to))
    else if (left.get(name) !== undefined) parts.push(member(name, left.get(name)))
    left.delete(name)
  }
  for (const [name, value] of left) if (value !== undefined) parts.push(member(name, value))
  return Buffer.from(`{${parts.join(',')}}`, 'latin1')
}

/** The text of one top-level member's value, or null where there is none. @param bytes as for `splice` */
export function memberText(bytes: Buffer, name: string): string | null {
  const text = bytes.toString('latin1')
  for (const { name: found, from, to } of membersOf(text)) {
    if (found !== name) continue
    const value = text.indexOf(':', pastString(text, from)) + 1
    return Buffer.from(text.slice(value, to), 'latin1').toString('utf8').trim()
  }
  return null
}

function member(name: string, value: unknown): string {
  return Buffer.from(`${JSON.stringify(name)}:${JSON.stringify(value)}`, 'utf8').toString('latin1')
}

function* membersOf(text: string): Generator<Member> {
  let at = text.indexOf('{') + 1
  for (;;) {
    const from = text.indexOf('"', at)
    const close = text.indexOf('}', at)
    if (from === -1 || (close !== -1 && close < from)) return // the object is empty, or at its end
    const nameEnd = pastString(text, from)
    const to = pastValue(text, text.indexOf(':', nameEnd) + 1)
    yield { name: String(JSON.parse(text.slice(from, nameEnd))), from, to }
    if (text[to] !== ',') return
    at = to + 1
  }
}

/** Index of the comma or brace that ends a value beginning at `from`. */
function pastValue(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (c === 0x22) at = pastString(text, at) - 1
    else if (c === 0x7b || c === 0x5b) depth++
    else if (depth === 0 && (c === 0x2c || c === 0x7d)) return at
    else if (c === 0x7d || c === 0x5d) depth--
  }
  return text.length
}

/** Index just past the string that begins at `from`. */
function pastString(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let slashes = 0
    while (text.charCodeAt(at - 1 - slashes) === 0x5c) slashes++
    if (slashes % 2 === 0) return at + 1
  }
  return text.length
}
