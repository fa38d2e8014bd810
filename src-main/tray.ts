// The icon beside the clock.
// owns: the tray's picture and tooltip. never: the menu's entries (menu.ts), a number that can be seen without asking (anyone
// can see a screen's corner: the balance is in the menu and the tooltip). always true: a desktop without a tray loses
// nothing but the icon.

import { readFileSync } from 'node:fs'
import { Menu, type MenuItemConstructorOptions, type NativeImage, nativeImage, Tray } from 'electron'
import { PRODUCT } from './settings.ts'
import ordinary from './tray.png?asset'
import stopped from './tray-stopped.png?asset'
import template from './tray-template.png?asset'

export type TrayIcon = { set: (look: { tip: string; frozen: boolean; menu: MenuItemConstructorOptions[] }) => void }

/** Puts the icon there. @returns null where the desktop has no place for it */
export function createTray(platform: NodeJS.Platform, clicked: () => void): TrayIcon | null {
  try {
    const looks = { ordinary: picture(ordinary), stopped: picture(stopped), template: picture(template) }
    looks.template.setTemplateImage(true)
    const running = platform === 'darwin' ? looks.template : looks.ordinary
    const tray = new Tray(running)
    tray.setToolTip(PRODUCT)
    tray.on('click', clicked)
    return {
      set({ tip, frozen, menu }) {
        tray.setImage(frozen ? looks.stopped : running)
        tray.setToolTip(tip)
        tray.setContextMenu(Menu.buildFromTemplate(menu))
      },
    }
  } catch (error) {
    console.error('no tray', error)
    return null
  }
}

/** Drawn at twice its size in points. */
function picture(path: string): NativeImage {
  const image = nativeImage.createFromBuffer(readFileSync(path), { scaleFactor: 2 })
  if (image.isEmpty()) throw new Error(`${path} is no picture`)
  return image
}
