// Buttons and links that look like them.
// owns: their four looks. never: what they do. always true: at least 36 px high (44 px for the large size).

import type { ComponentProps } from 'react'

type Look = 'main' | 'plain' | 'quiet' | 'danger'

const LOOKS: Record<Look, string> = {
  main: 'bg-accent text-on-accent hover:bg-accent-hover',
  plain: 'border border-line bg-surface text-ink hover:bg-sunken',
  quiet: 'text-ink hover:bg-sunken',
  danger: 'bg-bad text-on-bad hover:bg-bad-hover',
}

/** A large one stands by itself, and its words go on in a second line where one is too short. */
const SIZES = { small: 'h-9 px-3 text-sm whitespace-nowrap', large: 'min-h-11 px-5 py-1.5 text-[0.95rem]' }

/** The classes of a button, for links. */
export const buttonLook = (look: Look = 'plain', size: keyof typeof SIZES = 'small'): string =>
  `inline-flex items-center justify-center gap-2 rounded-lg font-medium transition-colors disabled:opacity-50 disabled:pointer-events-none ${SIZES[size]} ${LOOKS[look]}`

export function Button({
  look = 'plain',
  size = 'small',
  className = '',
  ...rest
}: ComponentProps<'button'> & { look?: Look; size?: keyof typeof SIZES }) {
  return <button type="button" className={`${buttonLook(look, size)} ${className}`} {...rest} />
}
