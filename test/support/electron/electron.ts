// The module that `electron` resolves to.
// owns: the list of what there is. never: an empty shell of something that is not. always true: a name that is missing
// here fails at import, by name.

export { app } from './application.ts'
export { WebContents as webContents } from './contents.ts'
export { dialog, nativeImage, powerMonitor, screen, shell } from './desktop.ts'
export { ipcMain } from './ipc.ts'
export { Menu, MenuItem } from './menus.ts'
export { safeStorage } from './safe-storage.ts'
export { protocol, session } from './sessions.ts'
export { globalShortcut, Notification, Tray } from './shown.ts'
export { BrowserWindow } from './windows.ts'
