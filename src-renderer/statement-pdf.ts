// A statement on paper.
// owns: its look. never: the facts (statement.ts), storage, the network. always true: the same facts make the same pages; every
// page says its number of how many; a text that the font cannot draw is drawn by `picture`, or stands as squares.

import PDFDocument from 'pdfkit'
import { charge, count, exact, LOCALE, monthWords } from './format.ts'
import type { AppSum, Known, Statement, StatementLine } from './statement.ts'
import { isWrong } from './verify.ts'
import { counted, language, say } from './words.ts'

type Doc = PDFKit.PDFDocument
type Weight = keyof typeof FONTS
/** A text drawn as a JPEG on white, and how wide it is for its height. */
export type Picture = { jpeg: ArrayBuffer; ratio: number }
export type Pictures = (text: string) => Promise<Picture | null>

const MARGIN = 40
const BOTTOM = 60
const [INK, SOFT, RULE, BAD] = ['#1a1d1a', '#5b6059', '#d5d5cf', '#a61b1b']
const SIZE = 8
const ROW = 14
/** Every reader has these, their figures are all of one width, and ten thousand lines take no longer than a breath. */
const FONTS = { 400: 'Helvetica', 600: 'Helvetica-Bold' } as const
/** Latin-1 and the few signs beside it that the font has. */
const DRAWN = /^[\u0020-\u007e\u00a0-\u00ff\u2013\u2014\u2018-\u201e\u2022\u2026\u20ac]*$/

/** The bytes of the document, in parts. */
export async function statementPdf(statement: Statement, picture: Pictures): Promise<Uint8Array[]> {
  const at = new Date(statement.madeAt)
  const title = say('Statement {month}', { month: monthWords(statement.month) })
  const info = { Title: title, Author: statement.server, CreationDate: at, ModDate: at }
  const margins = { top: MARGIN, left: MARGIN, right: MARGIN, bottom: 0 }
  const doc = new PDFDocument({
    size: 'A4',
    margins,
    info,
    lang: language,
    displayTitle: true,
    bufferPages: true,
    font: '',
  })
  const parts: Uint8Array[] = []
  doc.on('data', (part: Uint8Array) => parts.push(part))
  const ended = new Promise<void>((done, failed) => doc.on('end', done).on('error', failed))
  const pen = penFor(doc, await picturesOf(statement, picture))
  draw(pen, statement)
  numberPages(pen)
  doc.end()
  await ended
  return parts
}

async function picturesOf(s: Statement, picture: Pictures): Promise<Map<string, Picture>> {
  const texts = new Set([s.person, s.server, ...s.apps.map(({ app }) => app), ...s.lines.map(({ model }) => model)])
  const found = new Map<string, Picture>()
  for (const text of [...texts].filter((text) => !DRAWN.test(text))) {
    const made = await picture(text)
    if (made) found.set(text, made)
  }
  return found
}

/** An image that stands in the document once, however often it is drawn; the types do not know of it. */
const openImage = (doc: Doc, jpeg: ArrayBuffer): PDFKit.Mixins.ImageSrc =>
  (doc as unknown as { openImage(src: ArrayBuffer): PDFKit.Mixins.ImageSrc }).openImage(jpeg)

type Pen = ReturnType<typeof penFor>
type How = { size?: number; weight?: Weight; color?: string; right?: boolean }

/** Writes one line of text into a box, cut where the box ends. */
function penFor(doc: Doc, pictures: Map<string, Picture>) {
  const opened = new Map([...pictures].map(([text, { jpeg, ratio }]) => [text, { image: openImage(doc, jpeg), ratio }]))
  const fitted = new Map<string, { shown: string; width: number }>()
  const fit = (text: string, width: number, size: number, weight: Weight) => {
    const key = `${weight} ${size} ${width} ${text}`
    const before = fitted.get(key)
    if (before) return before
    const measure = (t: string) => doc.widthOfString(t)
    let shown = DRAWN.test(text) ? text : [...text].map((c) => (DRAWN.test(c) ? c : '?')).join('')
    while (shown.length > 1 && measure(shown) > width) shown = `${shown.slice(0, shown.endsWith('…') ? -2 : -1)}…`
    const now = { shown, width: measure(shown) }
    if (fitted.size < 50_000) fitted.set(key, now)
    return now
  }
  const write = (text: string, x: number, y: number, width: number, how: How = {}): void => {
    const { size = SIZE, weight = 400, color = INK, right = false } = how
    const picture = opened.get(text)
    if (picture) {
      const height = Math.min(size * 1.4, width / picture.ratio)
      doc.image(picture.image, right ? x + width - height * picture.ratio : x, y - size * 0.2, { height })
      return
    }
    doc.font(FONTS[weight]).fontSize(size).fillColor(color)
    const { shown, width: taken } = fit(text, width, size, weight)
    doc.text(shown, right ? x + width - taken : x, y, { lineBreak: false })
  }
  const rule = (y: number, x = MARGIN, to = doc.page.width - MARGIN) =>
    doc.moveTo(x, y).lineTo(to, y).lineWidth(0.5).strokeColor(RULE).stroke()
  return { doc, write, rule, width: doc.page.width - 2 * MARGIN, full: () => doc.page.height - BOTTOM }
}

