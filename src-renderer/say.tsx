// Sentences with more than text in them.
// owns: putting nodes where a sentence has its `{names}`. never: finding the words (words.ts). always true: nothing of a
// catalogue is taken for markup.

import { Fragment, type ReactNode } from 'react'
import { piecesOf, type Values } from './words.ts'

/** `<Say words="{app} may spend {limit}" app={<bdi>…</bdi>} limit={…} />`. The sentence stands here as a literal. */
export function Say<const T extends string>({ words, ...rest }: { words: T } & Values<T, ReactNode>): ReactNode {
  const values = rest as Record<string, ReactNode>
  return piecesOf(words).map((piece, i) => (i % 2 === 1 ? <Fragment key={piece}>{values[piece]}</Fragment> : piece))
}
