// The sandbox model's transcriptions.
// owns: OpenAI's forms of what was said. never: hearing (it always understands the same).
// always true: usage is the exact length of the file in whole seconds, or tokens at ten a second.

import { z } from 'zod'
import { secondsOf } from './audio-length.ts'
import { countText } from './count.ts'
import type { Reply } from './sandbox-words.ts'

export const TranscriptionRequest = z.object({
  fields: z.array(z.object({ name: z.string(), value: z.string() })),
  file: z.object({ type: z.string(), bytes: z.instanceof(Buffer) }),
})
type TranscriptionRequest = z.infer<typeof TranscriptionRequest>

const HEARD = 'This is the sandbox model of this server. It heard that something was said.'

export async function transcriptionReply({ fields, file }: TranscriptionRequest): Promise<Reply> {
  const field = (name: string) => fields.find((one) => one.name === name)?.value
  const model = field('model') ?? ''
  const format = field('response_format') ?? 'json'
  const seconds = (await secondsOf(file.bytes, file.type)) ?? 0
  if (['text', 'srt', 'vtt'].includes(format)) return { bytes: Buffer.from(textAs(format)), type: 'text/plain' }
  const usage = /^gpt-4o/.test(model) ? tokens(model, seconds) : { type: 'duration', seconds: Math.ceil(seconds) }
  const about = format === 'json' ? {} : { task: 'transcribe', language: 'english', duration: seconds, segments: [] }
  return { json: { text: HEARD, ...about, usage } }
}

function tokens(model: string, seconds: number): object {
  const [input, output] = [Math.ceil(seconds * 10), countText(model, HEARD)]
  const details = { audio_tokens: input, text_tokens: 0 }
  const total = input + output
  return {
    type: 'tokens',
    input_tokens: input,
    input_token_details: details,
    output_tokens: output,
    total_tokens: total,
  }
}

function textAs(format: string): string {
  if (format === 'srt') return `1\n00:00:00,000 --> 00:00:01,000\n${HEARD}\n`
  return format === 'vtt' ? `WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n${HEARD}\n` : `${HEARD}\n`
}
