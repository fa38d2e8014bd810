// Every sentence of the wallet has its German one, and every German one its sentence.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { FAULTS } from '../server/contract/faults.ts'
import { GERMAN as DESKTOP } from '../src-main/words.ts'
import { PARTS } from '../src-renderer/words/de.ts'
import type { Catalogue, Words } from '../src-renderer/words.ts'
import { plainWords } from './support/plain-words.ts'
import { readSources, type Source, source } from './support/source.ts'

const renderer = readSources(join(import.meta.dirname, '..'), ['src-renderer'])
const screens = renderer.filter(({ path }) => path.endsWith('.tsx'))
const wallet = renderer.filter(
  ({ path, text }) =>
    path !== 'src-renderer/say.tsx' &&
    /from '\.\.?\/(?:\S+\/)?(?:words\.ts|say\.tsx)'/.test(text.replaceAll(/^import type .*$/gm, '')),
)

const CALL = /(?<![\w.])(?:(say|piecesOf)\(|(counted)\(|<(Say)\b)\s*/g
const TEXT = /^(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/

type Used = { english: string; at: string }

/** The sentences that a source says, and the places where what is said is not a literal. */
function saidIn({ path, text }: Source): { used: Used[]; unclear: string[] } {
  const found = [...text.matchAll(CALL)].map(({ 0: call, 1: say, 2: counted, index }) => {
    const at = `${path}:${text.slice(0, index).split('\n').length}`
    let rest = text.slice(index + call.length)
    if (counted) rest = rest.replace(TEXT, '').replace(/^,\s*/, '')
    if (!say && !counted) rest = rest.replace(/^words=\{?/, '')
    const [, single, double] = TEXT.exec(rest) ?? []
    const english = (single ?? double)?.replace(/\\(.)/g, '$1')
    return english === undefined ? at : { english, at }
  })
  return {
    used: found.filter((one) => typeof one !== 'string'),
    unclear: found.filter((one) => typeof one === 'string'),
  }
}

const formsOf = (words: Words): string[] => (typeof words === 'string' ? [words] : Object.values(words))
const namesIn = (text: string): string =>
  [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))].sort().join(' ')

/** What the server says comes from its table of faults and from single routes, as literals. */
const server = readSources(join(import.meta.dirname, '..'), ['server'])
  .map(({ text }) => text)
  .join('\n')
const refusals = Object.values(FAULTS).map(([, , english]) => english)

/** What is the matter between the code and a catalogue, one sentence each. */
function findings(
  sources: readonly Source[],
  parts: Readonly<Record<string, Catalogue>>,
  heard: readonly string[] = [],
): string[] {
  const said = sources.map(saidIn)
  const told = heard.map((english) => ({ english, at: 'the server' }))
  const used = new Map([...said.flatMap(({ used }) => used), ...told].map(({ english, at }) => [english, at]))
  const entries = Object.entries(parts).flatMap(([part, words]) =>
    Object.entries(words).map(([english, other]) => ({ part, english, other })),
  )
  const known = new Set(entries.map(({ english }) => english))
  const twice = entries.filter(({ english }, i) => entries.findIndex((one) => one.english === english) !== i)
  return [
    ...said.flatMap(({ unclear }) => unclear).map((at) => `${at}: what is said is not a literal`),
    ...[...used].filter(([english]) => !known.has(english)).map(([english, at]) => `${at}: no German for '${english}'`),
    ...entries
      .filter(({ part, english }) => part !== 'FAULTS_SAID' && !used.has(english))
      .map((e) => `${e.part}: nothing says '${e.english}'`),
    ...twice.map(({ part, english }) => `${part}: '${english}' stands in another part too`),
    ...entries
      .filter(({ english, other }) => formsOf(other).some((form) => namesIn(form) !== namesIn(english)))
      .map(({ part, english }) => `${part}: other {names} than in '${english}'`),
    ...entries
      .filter(({ other }) => formsOf(other).some((form) => form.trim() === ''))
      .map(({ part, english }) => `${part}: nothing for '${english}'`),
  ]
}

const desktop = readSources(join(import.meta.dirname, '..'), ['src-main']).filter(({ text }) =>
  /from '\.\/words\.ts'/.test(text),
)

describe('the catalogue of words', () => {
  test('of the desktop program has German for every sentence, with the same names in it, and no other', () => {
    assert.deepEqual(findings(desktop, { desktop: DESKTOP }), [])
    assert.ok(desktop.flatMap((one) => saidIn(one).used).length > 30)
  })
  test('has German for every sentence, with the same names in it, and no other', () => {
    assert.deepEqual(findings(wallet, PARTS, refusals), [])
    const said = Object.keys(PARTS.FAULTS_SAID ?? {})
    assert.deepEqual(
      said.filter((english) => !server.includes(`'${english}'`)),
      [],
      'no longer said by the server',
    )
    assert.ok(wallet.flatMap((one) => saidIn(one).used).length > 30)
  })

  const code = "say('a {b}', { b })\n<Say words=\"c\" />\ncounted('{n} d', '{n} ds', n)\nsay(\n  'it\\'s',\n)\n"
  const german = { 'a {b}': '{b} ä', c: 'ç', '{n} ds': { one: '{n} de', other: '{n} des' }, "it's": 'es' }
  const planted: [what: string, code: string, parts: Record<string, Catalogue>, says: RegExp | null][] = [
    ['nothing is the matter', code, { a: german }, null],
    ['a sentence without German', `${code}say('new')`, { a: german }, /^x\.tsx:7: no German for 'new'$/],
    ['a node without German', `${code}<Say words={'n"w'} />`, { a: german }, /no German for 'n"w'/],
    ['a count without German', `${code}counted('{n} f', '{n} fs', 1)`, { a: german }, /no German for '\{n\} fs'/],
    ['German that nothing says', code, { a: { ...german, old: 'alt' } }, /^a: nothing says 'old'$/],
    ['a name lost', code, { a: { ...german, 'a {b}': 'ä' } }, /other \{names\} than in 'a \{b\}'/],
    ['a form that lost its number', code, { a: { ...german, '{n} ds': { one: 'de', other: '{n} des' } } }, /other/],
    ['no words', code, { a: { ...german, c: ' ' } }, /nothing for 'c'/],
    ['two parts with one sentence', code, { a: german, b: { c: 'z' } }, /^b: 'c' stands in another part too$/],
    ['what is no literal', `${code}say(some ? 'c' : 'd')`, { a: german }, /x\.tsx:7: what is said is not a literal/],
  ]
  for (const [what, text, parts, says] of planted) {
    test(`would be seen: ${what}`, () => {
      const found = findings([source('x.tsx', text)], parts)
      assert.equal(found.length, says ? 1 : 0, found.join('\n'))
      if (says) assert.match(found[0] ?? '', says)
    })
  }
})

describe('what a screen shows', () => {
  test('goes through the catalogue, in the developer console as everywhere', () => {
    assert.deepEqual(screens.flatMap(plainWords), [])
    assert.ok(screens.filter(({ path }) => path.startsWith('src-renderer/developer/')).length > 15)
  })

  const planted: [what: string, code: string, words: string | null][] = [
    ['what is said', "<p title={say('A b')}>{say('Keys')} · {counted('{n} key', '{n} keys', n)}</p>", null],
    ['a node that is said', '<Say words="Keep {it}" it={<code>as it is</code>} />', null],
    ['a look', `<p className="text-sm font-medium">{on ? "px-3 text-sm" : \`flex px-3 \${look}\`}</p>`, null],
    ['an address', `<a href={\`/developer/\${id}\`}>{await api.post('/a/b', { kind: 'plain' })}</a>`, null],
    ['text of an element', '<p>\n  Keep it.\n</p>', 'Keep it.'],
    ['a tooltip', '<p title="never used" />', 'never used'],
    ['a label', '<p aria-label="Keys" />', 'Keys'],
    ['one of two', "<p>{on ? 'Turn it off' : null}</p>", 'Turn it off'],
    ['a table of words', "{ active: ['Connected', 'good'] as const }", 'Connected'],
    ['a sentence with a value', `<p>{\`given \${day}\`}</p>`, 'given '],
    ['a value of what is said', "say('{app} is {state}', { app, state: 'Paused' })", 'Paused'],
    ['inside a node that is said', '<Say words="Keep {it}" it={<b>your head</b>} />', 'your head'],
  ]
  for (const [what, code, words] of planted) {
    test(`${words === null ? 'is not' : 'would be'} found: ${what}`, () => {
      const found = plainWords(source('x.tsx', `const x = async () => (\n${code}\n)`))
      assert.deepEqual(
        found.map((one) => one.replace(/^x\.tsx:\d+: /, '')),
        words === null ? [] : [`'${words}' is not said`],
      )
    })
  }
})
