// The file by which a Linux desktop starts the wallet at login.
// owns: its text. never: where it lies (preferences.ts). always true: no path, whatever it contains, becomes a second word or
// a second line.

import { PRODUCT } from './settings.ts'

/** A start without a window. */
export const HIDDEN = '--hidden'

/**
 * A desktop entry (freedesktop.org, Desktop Entry Specification 1.5: quoting of Exec).
 * @throws Error for a path with a control character, which the format cannot say
 */
export function autostartEntry(command: readonly string[]): string {
  if (command.some((word) => /\p{Cc}/u.test(word))) throw new Error('this path cannot be started at login')
  const quoted = command.map((word) => `"${word.replace(/[\\"`$]/g, '\\$&').replaceAll('%', '%%')}"`)
  return ['[Desktop Entry]', 'Type=Application', `Name=${PRODUCT}`, `Exec=${[...quoted, HIDDEN].join(' ')}`, ''].join(
    '\n',
  )
}
