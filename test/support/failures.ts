// What failed in a run, told once more where it ends: of a long log often only the end is at hand.
// owns: the lines. never: whether a run failed.
// always true: a failure is told with its error; of a spec also what its page showed.

import { existsSync, readFileSync } from 'node:fs'
import type { EventData } from 'node:test'
import { stripVTControlCharacters } from 'node:util'

const ERROR_LINES = 40
const PAGE_LINES = 60

/** A failed test of node:test, or nothing for a suite that only failed by its tests. */
export function failureOf({ name, file, details }: EventData.TestFail): string | null {
  const error = details.error as Error & { failureType?: string }
  if (error.failureType === 'subtestsFailed') return null
  const cause = error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : String(error.cause ?? error)
  return `${file ?? ''}\n  ${name}\n${indented(cause, ERROR_LINES)}`
}

/** The parts of Playwright's JSON report that are read here. */
export type Report = { suites?: Suite[]; errors?: { message?: string }[] }
type Suite = { suites?: Suite[]; specs?: { title: string; file: string; tests: { results: Result[] }[] }[] }
type Result = {
  status?: string
  error?: { message?: string }
  attachments?: { name: string; path?: string }[]
}

/** Every try of a spec that failed, also of one that passed at the second. */
export function failuresIn({ suites = [], errors = [] }: Report): string[] {
  const found = errors.map(({ message }) => `outside any spec\n${indented(message ?? '', ERROR_LINES)}`)
  for (const suite of suites) {
    found.push(...failuresIn(suite))
    for (const { title, file, tests } of suite.specs ?? [])
      for (const result of tests.flatMap(({ results }) => results))
        if (result.status !== 'passed' && result.status !== 'skipped')
          found.push(
            `${file}\n  ${title}\n${indented(result.error?.message ?? result.status ?? '', ERROR_LINES)}${shown(result)}`,
          )
  }
  return found
}

function shown({ attachments = [] }: Result): string {
  const path = attachments.find(({ name }) => name === 'error-context')?.path
  const page = path && existsSync(path) ? /```yaml\n(.*?)```/s.exec(readFileSync(path, 'utf8'))?.[1] : undefined
  if (!page) return ''
  const lines = page.trimEnd().split('\n') // what is open comes last
  const last = lines.slice(-PAGE_LINES)
  return `\n  the page showed (${last.length} of ${lines.length} lines):\n${indented(last.join('\n'), PAGE_LINES)}`
}

function indented(text: string, most: number): string {
  const lines = stripVTControlCharacters(text).split('\n')
  const rest = lines.length > most ? [`… ${lines.length - most} more lines`] : []
  return [...lines.slice(0, most), ...rest].map((line) => `    ${line}`).join('\n')
}
