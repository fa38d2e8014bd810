// Addresses that leave the wallet for the system's browser.
// owns: the one call that hands an address to the operating system. never: opens a path, a file or another program's scheme.
// always true: only what checkedOutside lets through is handed over, in the form that was checked.

import { shell } from 'electron'
import { checkedOutside } from './addresses.ts'

/** Opens an address in the system's browser. @throws Error when the address is refused */
export async function openOutside(text: string): Promise<void> {
  const href = checkedOutside(text)
  if (href === null) throw new Error('This address is not allowed.')
  await shell.openExternal(href)
}
