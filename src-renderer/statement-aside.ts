// Having a statement drawn without holding up the page.
// owns: the worker, loaded when the first statement is asked for. never: the facts, the drawing. always true: a statement
// comes whole or not at all, and the worker is gone afterwards.

import type { Statement } from './statement.ts'
import type { Drawn } from './statement-worker.ts'
import address from './statement-worker.ts?worker&url'
import { workerUrl } from './trusted.ts'
import { language, say } from './words.ts'

/** The statement as a PDF. Rejects when it cannot be drawn here. */
export function drawStatement(statement: Statement): Promise<Blob> {
  const worker = new Worker(workerUrl(address) as string, { type: 'module', name: language })
  const drawn = new Promise<Blob>((done, failed) => {
    worker.onmessage = ({ data }: MessageEvent<Drawn>) =>
      'failed' in data ? failed(new Error(data.failed)) : done(data.file)
    worker.onerror = ({ message }) => failed(new Error(message || say('its program could not be loaded')))
  })
  worker.postMessage(statement)
  return drawn.finally(() => worker.terminate())
}
