// The icon beside the clock.
// owns: the tray and its menu. never: balances or names (anyone can see a screen's corner).
// always true: a desktop without a tray loses nothing but the icon.

import { Menu, nativeImage, Tray } from 'electron'
import { PRODUCT } from './settings.ts'
import icon from './tray.png?asset'

/** Puts the icon there. @returns null where the desktop has no place for it */
export function createTray(actions: { show: () => void; quit: () => void }): Tray | null {
  try {
    const tray = new Tray(nativeImage.createFromPath(icon))
    tray.setToolTip(PRODUCT)
    tray.setContextMenu(
      Menu.buildFromTemplate([
        { id: 'show', label: `Show ${PRODUCT}`, click: actions.show },
        { type: 'separator' },
        { id: 'quit', label: 'Quit', click: actions.quit },
      ]),
    )
    tray.on('click', actions.show)
    return tray
  } catch (error) {
    console.error('no tray', error)
    return null
  }
}
