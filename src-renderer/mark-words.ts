// What the check of a receipt found, in words.
// owns: one sentence for each mark. never: the check (verify.ts). always true: every mark has one.

import type { Mark } from './db.ts'
import { say } from './words.ts'

/** What a failed check means, for people. */
export const MARK_WORDS: Record<Mark, string> = {
  verified: say('Verified on this device'),
  unchecked: say('Not checked: this browser cannot check signatures here'),
  signature: say('The signature is not the server’s'),
  chain: say('It does not follow the receipt before it: one is missing or was changed'),
  row: say('The receipt and the log disagree'),
  base: say('The units and prices do not add up to the base charge'),
  granted: say('More was taken from a grant than the call cost'),
  markup: say('The markup is not what was agreed'),
  total: say('Base and markup do not add up to the total'),
}
