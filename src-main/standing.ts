// How things stand, as the shell shows it beside the page.
// owns: the last standing the page told, and its words. never: arithmetic of money, names, texts of the page.
// always true: what is shown is made here from one number and one flag, so a page cannot write into the tray.

import type { ShellArgs } from '../server/contract/shell.ts'
import { PRODUCT } from './settings.ts'
import { amount, say } from './words.ts'

export type Standing = ShellArgs<'show'>[0]

const MICROS_PER_CENT = 10_000

/** "$12.34", rounded towards zero: what is shown is never more than what is there. */
export function dollars(micros: number): string {
  const cents = Math.trunc(micros / MICROS_PER_CENT)
  const text = `$${Math.floor(Math.abs(cents) / 100).toLocaleString('en-US')}.${String(Math.abs(cents) % 100).padStart(2, '0')}`
  return amount(cents < 0 ? `−${text}` : text)
}

/** The lines of the tray's menu and its tooltip, most important first. */
export function words(standing: Standing): { balance: string; waiting: string | null; tip: string } {
  if (standing === null) return { balance: say('Nobody is signed in'), waiting: null, tip: PRODUCT }
  const { available, frozen, waiting } = standing
  const money = available === null ? say('Balance not known yet') : say('{sum} available', { sum: dollars(available) })
  const things =
    waiting === 0 ? null : waiting === 1 ? say('One thing needs you') : say('{n} things need you', { n: waiting })
  const parts = [PRODUCT, money, ...(frozen ? [say('all spending is stopped')] : []), ...(things ? [things] : [])]
  return {
    balance: frozen ? say('{balance} · stopped', { balance: money }) : money,
    waiting: things,
    tip: parts.join(' · '),
  }
}
