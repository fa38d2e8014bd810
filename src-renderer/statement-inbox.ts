// What the statement's worker is asked for, kept until its words are there.
// owns: the first message. never: drawing. always true: this module waits for nothing, so it listens before any other that does;
// a worker that begins to listen later has lost what was sent to it.

import type { Statement } from './statement.ts'

type Here = { onmessage: ((event: MessageEvent<Statement>) => void) | null }

export const asked = new Promise<Statement>((done) => {
  ;(globalThis as unknown as Here).onmessage = ({ data }) => done(data)
})
