// Source text as the tidy rules read it: files, imports, functions, with comments and strings out of the way.
// owns: a light scanner for TypeScript and TSX. never: a real parser (tsc and biome have those).
// always true: `code` has the same lines as `text`, so a finding can name its line.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'

/** `code`: without comments and without what strings hold; `words`: without comments only. */
export type Source = { path: string; text: string; code: string; words: string }
export type Import = { from: string; typeOnly: boolean; line: number }
export type Body = { line: number; lines: number; name: string }

const SKIPPED = new Set(['node_modules', 'out', 'dist', 'data', 'test-results', 'playwright-report', '.git', '.cache'])

/** Every file below these folders of the project that a rule may look at, with '/' in its path. */
export function readSources(root: string, folders: readonly string[]): Source[] {
  return folders
    .flatMap((folder) => walk(root, folder))
    .map((path) => source(path, readFileSync(join(root, path), 'utf8')))
}

export function source(path: string, text: string): Source {
  const isCode = /\.(ts|tsx|cjs)$/.test(path)
  return { path, text, code: isCode ? blank(text) : text, words: isCode ? blank(text, { strings: false }) : text }
}

function walk(root: string, path: string): string[] {
  const stat = statSync(join(root, path), { throwIfNoEntry: false })
  if (!stat || SKIPPED.has(posix.basename(path))) return []
  if (stat.isDirectory()) return readdirSync(join(root, path)).flatMap((name) => walk(root, posix.join(path, name)))
  return /\.(ts|tsx|cjs|sql|md)$/.test(path) ? [path] : []
}

