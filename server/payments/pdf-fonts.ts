// Fonts for documents, whatever the language of a name.
// owns: which font draws a character. never: a layout. always true: fonts are read once, when the first document needs
// them; a character that no font has is drawn as a square, and no text makes a document fail.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { inflateSync } from 'node:zlib'

const require = createRequire(import.meta.url)
const INTER = ['latin', 'latin-ext', 'greek', 'greek-ext', 'cyrillic', 'cyrillic-ext', 'vietnamese']
/** Scripts whose letters join, or run from the right: they need a font with its own rules, and their words in one piece. */
const FROM_THE_RIGHT = ['arabic', 'hebrew']
const FALLBACK = '@fontsource/unifont/files/unifont-latin-400-normal.woff'
const NOTHING = '\u25a1'

export type Weight = 400 | 600
export type Run = { font: string; text: string }
/** What we use of a font as pdfkit opens it. */
export type Opened = { hasGlyphForCodePoint(codePoint: number): boolean }

/** In order of preference: the wallet's own font by script, the two for Arabic and Hebrew, then one that has every script of the Basic Multilingual Plane. */
export const fontsOf = (weight: Weight): string[] => [
  ...INTER.map((subset) => `@fontsource/inter/files/inter-${subset}-${weight}-normal.woff`),
  ...FROM_THE_RIGHT.map(
    (script) => `@fontsource/noto-sans-${script}/files/noto-sans-${script}-${script}-${weight}-normal.woff`,
  ),
  FALLBACK,
]

const kept = new Map<string, Buffer>()

/** A font's bytes, as TrueType. */
export function fontBytes(path: string): Buffer {
  const known = kept.get(path)
  if (known) return known
  const bytes = sfntOf(readFileSync(require.resolve(path)))
  kept.set(path, bytes)
  return bytes
}

/**
 * Divides a text by the fonts that have its characters. What is no letter stays with the word before it where its font has it, so
 * that the words of a name are laid out together, in their script's direction. Controls and marks of direction are left out.
 * @param open opens a font; asked in order of preference, and no further than needed
 */
export function runsOf(text: string, weight: Weight, open: (path: string) => Opened): Run[] {
  const runs: Run[] = []
  const fonts = fontsOf(weight)
  const plain = text.normalize('NFC').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '')
  for (const { segment } of new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(plain)) {
    const last = runs.at(-1)
    const order = last && !/[\p{L}\p{N}]/u.test(segment) ? [last.font, ...fonts] : fonts
    const found = order.find((path) =>
      [...segment].every((c) => open(path).hasGlyphForCodePoint(c.codePointAt(0) ?? 0)),
    )
    const run = { font: found ?? FALLBACK, text: found ? segment : NOTHING }
    if (last?.font === run.font) last.text += run.text
    else runs.push(spacedFrom(last, run))
  }
  return runs
}

/** A space after a word from the right, before one in another font, is drawn with that one: else it would stand at the far side. */
function spacedFrom(before: Run | undefined, run: Run): Run {
  if (!before || !FROM_THE_RIGHT.some((script) => before.font.includes(`noto-sans-${script}`))) return run
  const word = before.text.trimEnd()
  const spaces = before.text.slice(word.length)
  before.text = word
  return { font: run.font, text: spaces + run.text }
}

const WOFF_HEAD = 44
const WOFF_ENTRY = 20
const SFNT_HEAD = 12
const SFNT_ENTRY = 16

/**
 * A TrueType font out of its web form (WOFF 1.0, https://www.w3.org/TR/WOFF/): the same tables, unpacked. Read packed, a
 * table would be unpacked anew for each of its glyphs.
 */
function sfntOf(woff: Buffer): Buffer {
  const count = woff.readUInt16BE(12)
  const tables = Array.from({ length: count }, (_, i) => {
    const at = WOFF_HEAD + WOFF_ENTRY * i
    const [offset, packed, length] = [woff.readUInt32BE(at + 4), woff.readUInt32BE(at + 8), woff.readUInt32BE(at + 12)]
    const bytes = woff.subarray(offset, offset + packed)
    const data = packed < length ? inflateSync(bytes, { maxOutputLength: length }) : bytes
    return { tag: woff.subarray(at, at + 4), sum: woff.readUInt32BE(at + 16), data }
  })
  const power = 2 ** Math.floor(Math.log2(count))
  const head = Buffer.alloc(SFNT_HEAD + SFNT_ENTRY * count)
  head.writeUInt32BE(woff.readUInt32BE(4), 0)
  head.writeUInt16BE(count, 4)
  head.writeUInt16BE(SFNT_ENTRY * power, 6)
  head.writeUInt16BE(Math.log2(power), 8)
  head.writeUInt16BE(SFNT_ENTRY * (count - power), 10)
  const parts: Buffer[] = [head]
  let at = head.length
  for (const [i, { tag, sum, data }] of tables.entries()) {
    const entry = SFNT_HEAD + SFNT_ENTRY * i
    tag.copy(head, entry)
    head.writeUInt32BE(sum, entry + 4)
    head.writeUInt32BE(at, entry + 8)
    head.writeUInt32BE(data.length, entry + 12)
    const pad = Buffer.alloc((4 - (data.length % 4)) % 4)
    parts.push(data, pad)
    at += data.length + pad.length
  }
  return Buffer.concat(parts)
}
