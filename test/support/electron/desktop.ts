// Small parts of the operating system: pictures, screens, dialogs, other programs.
// owns: enough of each to be driven and looked at by a test. never: anything a person would see.
// always true: it is recorded under globalThis.standin, and what is not here throws by name.

import { EventEmitter } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { loud } from './loud.ts'
import { seen } from './runtime.ts'

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47])

function image(bytes: Buffer | null) {
  let isTemplate = false
  return loud('nativeImage', {
    isEmpty: () => bytes === null,
    toPNG: () => bytes ?? Buffer.alloc(0),
    setTemplateImage: (on: boolean) => void (isTemplate = on),
    isTemplateImage: () => isTemplate,
  })
}

export const nativeImage = loud('nativeImage', {
  createFromPath: (path: string) => image(existsSync(path) ? readFileSync(path) : null),
  createFromBuffer: (bytes: Buffer) => image(bytes.subarray(0, PNG.length).equals(PNG) ? bytes : null),
  createEmpty: () => image(null),
})

export const shell = loud('shell', {
  async openExternal(url: string): Promise<void> {
    new URL(url)
    seen.opened.push(url)
  },
})

export const dialog = loud('dialog', {
  showErrorBox: (title: string, content: string) => void seen.dialogs.push({ title, content }),
})

const area = { x: 0, y: 0, width: 1280, height: 800 }
const display = {
  id: 1,
  scaleFactor: 1,
  bounds: area,
  workArea: area,
  workAreaSize: { width: area.width, height: area.height },
}
export const screen = loud('screen', { getPrimaryDisplay: () => display, getAllDisplays: () => [display] })

export const powerMonitor = loud('powerMonitor', Object.assign(new EventEmitter(), { isOnBatteryPower: () => false }))
