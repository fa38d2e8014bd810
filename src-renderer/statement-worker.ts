// Drawing a statement beside the page.
// owns: one conversation: facts in, the document out; the widths of its letters, so that it needs no network.
// never: storage, the network. always true: it answers once. A name that its font lacks is drawn with the letters of this device.

import './zod.ts'
import './statement-inbox.ts'
import * as pdfkit from 'pdfkit'
import Helvetica from 'pdfkit/standard-fonts/Helvetica'
import HelveticaBold from 'pdfkit/standard-fonts/HelveticaBold'
import { asked } from './statement-inbox.ts'
import { type Picture, statementPdf } from './statement-pdf.ts'

export type Drawn = { file: Blob } | { failed: string }

// The types do not know of it yet; https://github.com/foliojs/pdfkit#browser-usage
type Registry = { registerStdFonts(...fonts: unknown[]): void }
;(pdfkit as unknown as Registry).registerStdFonts(Helvetica, HelveticaBold)

const here = globalThis as unknown as { postMessage(answer: Drawn): void }

void asked.then(async (statement) => {
  try {
    const parts = await statementPdf(statement, picture)
    here.postMessage({ file: new Blob(parts as BlobPart[], { type: 'application/pdf' }) })
  } catch (error) {
    here.postMessage({ failed: error instanceof Error ? error.message : String(error) })
  }
})

const HEIGHT = 56
const LETTERS = '40px system-ui, sans-serif'
const [PAPER, INK] = ['#ffffff', '#1a1d1a']

/** Any script, joined and ordered as this device does it. A PNG would be unpacked by a script made of text, which our CSP refuses. */
async function picture(text: string): Promise<Picture | null> {
  if (typeof OffscreenCanvas === 'undefined') return null
  const ruler = new OffscreenCanvas(1, 1).getContext('2d')
  if (!ruler) return null
  ruler.font = LETTERS
  const width = Math.min(2000, Math.max(1, Math.ceil(ruler.measureText(text).width)))
  const canvas = new OffscreenCanvas(width, HEIGHT)
  const ink = canvas.getContext('2d')
  if (!ink) return null
  Object.assign(ink, { font: LETTERS, fillStyle: PAPER, textBaseline: 'middle' })
  ink.fillRect(0, 0, width, HEIGHT)
  ink.fillStyle = INK
  ink.fillText(text, 0, HEIGHT / 2)
  const file = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.95 })
  return { jpeg: await file.arrayBuffer(), ratio: width / HEIGHT }
}