function draw(pen: Pen, s: Statement): void {
  const wide = { at: MARGIN, width: pen.width }
  let y = MARGIN
  const line = (text: string, how: How, step: number) => {
    pen.write(text, wide.at, y, wide.width, how)
    y += step
  }
  if (!s.real) line(say('Sandbox: this is not real money'), { size: 9, color: SOFT }, 18)
  line(say('Statement, {month}', { month: monthWords(s.month) }), { size: 22, weight: 600 }, 32)
  line(s.person, { size: 10 }, 15)
  const made = { server: s.server, zone: s.zone, time: timeIn(s.zone)(s.madeAt) }
  line(say('{server}; times are {zone}; made {time}', made), { size: 9, color: SOFT }, 26)
  for (const [name, text, note] of summaryOf(s)) {
    pen.write(name, MARGIN, y, 170, { size: 10, color: SOFT })
    pen.write(text, MARGIN + 170, y, 110, { size: 10, weight: 600, right: true })
    pen.write(note, MARGIN + 300, y + 1, pen.width - 300, { color: SOFT })
    y += 18
    pen.rule(y - 3)
  }
  y += 12
  const checked = counted(
    '{good} of {n} charge verified on this device',
    '{good} of {n} charges verified on this device',
    s.sum.calls,
    { good: count(s.checks.verified) },
  )
  line(checked, { size: 10, weight: 600, color: s.checks.wrong > 0 ? BAD : INK }, 14)
  line(checkWords(s), { color: s.checks.wrong > 0 ? BAD : SOFT }, 26)
  y = table(pen, y, APP_COLUMNS, [...s.apps, ...(s.apps.length > 1 ? [{ ...s.sum, app: say('All apps') }] : [])])
  y = table(pen, y + 24, lineColumns(s), s.lines)
  if (s.unlisted > 0) pen.write(unlistedWords(s), MARGIN, y + 8, pen.width, { color: SOFT })
}

const summaryOf = (s: Statement): [string, string, string][] => [
  [say('Opening balance'), balance(s.opening), since(s.opening, s, say('by the last receipt before it'))],
  [say('Added by purchases'), exact(s.added), ''],
  [say('Paid for calls'), exact(s.sum.total - s.sum.granted), counted('{n} call', '{n} calls', s.sum.calls)],
  ...(s.sum.granted > 0 ? [[say('Paid by grants of apps'), exact(s.sum.granted), ''] as [string, string, string]] : []),
  [say('Closing balance'), balance(s.closing), since(s.closing, s, say('by the last receipt in it'))],
]

const balance = (known: Known | null): string => (known ? exact(known.micros) : say('not known'))
const since = (known: Known | null, { zone }: Statement, words: string): string =>
  known ? `${words}, ${timeIn(zone)(known.at)}` : say('This device holds no receipt that says it')

const checkWords = ({ checks, sum }: Statement): string => {
  if (checks.wrong > 0)
    return counted(
      '{n} charge did not check out; see the marks below.',
      '{n} charges did not check out; see the marks below.',
      checks.wrong,
    )
  const unchecked = sum.calls - checks.verified
  if (unchecked > 0) return say('{count} could not be checked here, and are marked below.', { count: count(unchecked) })
  return say('Signature, order and every sum of each receipt were checked.')
}

const unlistedWords = ({ unlisted, lines }: Statement): string =>
  say('The newest {listed} are listed; {older} older ones are in the sums. A table (CSV) has all.', {
    listed: count(lines.length),
    older: count(unlisted),
  })

