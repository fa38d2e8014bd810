// The sandbox model's embeddings.
// owns: OpenAI's form of a list of vectors. never: meaning (its vectors are made of a hash).
// always true: usage is the exact count; the same text gets the same vector, of length one.

import { createHash } from 'node:crypto'
import { z } from 'zod'
import { countText } from './count.ts'
import type { Reply } from './sandbox-words.ts'

const Tokens = z.array(z.int())
export const EmbeddingsRequest = z.looseObject({
  model: z.string().min(1).max(256),
  input: z.union([z.string().min(1), z.array(z.string()).min(1), Tokens.min(1), z.array(Tokens).min(1)]),
  dimensions: z.int().min(1).max(4096).nullish(),
  encoding_format: z.enum(['float', 'base64']).nullish(),
})
type EmbeddingsRequest = z.infer<typeof EmbeddingsRequest>

const DEFAULT_DIMENSIONS = 1536

export function embeddingsReply(request: EmbeddingsRequest): Reply {
  const { model, input } = request
  const inputs: readonly (string | number[])[] =
    typeof input === 'string'
      ? [input]
      : typeof input[0] === 'number'
        ? [input as number[]]
        : (input as (string | number[])[])
  const data = inputs.map((one, index) => {
    const vector = vectorOf(JSON.stringify([model, one]), request.dimensions ?? DEFAULT_DIMENSIONS)
    const embedding = request.encoding_format === 'base64' ? base64(vector) : [...vector]
    return { object: 'embedding', index, embedding }
  })
  const tokens = inputs.reduce((sum, one) => sum + (typeof one === 'string' ? countText(model, one) : one.length), 0)
  return { json: { object: 'list', data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } } }
}

function vectorOf(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions)
  for (let at = 0; at < dimensions; at++) {
    const digest = createHash('sha256')
      .update(`${at >> 3}:${text}`)
      .digest()
    vector[at] = digest.readInt32LE((at & 7) * 4) / 2 ** 31
  }
  const length = Math.hypot(...vector)
  return vector.map((value) => value / length)
}

function base64(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64')
}
