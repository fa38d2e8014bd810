// The sandbox model's voice.
// owns: a WAV file, whole or as OpenAI's events of it. never: words (it is silent).
// always true: usage is the exact count of the text, and of the audio at 1,250 tokens a minute.

import { z } from 'zod'
import { countText } from './count.ts'
import type { Frame, Reply } from './sandbox-words.ts'

export const SpeechRequest = z.looseObject({
  model: z.string().min(1).max(256),
  input: z.string().min(1),
  instructions: z.string().nullish(),
  stream_format: z.enum(['audio', 'sse']).nullish(),
})
type SpeechRequest = z.infer<typeof SpeechRequest>

const RATE = 24_000
const SECONDS = 0.48
/** 0.48 s at 1,250 a minute. */
const OUTPUT_TOKENS = 10
const PIECES = 3

export function speechReply({ model, input, instructions, stream_format: form }: SpeechRequest): Reply {
  const wav = silence()
  if (form !== 'sse') return { bytes: wav, type: 'audio/wav' }
  const tokens = countText(model, input + (instructions ?? ''))
  const usage = { input_tokens: tokens, output_tokens: OUTPUT_TOKENS, total_tokens: tokens + OUTPUT_TOKENS }
  return { frames: frames(wav, usage) }
}

function* frames(wav: Buffer, usage: object): Generator<Frame> {
  const size = Math.ceil(wav.length / PIECES)
  for (let at = 0; at < wav.length; at += size)
    yield event({ type: 'speech.audio.delta', audio: wav.subarray(at, at + size).toString('base64') }, true)
  yield event({ type: 'speech.audio.done', usage })
}

function event(data: object, word = false): Frame {
  return { text: `data: ${JSON.stringify(data)}\n\n`, word }
}

/** RIFF, WAVE, 16-bit mono. */
function silence(): Buffer {
  const data = RATE * SECONDS * 2
  const wav = Buffer.alloc(44 + data)
  wav.write('RIFF', 0)
  wav.writeUInt32LE(36 + data, 4)
  wav.write('WAVEfmt ', 8)
  wav.writeUInt32LE(16, 16)
  wav.writeUInt16LE(1, 20) // PCM
  wav.writeUInt16LE(1, 22) // channels
  wav.writeUInt32LE(RATE, 24)
  wav.writeUInt32LE(RATE * 2, 28)
  wav.writeUInt16LE(2, 32)
  wav.writeUInt16LE(16, 34)
  wav.write('data', 36)
  wav.writeUInt32LE(data, 40)
  return wav
}
