// The sandbox model's images.
// owns: OpenAI's form of drawn images. never: a picture of anything (all are one grey pixel).
// always true: usage is the exact count of the prompt, and of images of the size and quality that were asked for.

import { z } from 'zod'
import { countText } from './count.ts'
import { drawnTokens } from './image-tokens.ts'
import type { Reply } from './sandbox-words.ts'

export const ImagesRequest = z.looseObject({
  model: z.string().min(1).max(256),
  prompt: z.string().min(1),
  n: z.int().min(1).max(10).nullish(),
  size: z.string().nullish(),
  quality: z.string().nullish(),
  response_format: z.enum(['url', 'b64_json']).nullish(),
})
type ImagesRequest = z.infer<typeof ImagesRequest>

/** A PNG of one grey pixel. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=='

/** @param now in ms */
export function imagesReply(
  { model, prompt, n, size, quality, response_format: form }: ImagesRequest,
  now: number,
): Reply {
  const count = n ?? 1
  const drawn = drawnTokens(model, size ?? null, quality ?? null)
  const asUrl = drawn === null && form !== 'b64_json' // OpenAI's older models answer with addresses
  const image = asUrl ? { url: `data:image/png;base64,${PIXEL}` } : { b64_json: PIXEL }
  const data = Array.from({ length: count }, () => image)
  const created = Math.floor(now / 1000)
  if (drawn === null) return { json: { created, data } }
  const input = count * countText(model, prompt)
  const output = count * drawn.image
  const usage = {
    input_tokens: input,
    input_tokens_details: { text_tokens: input, image_tokens: 0 },
    output_tokens: output,
    output_tokens_details: { text_tokens: 0, image_tokens: output },
    total_tokens: input + output,
  }
  return { json: { created, data, background: 'opaque', output_format: 'png', size, quality, usage } }
}
