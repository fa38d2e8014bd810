// Draws every icon of the desktop program from our own SVGs: `node src-main/packaging/draw-icons.ts`.
// owns: the sizes each platform asks for, and the two containers (ICO, ICNS) as far as they hold PNGs. never: part of the
// built program. always true: what it writes is committed; a test reads the files back and compares their sizes.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium, type Page } from '@playwright/test'

const HERE = import.meta.dirname
/** Below this the fine lines of the large drawing would blur, so a plainer one is taken. */
const SMALL_MAX = 32
export const LINUX_SIZES = [16, 24, 32, 48, 64, 128, 256, 512, 1024]
export const ICO_SIZES = [16, 24, 32, 48, 64, 128, 256]
/** Apple's names of the sizes, retina ones among them. */
export const ICNS_TYPES = {
  icp4: 16,
  icp5: 32,
  icp6: 64,
  ic07: 128,
  ic08: 256,
  ic09: 512,
  ic10: 1024,
  ic11: 32,
  ic12: 64,
  ic13: 256,
  ic14: 512,
} as const
/** Twice the sixteen points of a menu bar. */
const TRAYS = { 'tray.png': 'icon-small', 'tray-stopped.png': 'tray-stopped', 'tray-template.png': 'tray-template' }
const TRAY_SIZE = 32

/** An ICO whose images are PNGs, which Windows reads since Vista. */
export function ico(images: ReadonlyMap<number, Buffer>): Buffer {
  const header = Buffer.alloc(6 + 16 * images.size)
  header.writeUInt16LE(1, 2)
  header.writeUInt16LE(images.size, 4)
  let offset = header.length
  let at = 6
  for (const [size, png] of images) {
    header.writeUInt8(size % 256, at) // 256 is written as 0
    header.writeUInt8(size % 256, at + 1)
    header.writeUInt16LE(1, at + 4)
    header.writeUInt16LE(32, at + 6)
    header.writeUInt32LE(png.length, at + 8)
    header.writeUInt32LE(offset, at + 12)
    offset += png.length
    at += 16
  }
  return Buffer.concat([header, ...images.values()])
}

/** An ICNS whose images are PNGs, which macOS reads since 10.7. */
export function icns(images: ReadonlyMap<number, Buffer>): Buffer {
  const parts = Object.entries(ICNS_TYPES).map(([type, size]) => part(type, images.get(size)!))
  return part('icns', Buffer.concat(parts))
}

function part(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.write(type, 'latin1')
  head.writeUInt32BE(head.length + body.length, 4)
  return Buffer.concat([head, body])
}

async function drawn(page: Page, name: string, size: number): Promise<Buffer> {
  const svg = readFileSync(join(HERE, `${name}.svg`), 'utf8').replace('<svg ', `<svg width="${size}" height="${size}" `)
  await page.setViewportSize({ width: size, height: size })
  await page.setContent(`<style>*{margin:0}svg{display:block}</style>${svg}`)
  return page.screenshot({ omitBackground: true, clip: { x: 0, y: 0, width: size, height: size } })
}

async function main(): Promise<void> {
  const browser = await chromium.launch({ executablePath: process.env.QUOTA_CHROMIUM ?? '/usr/bin/chromium' })
  const page = await browser.newPage()
  const images = new Map<number, Buffer>()
  for (const size of LINUX_SIZES) images.set(size, await drawn(page, size > SMALL_MAX ? 'icon' : 'icon-small', size))
  mkdirSync(join(HERE, 'icons'), { recursive: true })
  for (const [size, png] of images) writeFileSync(join(HERE, 'icons', `${size}x${size}.png`), png)
  writeFileSync(join(HERE, 'icon.ico'), ico(new Map(ICO_SIZES.map((size) => [size, images.get(size)!]))))
  writeFileSync(join(HERE, 'icon.icns'), icns(images))
  for (const [file, name] of Object.entries(TRAYS)) {
    writeFileSync(join(HERE, '..', file), await drawn(page, name, TRAY_SIZE))
  }
  await browser.close()
}

if (import.meta.main) await main()
