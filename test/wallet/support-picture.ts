// Pictures of the wallet's screens, and whether a screen still looks like its picture.
// owns: the kept pictures (test/wallet/screens), how a screen is compared with one, how one is drawn. never: what is on a
// screen. always true: nobody writes a picture but a run with QUOTA_SCREENSHOTS=1; a difference says which Chromium drew it.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import { type Browser, expect, type Page, test } from '@playwright/test'

export const PICTURES = join(import.meta.dirname, 'screens')
export const DRAWING = process.env.QUOTA_SCREENSHOTS === '1'
const DRAWN_WITH = join(PICTURES, 'drawn-with.txt')

/**
 * Letters in shades of grey and unhinted, so that they come out alike on every machine; both are the screen's matter, not
 * the wallet's.
 */
export const PICTURE_FLAGS = ['--disable-lcd-text', '--font-render-hinting=none']

/** How far a point may be off before it counts, and how many may be: another build draws the edges of letters otherwise. */
export const ALIKE = { threshold: 0.04, maxDiffPixels: 60 }
/** Of another Chromium than drew them only what nobody would overlook counts: a newer one must not fail a change of ours. */
const ALIKE_ELSEWHERE = { threshold: 0.2, maxDiffPixelRatio: 0.02 }
/** What is still on its way when a screen is there (a list read from the database) may take so long. */
const PATIENCE_MS = 10_000
/** Elsewhere letters have other shapes. */
export const COMPARING = process.platform === 'linux' && !DRAWING
const COLOURS_MAX = 256

/** Fails where the page differs from the picture of that name; when drawing, keeps it instead. */
export async function picture(page: Page, name: string): Promise<void> {
  if (DRAWING) return draw(page, name)
  if (!COMPARING) return void test.info().annotations.push({ type: 'pictures', description: 'are compared on Linux' })
  const by = page.context().browser()?.version() ?? ''
  const drawnWith = readFileSync(DRAWN_WITH, 'utf8').trim()
  const about = `${name}: its picture was drawn with Chromium ${drawnWith}, this is ${by}`
  const alike = majorOf(by) === majorOf(drawnWith) ? ALIKE : ALIKE_ELSEWHERE
  await expect(async () => {
    await expect(page, about).toHaveScreenshot(`${name}.png`, alike)
  }).toPass({ timeout: PATIENCE_MS })
}

const majorOf = (version: string) => version.split('.')[0]

// --- drawing -----------------------------------------------------------------------------------------------------------

async function draw(page: Page, name: string): Promise<void> {
  const browser = page.context().browser() as Browser
  mkdirSync(PICTURES, { recursive: true })
  writeFileSync(DRAWN_WITH, `${browser.version()}\n`)
  writeFileSync(join(PICTURES, `${name}.png`), await fewColours(browser, await still(page)))
}

/** The page once two looks at it are the same. */
async function still(page: Page): Promise<Buffer> {
  let before: Buffer = Buffer.alloc(0)
  for (;;) {
    const now = await page.screenshot({ animations: 'disabled', caret: 'hide', scale: 'css' })
    if (now.equals(before)) return now
    before = now
    await page.waitForTimeout(100)
  }
}

/** A page that reads pictures; it ends with its browser. */
let reader: Page | null = null

/** The same picture in at most 256 colours, which is less than half as large. */
async function fewColours(browser: Browser, png: Buffer): Promise<Buffer> {
  reader ??= await browser.newPage()
  const { width, height, data } = await reader.evaluate(pointsOf, png.toString('base64'))
  const bytes = Buffer.from(data, 'base64')
  const points = Array.from({ length: width * height }, (_, i) => bytes.readUInt32BE(i * 4) >>> 8)
  const times = new Map<number, number>()
  for (const point of points) times.set(point, (times.get(point) ?? 0) + 1)
  const colours = [...times.keys()].sort((a, b) => (times.get(b) ?? 0) - (times.get(a) ?? 0))
  const palette = paletteOf(colours)
  const index = new Map(colours.map((colour) => [colour, nearest(palette, colour)]))
  const rows = Buffer.alloc((width + 1) * height) // each begins with its filter: none
  for (const [i, point] of points.entries()) rows[i + Math.floor(i / width) + 1] = index.get(point) ?? 0
  return pngOf(width, height, palette, rows)
}

/** Runs in a page: it can read every picture it can show. `data`: four bytes for each point, the last of no meaning. */
async function pointsOf(png: string): Promise<{ width: number; height: number; data: string }> {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob())
  const { width, height } = image
  const context = new OffscreenCanvas(width, height).getContext('2d') as OffscreenCanvasRenderingContext2D
  context.drawImage(image, 0, 0)
  const { data } = context.getImageData(0, 0, width, height)
  const reader = new FileReader()
  reader.readAsDataURL(new Blob([data]))
  await new Promise((done) => reader.addEventListener('load', done))
  return { width, height, data: String(reader.result).split(',')[1] ?? '' }
}

/** The most frequent colours stay as they are; the others become one of them, as near as 256 allow. */
function paletteOf(colours: readonly number[]): number[] {
  for (let apart = 0; ; apart += 2) {
    const palette: number[] = []
    for (const colour of colours) {
      if (palette.every((taken) => distance(taken, colour) > apart ** 2)) palette.push(colour)
      if (palette.length > COLOURS_MAX) break
    }
    if (palette.length <= COLOURS_MAX) return palette
  }
}

function nearest(palette: readonly number[], colour: number): number {
  let best = 0
  for (const [i, taken] of palette.entries())
    if (distance(taken, colour) < distance(palette[best] ?? 0, colour)) best = i
  return best
}

function distance(a: number, b: number): number {
  const red = (a >> 16) - (b >> 16)
  const green = ((a >> 8) & 255) - ((b >> 8) & 255)
  const blue = (a & 255) - (b & 255)
  return red * red + green * green + blue * blue
}

/** A PNG of indexed colour (https://www.w3.org/TR/png-3/). */
function pngOf(width: number, height: number, palette: readonly number[], rows: Buffer): Buffer {
  const size = Buffer.alloc(13)
  size.writeUInt32BE(width, 0)
  size.writeUInt32BE(height, 4)
  size.set([8, 3, 0, 0, 0], 8) // 8 bits for a point, which is a number in the palette
  const colours = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]))
  const chunks: [string, Buffer][] = [
    ['IHDR', size],
    ['PLTE', colours],
    ['IDAT', deflateSync(rows, { level: 9, memLevel: 9 })],
    ['IEND', Buffer.alloc(0)],
  ]
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks.map(([type, data]) => chunk(type, data))])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const around = Buffer.alloc(8)
  around.writeUInt32BE(data.length, 0)
  around.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([around.subarray(0, 4), body, around.subarray(4)])
}