/** `text` of a row at a width; amounts stand at the right. */
type Column<R> = { head: string; width: number; right?: boolean; text: (row: R) => string; bad?: (row: R) => boolean }

const APP_COLUMNS: Column<AppSum>[] = [
  { head: say('App'), width: 175, text: (r) => r.app },
  { head: say('Calls'), width: 60, right: true, text: (r) => count(r.calls) },
  { head: say('Base'), width: 70, right: true, text: (r) => exact(r.base) },
  { head: say('Markup'), width: 70, right: true, text: (r) => exact(r.markup) },
  { head: say('Total'), width: 70, right: true, text: (r) => exact(r.total) },
  { head: say('Of it by grants'), width: 70, right: true, text: (r) => exact(r.granted) },
]

/** An amount that names its unit behind a space is longer; no amount may be cut. */
const SPACED = language === 'en' ? 0 : 7

function lineColumns({ zone }: Statement): Column<StatementLine>[] {
  const time = timeIn(zone)
  return [
    { head: say('Time'), width: 82 - SPACED, text: (r) => time(r.at) },
    { head: say('App'), width: 92, text: (r) => r.app },
    { head: say('Model'), width: 110 - 2 * SPACED, text: (r) => r.model },
    { head: say('Tokens'), width: 48, right: true, text: (r) => count(r.tokens) },
    { head: say('Base'), width: 46 + SPACED, right: true, text: (r) => charge(r.base) },
    { head: say('Markup'), width: 46 + SPACED, right: true, text: (r) => charge(r.markup) },
    { head: say('Total'), width: 48 + SPACED, right: true, text: (r) => charge(r.total) },
    { head: '', width: 43, right: true, text: checkOf, bad: (r) => isWrong(r.mark) },
  ]
}

const checkOf = ({ mark }: StatementLine): string =>
  mark === 'verified' ? '' : isWrong(mark) ? say('wrong') : say('unchecked')

/** Draws rows over as many pages as they take, with the heads on each. Returns where it ended. */
function table<R>(pen: Pen, from: number, columns: Column<R>[], rows: R[]): number {
  if (rows.length === 0) return from
  let y = heads(pen, from + 3 * ROW > pen.full() ? newPage(pen) : from, columns)
  for (const row of rows) {
    if (y + ROW > pen.full()) y = heads(pen, newPage(pen), columns)
    cells(pen, y, columns, (c) => [c.text(row), c.bad?.(row) ? { color: BAD, weight: 600 } : {}])
    y += ROW
    pen.rule(y - 3)
  }
  return y
}

function heads<R>(pen: Pen, y: number, columns: Column<R>[]): number {
  cells(pen, y, columns, (c) => [c.head, { color: SOFT }])
  pen.rule(y + ROW - 3)
  return y + ROW
}

function cells<R>(pen: Pen, y: number, columns: Column<R>[], of: (c: Column<R>) => [string, How]): void {
  let x = MARGIN
  for (const column of columns) {
    const [text, how] = of(column)
    if (text !== '') pen.write(text, x, y, column.width - 6, { ...how, right: column.right ?? false })
    x += column.width
  }
}

function newPage({ doc }: Pen): number {
  doc.addPage()
  return MARGIN
}

function numberPages({ doc, write, width }: Pen): void {
  const { count: pages } = doc.bufferedPageRange()
  for (let i = 0; i < pages; i++) {
    doc.switchToPage(i)
    write(
      say('Page {page} of {pages}', { page: count(i + 1), pages: count(pages) }),
      MARGIN,
      doc.page.height - 40,
      width,
      { color: SOFT, right: true },
    )
  }
}

const clocks = new Map<string, Intl.DateTimeFormat>()

/** "23 Nov 2026, 17:08" where the person lives. */
function timeIn(timeZone: string): (at: number) => string {
  const made = clocks.get(timeZone) ?? clockIn(timeZone)
  clocks.set(timeZone, made)
  return (at) => made.format(at)
}

function clockIn(timeZone: string): Intl.DateTimeFormat {
  const parts = { dateStyle: 'medium', timeStyle: 'short' } as const
  try {
    return new Intl.DateTimeFormat(LOCALE, { ...parts, timeZone })
  } catch {
    return new Intl.DateTimeFormat(LOCALE, { ...parts, timeZone: 'UTC' })
  }
}