/** The imports of a file; relative ones are resolved to a path of the project. */
export function importsOf({ path, text, code }: Source): Import[] {
  const found: Import[] = []
  const statement = /^[ \t]*(?:import|export)\s+(type\s+)?(?:[\w$*\s{},]+?\sfrom\s+|(?=['"]))(['"])([^'"\n]+)\2/gm
  for (const match of text.matchAll(statement)) {
    if (!/\S/.test(code.slice(match.index, match.index + match[0].length))) continue // inside a comment
    found.push({ from: resolved(path, match[3] ?? ''), typeOnly: Boolean(match[1]), line: lineOf(text, match.index) })
  }
  for (const match of text.matchAll(/\bimport\(\s*(['"])([^'"\n]+)\1/g)) {
    if (!code.startsWith('import', match.index)) continue
    found.push({ from: resolved(path, match[2] ?? ''), typeOnly: false, line: lineOf(text, match.index) })
  }
  return found
}

function resolved(path: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier
}

export function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

/** Lines where a pattern occurs, as "path:line". */
export function places(path: string, text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => `${path}:${lineOf(text, match.index)}`)
}

/** The bodies of all functions, arrow functions and methods, measured from brace to brace. */
export function bodiesOf({ code }: Source): Body[] {
  const bodies: Body[] = []
  const open: { at: number; name: string | null }[] = []
  for (let i = 0; i < code.length; i++) {
    if (code[i] === '{') open.push({ at: i, name: functionBefore(code, i) })
    if (code[i] !== '}') continue
    const start = open.pop()
    if (!start) throw new Error('the scanner lost its place: a brace closes nothing')
    if (start.name === null) continue
    const line = lineOf(code, start.at)
    bodies.push({ line, lines: lineOf(code, i) - line + 1, name: start.name })
  }
  if (open.length) throw new Error('the scanner lost its place: a brace stays open')
  return bodies
}

const STATEMENTS = new Set(['if', 'for', 'while', 'switch', 'catch', 'with'])

/** The name of the function whose body opens at `brace`, '' when it has none, null when it is no function. */
function functionBefore(code: string, brace: number): string | null {
  const before = code.slice(Math.max(0, brace - 2000), brace).trimEnd()
  if (before.endsWith('=>')) return /(?:const|let)\s+(\w+)[^;]*$/.exec(before)?.[1] ?? ''
  const close = before.lastIndexOf(')')
  if (close < 0) return null
  const between = before.slice(close + 1).trim()
  if (between !== '' && !/^:[\w<>[\]{}|&,.:?;'"\s]*[\w>\]}'"]$/.test(between)) return null
  let depth = 0
  let paren = close
  for (; paren >= 0; paren--) {
    if (before[paren] === ')') depth++
    if (before[paren] === '(' && --depth === 0) break
  }
  const name = /([\w$]+)\s*(?:<[^<>()]*>)?\s*$/.exec(before.slice(0, paren))?.[1] ?? ''
  return STATEMENTS.has(name) ? null : name
}

/** Replaces comments and (unless told not to) the inside of strings, templates and regular expressions by spaces. */
export function blank(text: string, options: { strings: boolean } = { strings: true }): string {
  const out = text.split('') // by UTF-16 units, as the rest of the scanner counts
  const templates: number[] = [] // depth of braces inside each open `${`
  const clear = (from: number, to: number, comment = false) => {
    if (!comment && !options.strings) return
    for (let n = from; n < to && n < out.length; n++) if (out[n] !== '\n') out[n] = ' '
  }
  let i = 0
  const template = () => {
    const start = i
    while (i < out.length && out[i] !== '`' && !(out[i] === '$' && out[i + 1] === '{')) i += out[i] === '\\' ? 2 : 1
    clear(start, i)
    if (out[i] === '`') i++
    else {
      clear(i, i + 1)
      templates.push(0)
      i += 2
    }
  }
  while (i < out.length) {
    const end = skipped(out, i)
    const c = out[i]
    if (end > i) {
      const quoted = c === "'" || c === '"'
      const comment = c === '/' && (out[i + 1] === '/' || out[i + 1] === '*')
      clear(quoted ? i + 1 : i, quoted ? end - 1 : end, comment)
      i = end
    } else if (c === '`') {
      i++
      template()
    } else if (c === '}' && templates.at(-1) === 0) {
      templates.pop()
      i++
      template()
    } else {
      const last = templates.length - 1
      if (last >= 0 && c === '{') templates[last] = (templates[last] ?? 0) + 1
      if (last >= 0 && c === '}') templates[last] = (templates[last] ?? 0) - 1
      i++
    }
  }
  return out.join('')
}

/** Where the comment, string or regular expression that begins at `i` ends; `i` when none does. */
function skipped(chars: readonly string[], i: number): number {
  const c = chars[i]
  if (c === '/' && chars[i + 1] === '/') return endOf(chars, i, (n) => chars[n] === '\n')
  if (c === '/' && chars[i + 1] === '*')
    return endOf(chars, i + 2, (n) => chars[n - 2] === '*' && chars[n - 1] === '/' && n > i + 3)
  if (c === "'" || c === '"') return quotedEnd(chars, i, c)
  if (c === '/' && regexMayStart(chars, i)) return regexEnd(chars, i)
  return i
}

function endOf(chars: readonly string[], from: number, isEnd: (n: number) => boolean): number {
  let n = from
  while (n < chars.length && !isEnd(n)) n++
  return n
}

function quotedEnd(chars: readonly string[], start: number, quote: string): number {
  for (let n = start + 1; n < chars.length && chars[n] !== '\n'; n++) {
    if (chars[n] === '\\') n++
    else if (chars[n] === quote) return n + 1
  }
  return start // an apostrophe in the text of a page
}

function regexMayStart(chars: readonly string[], i: number): boolean {
  if (chars[i + 1] === '>') return false // the end of a tag
  const before = chars
    .slice(Math.max(0, i - 20), i)
    .join('')
    .trimEnd()
  return before === '' || /(?:[(,=:[!&|?{;~+*%-]|=>|\breturn|\btypeof|\bcase)$/.test(before)
}

function regexEnd(chars: readonly string[], start: number): number {
  let inClass = false
  for (let n = start + 1; n < chars.length && chars[n] !== '\n'; n++) {
    if (chars[n] === '\\') n++
    else if (chars[n] === '[') inClass = true
    else if (chars[n] === ']') inClass = false
    else if (chars[n] === '/' && !inClass) return n + 1
  }
  return start
}
