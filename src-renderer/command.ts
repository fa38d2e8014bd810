#!/usr/bin/env node
// `npx quota-wallet verify export.json`: the wallet's check, without a wallet and without a network.
// owns: arguments, words, the exit status. never: the check itself (audit.ts). always true: 0 says that every charge of every
// file was verified, 1 that something does not check out, 2 that nothing could be said.

import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type AuditReport, audit, firstFork, readExport, type WalletExport } from './audit.ts'
import { count, exact, moment } from './format.ts'
import { MARK_WORDS } from './mark-words.ts'

const USAGE = `Usage: quota-wallet verify [--keys keys.json] export.json [another-export.json …]

Checks every receipt of an export of the wallet: the server's signature, that each follows the one before it,
and that units and prices add up to the charge. Works offline. Of several exports of one account it also says
whether they tell the same story.

  --keys FILE   the server's receipt keys (/.well-known/quota-receipts.json), instead of those in the export

Ends with 0 when everything was verified, 1 when something does not check out, 2 when a file could not be read.
`
const SHOWN = 20

/** A reason why nothing can be said, in words for the person. */
type Unable = { unable: string }
type Checked = { name: string; file: WalletExport; report: AuditReport }

/** Runs the command. @returns the exit status */
export async function run(args: string[], say: (line: string) => void): Promise<0 | 1 | 2> {
  const asked = argumentsOf(args)
  if ('unable' in asked) {
    say(asked.unable)
    return 2
  }
  const checked: Checked[] = []
  for (const name of asked.files) {
    const one = await check(name, asked.keys)
    if ('unable' in one) {
      say(one.unable)
      return 2
    }
    checked.push(one)
    tell(one, say)
  }
  const forked = compare(checked, say)
  return forked || checked.some(({ report }) => !isFine(report)) ? 1 : 0
}

const isFine = ({ total, verified, wrong }: AuditReport): boolean => wrong.length === 0 && verified === total

function argumentsOf(args: string[]): { files: string[]; keys: string | null } | Unable {
  try {
    const { values, positionals } = parseArgs({ args, options: { keys: { type: 'string' } }, allowPositionals: true })
    const [command, ...files] = positionals
    if (command !== 'verify' || files.length === 0) return { unable: USAGE }
    return { files, keys: values.keys ?? null }
  } catch (error) {
    return { unable: `${error instanceof Error ? error.message : error}\n\n${USAGE}` }
  }
}

async function check(name: string, keysFile: string | null): Promise<Checked | Unable> {
  const value = await readJson(name)
  if ('unable' in value) return value
  const file = readExport(value.json)
  if (!file) return { unable: `${name}: this is no export of a Quota Wallet.` }
  let keys = file.keys as JsonWebKey[]
  if (keysFile !== null) {
    const given = await readJson(keysFile)
    if ('unable' in given) return given
    keys = ((given.json as { keys?: unknown } | null)?.keys as JsonWebKey[] | undefined) ?? []
    if (!Array.isArray(keys)) return { unable: `${keysFile}: this is no set of keys.` }
  }
  if (keys.length === 0 && file.receipts.length > 0)
    return {
      unable: `${name}: it holds no keys. Give the server’s with --keys (see /.well-known/quota-receipts.json).`,
    }
  return { name, file, report: await audit(file, keys) }
}

async function readJson(name: string): Promise<{ json: unknown } | Unable> {
  try {
    return { json: JSON.parse(await readFile(name, 'utf8')) }
  } catch (error) {
    return { unable: `${name}: ${error instanceof SyntaxError ? 'this is not JSON' : (error as Error).message}.` }
  }
}

function tell({ name, file, report }: Checked, say: (line: string) => void): void {
  const { total, verified, wrong, months, evidence } = report
  say(`${name}: account ${file.account} at ${file.server || 'an unnamed server'}, saved ${file.made_at}`)
  if (months.length > 0)
    say(`  ${'month'.padEnd(9)}${right('charges', 11)}${right('verified', 11)}${right('spent', 15)}`)
  for (const { month, calls, verified: good, spent } of months)
    say(`  ${month.padEnd(9)}${right(count(calls), 11)}${right(count(good), 11)}${right(exact(spent), 15)}`)
  for (const { rev, entry } of wrong.slice(0, SHOWN)) {
    const what = entry ? `${entry.id}, ${moment(entry.at)}, ${entry.row.model}, ${exact(entry.row.credits_used)}` : ''
    say(`  WRONG  ${rev}  ${what}: ${entry ? MARK_WORDS[entry.mark] : 'this is no receipt'}.`)
  }
  if (wrong.length > SHOWN) say(`  … and ${count(wrong.length - SHOWN)} more`)
  if (evidence.total > 0)
    say(
      `  The server no longer names ${count(evidence.total)} receipts that were held before; it did sign ${count(evidence.genuine)} of them.`,
    )
  const whole = `${count(verified)} of ${count(total)} charges verified`
  say(
    isFine(report) ? `${whole}.` : `${whole}. DO NOT RELY ON THE REST: keep this file, and ask the server’s operator.`,
  )
}

/** Exports of one account at one server have to agree wherever both say something. */
function compare(checked: Checked[], say: (line: string) => void): boolean {
  let forked = false
  for (const [i, one] of checked.entries()) {
    for (const other of checked.slice(i + 1)) {
      if (one.file.account !== other.file.account || one.file.server !== other.file.server) continue
      const fork = firstFork(one.report.entries, other.report.entries)
      if (fork) {
        forked = true
        say(
          `TWO STORIES: from number ${fork.rev} on, ${one.name} (${fork.a.id}) and ${other.name} (${fork.b.id}) differ.`,
        )
      } else say(`${one.name} and ${other.name} tell the same story.`)
    }
  }
  return forked
}

const right = (text: string, width: number): string => text.padStart(width)

if (import.meta.main) process.exitCode = await run(process.argv.slice(2), (line) => process.stdout.write(`${line}\n`))
