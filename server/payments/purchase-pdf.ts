// The receipt of a purchase as a PDF.
// owns: its look on paper. never: a word of its own (purchase-words.ts). always true: the same facts make the same pages;
// a name in any script is drawn or, where no font has it, stands as squares beside the e-mail address.

import { create } from 'fontkit'
import PDFDocument from 'pdfkit'
import { fontBytes, fontsOf, type Opened, runsOf, type Weight } from './pdf-fonts.ts'
import type { PurchaseFacts } from './purchase-facts.ts'
import { ABOUT, headOf, type Line, linesOf, NOT_REAL } from './purchase-words.ts'

const MARGIN = 64
const [INK, SOFT, RULE] = ['#1a1d1a', '#5b6059', '#d5d5cf']

// Else the font makes a sign of multiplication of an x between two digits, as in a receipt's number.
const features = { calt: false } as unknown as PDFKit.Mixins.OpenTypeFeatures[]

const opened = new Map<string, Opened>()
const open = (path: string): Opened => {
  const known = opened.get(path) ?? (create(fontBytes(path)) as Opened)
  opened.set(path, known)
  return known
}

/** The bytes of the document. */
export async function receiptPdf(facts: PurchaseFacts): Promise<Buffer> {
  const at = new Date(facts.paidAt)
  const title = `Receipt ${facts.number}`
  const info = { Title: title, Author: facts.seller, Subject: facts.item, CreationDate: at, ModDate: at }
  const doc = new PDFDocument({ size: 'A4', margin: MARGIN, info, lang: 'en', displayTitle: true })
  const parts: Buffer[] = []
  doc.on('data', (part: Buffer) => parts.push(part))
  const ended = new Promise<void>((done, failed) => doc.on('end', done).on('error', failed))
  draw(doc, facts)
  doc.end()
  await ended
  return Buffer.concat(parts)
}

function draw(doc: PDFKit.PDFDocument, facts: PurchaseFacts): void {
  const write = writer(doc)
  if (!facts.real) {
    write(NOT_REAL, { size: 10, color: SOFT })
    doc.moveDown(1)
  }
  write('Receipt', { size: 24, weight: 600 })
  write(facts.seller, { color: SOFT })
  doc.moveDown(1.5)
  for (const line of headOf(facts)) row(doc, line)
  if (facts.billedTo) {
    doc.moveDown(1.5)
    write('Billed to', { size: 10, color: SOFT })
    if (facts.billedTo.name) write(facts.billedTo.name, {})
    write(facts.billedTo.email, {})
  }
  doc.moveDown(1.5)
  for (const line of linesOf(facts)) row(doc, line)
  doc.moveDown(2)
  write(ABOUT, { size: 9, color: SOFT })
}

type How = { size?: number; weight?: Weight; color?: string }

/** Writes a paragraph, in as many fonts as it needs. */
function writer(doc: PDFKit.PDFDocument) {
  return (text: string, { size = 11, weight = 400, color = INK }: How): void => {
    doc.fillColor(color).fontSize(size)
    const runs = runsOf(text, weight, open)
    for (const [i, run] of runs.entries()) {
      setFont(doc, run.font)
      doc.text(run.text, { continued: i < runs.length - 1, lineGap: 3, features })
    }
  }
}

/** A name at the left, an amount at the right, a rule below; both are our own words or latin letters. */
function row(doc: PDFKit.PDFDocument, { name, amount, strong = false }: Line): void {
  const width = doc.page.width - 2 * MARGIN
  const write = (text: string, color: string, width: number, align: 'left' | 'right', x: number, y: number) => {
    setFont(doc, fontsOf(strong ? 600 : 400)[0] ?? '')
    doc.fillColor(color).fontSize(11).text(text, x, y, { width, align, features })
    return doc.y
  }
  const y = doc.y + 6
  const left = write(name, strong ? INK : SOFT, width * 0.55, 'left', MARGIN, y)
  const right = write(amount, INK, width * 0.45, 'right', MARGIN + width * 0.55, y)
  const below = Math.max(left, right) + 6
  doc
    .moveTo(MARGIN, below)
    .lineTo(MARGIN + width, below)
    .lineWidth(0.5)
    .strokeColor(RULE)
    .stroke()
  doc.x = MARGIN
  doc.y = below
}

const registered = new WeakMap<PDFKit.PDFDocument, Set<string>>()

/** Chooses a font; it is part of the document once, and only as far as its characters are used. */
function setFont(doc: PDFKit.PDFDocument, path: string): void {
  const known = registered.get(doc) ?? new Set()
  registered.set(doc, known)
  if (!known.has(path)) doc.registerFont(path, fontBytes(path))
  known.add(path)
  doc.font(path)
}
