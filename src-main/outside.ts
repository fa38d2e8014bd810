// Addresses that leave the wallet for the system's browser.
// owns: the one check every such address passes. never: opens a path, a file or another program's scheme.
// always true: only https, or http on this machine, is handed to the operating system.

import { shell } from 'electron'
import { isSecure } from './settings.ts'

const LENGTH_MAX = 2000

/**
 * Decides whether an address may be opened outside.
 * @returns the address as the URL parser reads it (what was checked is what is opened), or null when it is refused
 */
export function checkedOutside(text: string): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if (text.length > LENGTH_MAX || /[\u0000-\u0020\u007f\\]/.test(text)) return null
  const url = URL.parse(text)
  if (!url || url.username || url.password || !isSecure(url)) return null
  return url.href
}

/** Opens an address in the system's browser. @throws Error when the address is refused */
export async function openOutside(text: string): Promise<void> {
  const href = checkedOutside(text)
  if (href === null) throw new Error('This address is not allowed.')
  await shell.openExternal(href)
}
