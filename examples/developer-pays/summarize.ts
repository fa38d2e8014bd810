#!/usr/bin/env node
// Summarize: an internal tool whose model calls the developer pays for.
// owns: a prompt. never: a price, a limit, anything of Quota Wallet but its address.
// always true: this is the stock OpenAI SDK; a base URL and a key are all that is different.
//
//   QUOTA_API_KEY=sk-quota-… node examples/developer-pays/summarize.ts < notes.txt
//
// The key has the mode `developer` (POST /developers/keys {…, "billing_mode": "developer"}); it draws your own balance.

import { text } from 'node:stream/consumers'
import OpenAI, { APIError } from 'openai'

const client = new OpenAI({
  baseURL: `${process.env.QUOTA_URL ?? 'http://127.0.0.1:7070'}/v1`,
  apiKey: process.env.QUOTA_API_KEY ?? '',
  maxRetries: 0,
})

try {
  const answer = await client.chat.completions.create({
    model: process.env.SUMMARIZE_MODEL ?? 'gpt-4o-mini',
    messages: [
      { role: 'system', content: 'Summarize what you are given in three sentences.' },
      { role: 'user', content: await text(process.stdin) },
    ],
  })
  console.log(answer.choices[0]?.message.content)
  // Every answer says what it cost, in millionths of a dollar.
  const { quota } = answer as unknown as { quota: { credits_used: number; balance_after: number } }
  console.error(`${quota.credits_used} credits, ${quota.balance_after} left`)
} catch (error) {
  if (!(error instanceof APIError)) throw error
  const { message } = (error.error ?? {}) as { message?: string } // the server's own sentence
  console.error(message ?? error.message)
  process.exitCode = 1
}
