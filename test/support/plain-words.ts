// Words that a screen shows without `say`: nobody reads them in another language.
// owns: which texts of a source are sentences. never: a catalogue (words.test.ts).
// always true: a text that is neither markup, a look, an address nor code, and goes past `say`, is named with its line.

import { parseSync } from 'vite'
import type { Source } from './source.ts'

type Node = { type: string; start: number; [key: string]: unknown }

/** What reads like words and is none: a name, a key of the keyboard, a permission, beginnings of looks and of commands' ids. */
const NOT_SAID = new Set(['Quota Wallet', 'Enter', 'Notification', 'grid ', 'log ', 'pause ', 'resume '])
const SAYS = new Set(['say', 'counted', 'piecesOf'])
/** Types, and what is imported, hold no text that is shown. */
const SILENT = /^(TS(?!AsExpression|SatisfiesExpression|NonNullExpression)|Import|ExportAll)/

const isNode = (value: unknown): value is Node => typeof (value as Node | null)?.type === 'string'
const nameOf = (node: unknown): string => {
  const { name } = (node ?? {}) as { name?: unknown }
  return typeof name === 'string' ? name : isNode(name) ? nameOf(name) : ''
}

/** "Keys", "Keep it", "never used": a word that begins large, or several. Utility classes have dashes and colons. */
function reads(text: string): boolean {
  if (NOT_SAID.has(text)) return false
  if (/^\p{Lu}\p{Ll}+(?![\p{L}\d-])/u.test(text)) return true
  return !/\w[-:]\w|[="[\]]/.test(text) && /\p{L}{2,}[,;.:]? \p{L}{2,}/u.test(text)
}

/** The text of a node, when it is shown as it stands. */
function shown({ type, value }: Node): string | null {
  if (type === 'JSXText') {
    const words = String(value).trim()
    return /\p{L}{2}/u.test(words) && !NOT_SAID.has(words) ? words : null
  }
  if (type === 'Literal') return typeof value === 'string' && reads(value) ? value : null
  if (type !== 'TemplateElement') return null
  const { raw } = value as { raw: string }
  return !NOT_SAID.has(raw) && !/\w[-:]\w|["[\]]/.test(raw) && /\p{L}{3,}/u.test(raw) && raw.includes(' ') ? raw : null
}

/** Where words may stand below a node. */
function below(node: Node): unknown[] {
  if (SILENT.test(node.type)) return []
  const { callee, arguments: given, openingElement, children, attributes } = node as Record<string, unknown>
  if (node.type === 'CallExpression' && SAYS.has(nameOf(callee)))
    return (given as Node[]).filter(({ type }) => type !== 'Literal')
  if (node.type === 'JSXOpeningElement')
    return (attributes as Node[]).filter(
      (one) => !/lassName$/.test(nameOf(one)) && !(nameOf(node) === 'Say' && nameOf(one) === 'words'),
    )
  if (node.type === 'JSXElement' && nameOf(openingElement) === 'code')
    return [openingElement, ...(children as Node[]).filter(({ type }) => type !== 'JSXText')]
  return Object.values(node)
}

/** Each text that is shown without `say`, as "path:line: 'text'". */
export function plainWords({ path, text }: Source): string[] {
  const found: string[] = []
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const one of value) visit(one)
    if (!isNode(value)) return
    const words = shown(value)
    if (words !== null) found.push(`${path}:${text.slice(0, value.start).split('\n').length}: '${words}' is not said`)
    for (const one of below(value)) visit(one)
  }
  visit(parseSync(path, text).program)
  return found
}
