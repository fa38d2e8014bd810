// Server-sent events.
// owns: the data of each event (WHATWG HTML, 9.2). never: what it means. always true: an event is handed over when it is whole.

/** The data of each event of an answer. */
export async function* eventsOf(reply: Response): AsyncGenerator<string> {
  if (!reply.body) return
  const reader = reply.body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
  const lines = lineReader()
  let data: string[] = []
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      for (const line of lines(value)) {
        if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
        if (line !== '' || data.length === 0) continue
        yield data.join('\n')
        data = []
      }
    }
  } finally {
    await reader.cancel() // whoever stops listening stops the call
  }
}

/** Cuts pieces of text into whole lines; keeps what is left for the next piece. */
export function lineReader(): (piece: string) => string[] {
  let rest = ''
  return (piece) => {
    const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    return lines
  }
}
