// How many charges were verified on this device.
// owns: one line of it. never: the check. always true: the whole number is named beside the verified one, and anything that
// is not verified changes the line's look and words.

import { CircleHelp, ShieldAlert, ShieldCheck } from 'lucide-react'
import { count } from '../format.ts'
import { counted } from '../words.ts'

type Props = { good: number; all: number; wrong?: number; when?: string; onOpen: () => void }

/** "1,204 of 1,204 charges verified". */
export const verifiedWords = (good: number, all: number): string =>
  counted('{good} of {n} charge verified', '{good} of {n} charges verified', all, { good: count(good) })

/** `when` follows the number. `wrong` of the rest failed; the others could not be checked here. */
export function Verified({ good, all, wrong = 0, when = '', onOpen }: Props) {
  const [Icon, tone] =
    wrong > 0 ? [ShieldAlert, 'text-bad'] : good === all ? [ShieldCheck, 'text-accent'] : [CircleHelp, 'text-muted']
  return (
    <button
      type="button"
      onClick={onOpen}
      className="inline-flex items-start gap-1.5 rounded text-start text-sm text-pretty hover:underline"
    >
      <Icon className={`mt-0.5 size-4 shrink-0 ${tone}`} aria-hidden />
      <span className={`nums ${wrong > 0 ? 'font-medium text-bad' : 'text-muted'}`}>
        {verifiedWords(good, all)}
        {when}
      </span>
    </button>
  )
}
