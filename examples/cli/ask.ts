#!/usr/bin/env node
// Ask: a question on the command line, answered by a model, paid for by the person's own wallet.
// owns: what is typed and printed. never: tokens, prices, limits.
// always true: the answer goes to stdout and everything else to stderr, so that answers can be piped.
//
//   node examples/cli/ask.ts Why is the sky blue?
//   node examples/cli/ask.ts --disconnect          QUOTA_URL (http://127.0.0.1:7070)  ASK_DATA_DIR  ASK_MODEL
//
// Read quota.ts next: it holds everything that has to do with the wallet.

import { APIError } from 'openai'
import { ResponseBodyError } from 'openid-client'
import { answer, type Cost, connect, disconnect, NotConnected, type Quota, setUp } from './quota.ts'

async function main(words: string[]): Promise<number> {
  if (words.length === 0) return tell('Usage: ask <question> | ask --disconnect', 2)
  const quota = await setUp()
  if (words[0] === '--disconnect') {
    await disconnect(quota)
    return tell('Disconnected.')
  }
  const cost = await answered(quota, words.join(' ')).catch(async (error: unknown) => {
    if (!(error instanceof NotConnected)) throw error
    await connect(quota, ({ url, code }) => tell(`Open ${url} and enter this code: ${code}`))
    tell('Connected.')
    return answered(quota, words.join(' '))
  })
  return cost ? tell(`${dollars(cost.credits_used)}, ${dollars(cost.balance_after)} left`) : 0
}

async function answered(quota: Quota, question: string): Promise<Cost | null> {
  const cost = await answer(quota, question, (text) => process.stdout.write(text))
  process.stdout.write('\n')
  return cost
}

function tell(text: string, code = 0): number {
  process.stderr.write(`${text}\n`)
  return code
}

function dollars(credits: number): string {
  return `$${(credits / 1_000_000).toFixed(6)}`
}

function refused(error: unknown): number {
  if (error instanceof ResponseBodyError && error.error === 'access_denied')
    return tell('You said no. Nothing was charged.', 1)
  if (error instanceof ResponseBodyError && error.error === 'expired_token')
    return tell('The code has expired. Ask again.', 1)
  if (error instanceof APIError) {
    const { message } = (error.error ?? {}) as { message?: string } // the wallet's own sentence
    return tell(message ?? error.message, 1)
  }
  if (error instanceof ResponseBodyError) return tell(error.error_description ?? error.error, 1)
  return tell(error instanceof Error ? error.message : String(error), 1)
}

process.exitCode = await main(process.argv.slice(2)).catch(refused)
