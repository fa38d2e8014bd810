// Where the window was, kept between runs.
// owns: one small file under userData. never: anything but a rectangle and a flag.
// always true: what is read fits a screen that is there now, else the defaults are taken.

import { readFileSync, writeFileSync } from 'node:fs'
import { type BrowserWindow, type Rectangle, screen } from 'electron'
import { z } from 'zod'

const Size = z.int().min(300).max(20_000)
const Place = z.int().min(-50_000).max(50_000)
const State = z.object({
  bounds: z.object({ x: Place, y: Place, width: Size, height: Size }),
  maximized: z.boolean(),
})
const DEFAULT = { width: 1120, height: 780 }
const SETTLE_MS = 500

export type WindowState = { bounds: { width: number; height: number; x?: number; y?: number }; maximized: boolean }

/** Reads the last state; a missing, broken or off-screen one gives the defaults. */
export function readWindowState(file: string): WindowState {
  try {
    const state = State.parse(JSON.parse(readFileSync(file, 'utf8')))
    if (screen.getAllDisplays().some((display) => overlaps(display.workArea, state.bounds))) return state
  } catch {
    // No file yet, or not one of ours: the defaults say the same to the person.
  }
  return { bounds: DEFAULT, maximized: false }
}

/** Writes the state after each change has settled, and at closing. */
export function keepWindowState(window: BrowserWindow, file: string): void {
  let timer: NodeJS.Timeout | undefined
  const write = () => {
    clearTimeout(timer)
    if (window.isDestroyed()) return
    const state = { bounds: window.getNormalBounds(), maximized: window.isMaximized() }
    try {
      writeFileSync(file, JSON.stringify(state), { mode: 0o600 })
    } catch (error) {
      console.error('the window’s place could not be kept', error)
    }
  }
  const later = () => {
    clearTimeout(timer)
    timer = setTimeout(write, SETTLE_MS)
  }
  window.on('resize', later)
  window.on('move', later)
  window.on('close', write)
}

function overlaps(a: Rectangle, b: Rectangle): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}
