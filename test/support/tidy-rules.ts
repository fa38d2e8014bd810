// The house rules over the source text, as a table.
// owns: every rule, its exceptions with their reasons, and a planted violation that proves it can fail.
// never: reading files (the test hands the sources in). always true: an exception that nothing needs is a finding.

import { bodiesOf, importsOf, places, type Source } from './source.ts'

export type Rule = {
  name: string
  /** Findings, one sentence each, beginning with the place. */
  find: (sources: readonly Source[]) => string[]
  /** Files by path that break the rule, and what the finding must say. */
  planted: Record<string, string>
  says: RegExp
}
/** Where a rule does not hold, and why. `what` narrows it to one word or function. */
type Exception = { path: string; what?: string; why: string }

const FILE_LINES_MAX = 300
const BODY_LINES_MAX = 60

const LONG_FILES: Exception[] = []
const LONG_BODIES: Exception[] = []
const WORLD_READERS: Exception[] = [
  { path: 'server/main.ts', why: 'hands the world in' },
  { path: 'server/compile-cache.cjs', why: 'sets what Node itself reads, before the server' },
  {
    path: 'server/identity/clock.ts',
    why: 'compares our clock with the one that oidc-provider cannot be kept from reading',
  },
  { path: 'server/db/', why: 'the store is at the edge: jitter of its retries, times of its migrations' },
]
const CONSOLE_USERS: Exception[] = []
const DEFAULT_EXPORTS: Exception[] = []

/** Files of the server's own folder, and the folders; a lower rank never imports a higher one or a sibling. */
const RANKS: Record<string, number> = {
  contract: 0,
  'faults.ts': 0,
  'ids.ts': 0,
  'seal.ts': 0,
  'config.ts': 0,
  'providers.ts': 0,
  'deps.ts': 0,
  'http.ts': 0,
  'query.ts': 0,
  'operators.ts': 0,
  'rate-slices.ts': 1.4,
  'rate-limit.ts': 1.5,
  'metrics.ts': 0,
  'tracing.ts': 0,
  'tracing-otlp.ts': 0,
  'mail.ts': 0,
  'domain-proofs.ts': 0,
  'webhook-post.ts': 0,
  db: 1,
  ledger: 2,
  feed: 2,
  outbox: 2,
  idempotency: 2,
  identity: 3,
  connections: 4,
  grants: 5,
  vault: 5.5, // a link moves money, so it stands on grants
  payments: 5,
  receipts: 5,
  proxy: 6,
  wallet: 7,
  webhooks: 7,
  analytics: 7,
  developers: 7.5, // the console brings what the others know together
  account: 8,
  reference: 8,
  'admin.ts': 9,
  'wallet-pages.ts': 9,
  'docs.ts': 9,
  'sweepers.ts': 9,
  'serve.ts': 9,
  'app.ts': 10,
  'main.ts': 11,
  'needs-node-24.cjs': 11,
  'compile-cache.cjs': 11,
}
const COMMON = 0

/** A package, and the only places that may import it. */
const PRIVATE_PACKAGES: Record<string, string[]> = {
  '@opentelemetry': ['server/tracing-otlp.ts', 'test/'],
  stripe: ['server/payments/stripe', 'server/payments/stand-in/', 'test/'],
  'oidc-provider': ['server/identity/', 'test/'],
  electron: ['src-main/', 'test/'],
  'node:sqlite': ['server/db/', 'test/'],
  pg: ['server/db/', 'test/'],
  dexie: ['src-renderer/db.ts', 'src-renderer/sync.ts', 'test/'],
}

export const RULES: Rule[] = [
  {
    name: 'inside the server, imports go only downwards',
    find: (sources) => in_(sources, 'server/').flatMap(rankFindings),
    planted: { 'server/ledger/x.ts': "import { meter } from '../proxy/meter.ts'\n" },
    says: /server\/ledger\/x\.ts:1 .*proxy/,
  },
  {
    name: 'folders of one rank do not import each other',
    find: (sources) => in_(sources, 'server/').flatMap(rankFindings),
    planted: { 'server/grants/x.ts': "import type { Sale } from '../payments/sales.ts'\n" },
    says: /server\/grants\/x\.ts:1 .*payments/,
  },
  {
    name: 'every part of the server has a rank',
    find: (sources) =>
      [...new Set(in_(sources, 'server/').map(({ path }) => unitOf(path)))]
        .filter((u) => RANKS[u] === undefined)
        .map((u) => `server/${u} has no rank in RANKS`),
    planted: { 'server/helpers/x.ts': '' },
    says: /server\/helpers has no rank/,
  },
  {
    name: 'server, src-main and src-renderer share only server/contract',
    find: (sources) => sources.flatMap(frontierFindings),
    planted: { 'src-renderer/x.ts': "import { hold } from '../server/ledger/ledger.ts'\n" },
    says: /src-renderer\/x\.ts:1 .*server\/ledger/,
  },
  {
    name: 'server/contract imports zod and itself',
    find: (sources) =>
      in_(sources, 'server/contract/').flatMap((s) =>
        importFindings(s, ({ from }) => from !== 'zod' && !from.startsWith('server/contract/')),
      ),
    planted: { 'server/contract/x.ts': "import { createHash } from 'node:crypto'\n" },
    says: /server\/contract\/x\.ts:1 .*node:crypto/,
  },
  {
    name: 'an example knows only the public contract',
    find: (sources) =>
      in_(sources, 'examples/').flatMap((s) =>
        importFindings(
          s,
          ({ from }) =>
            /^(server|src-main|src-renderer|test|packages)\//.test(from) ||
            (from.startsWith('@quota-wallet/') && !/^@quota-wallet\/sdk(\/|$)/.test(from)),
        ),
      ),
    planted: { 'examples/chat/x.ts': "import { FAULTS } from '../../server/contract/faults.ts'\n" },
    says: /examples\/chat\/x\.ts:1 .*server\/contract/,
  },
  {
    name: 'the SDK carries the arithmetic of the contract, and imports nothing else but types and React',
    find: (sources) =>
      in_(sources, 'packages/sdk/src/').flatMap((s) =>
        importFindings(
          s,
          ({ from, typeOnly }) =>
            !from.startsWith('packages/sdk/src/') &&
            !/^server\/contract\/(amounts|charge)\.ts$/.test(from) &&
            !(typeOnly && (from === 'zod' || from.startsWith('server/contract/'))) &&
            !(s.path.startsWith('packages/sdk/src/react/') && from === 'react'),
        ),
      ),
    planted: { 'packages/sdk/src/x.ts': "import { ReceiptPayload } from '../../../server/contract/receipts.ts'\n" },
    says: /packages\/sdk\/src\/x\.ts:1 .*receipts/,
  },
  {
    name: 'what the SDK carries of the contract imports nothing but itself',
    find: (sources) =>
      sources
        .filter(({ path }) => /^server\/contract\/(amounts|charge)\.ts$/.test(path))
        .flatMap((s) => importFindings(s, ({ from }) => from !== 'server/contract/amounts.ts')),
    planted: { 'server/contract/charge.ts': "import { z } from 'zod'\n" },
    says: /server\/contract\/charge\.ts:1 .*zod/,
  },
  {
    name: 'each outside system is known in one place',
    find: (sources) =>
      sources.flatMap((s) =>
        importFindings(s, ({ from }) =>
          Object.entries(PRIVATE_PACKAGES).some(
            ([name, homes]) =>
              (from === name || from.startsWith(`${name}/`)) && !homes.some((home) => s.path.startsWith(home)),
          ),
        ),
      ),
    planted: { 'server/proxy/x.ts': "import Stripe from 'stripe'\n" },
    says: /server\/proxy\/x\.ts:1 .*stripe/,
  },
  {
    name: 'only db*.ts, heard.ts and sync.ts of the wallet write its database',
    find: (sources) =>
      in_(sources, 'src-renderer/')
        .filter(({ path }) => !/^src-renderer\/(db(-\w+)?|heard|sync)\.ts$/.test(path))
        .flatMap(({ path, code }) =>
          places(
            path,
            code,
            /\b(?:db|database|table)\b[\w.()?!]*\.(?:put|add|update|upsert|delete|clear|modify|bulk(?:Put|Add|Update|Delete))\(/g,
          ).map((at) => `${at} writes Dexie`),
        ),
    planted: { 'src-renderer/screens/x.tsx': 'export const f = () => db.outbox.put({ mid: 1 })\n' },
    says: /src-renderer\/screens\/x\.tsx:1 writes Dexie/,
  },
  {
    name: 'a table is named in SQL by its owner alone',
    find: tableFindings,
    planted: {
      'server/db/migrations/0001_ledger.sql': 'CREATE TABLE accounts (\n  id TEXT\n);',
      'server/proxy/x.ts': '// why\nconst sql = `SELECT id FROM accounts`\n',
    },
    says: /server\/proxy\/x\.ts:2 .*accounts.*server\/ledger/,
  },
  {
    name: 'a migration touches its owner’s tables alone',
    find: tableFindings,
    planted: {
      'server/db/migrations/0001_ledger.sql': 'CREATE TABLE accounts (id TEXT);',
      'server/db/migrations/0002_feed.sql': 'ALTER TABLE accounts ADD COLUMN x TEXT;',
    },
    says: /0002_feed\.sql:1 .*accounts.*server\/ledger/,
  },
  {
    name: 'a migration has a number of its own',
    find: numberFindings,
    planted: {
      'server/db/migrations/0017_outbox.sql': '-- landed',
      'server/db/migrations/0017_receipts_accepted_prices.sql': '-- landed beside it',
      'server/db/migrations/0017_vault.sql': '-- one more',
    },
    says: /0017_vault\.sql has the number of server\/db\/migrations\/0017_outbox\.sql/,
  },
  {
    name: `a file has at most ${FILE_LINES_MAX} lines`,
    find: (sources) =>
      excepted(
        sources,
        LONG_FILES,
        ours(sources)
          .filter(({ text }) => text.trimEnd().split('\n').length > FILE_LINES_MAX)
          .map(({ path, text }) => ({
            path,
            what: '',
            finding: `${path} has ${text.trimEnd().split('\n').length} lines`,
          })),
      ),
    planted: { 'server/proxy/x.ts': 'const a = 1\n'.repeat(FILE_LINES_MAX + 1) },
    says: /server\/proxy\/x\.ts has 301 lines/,
  },
  {
    name: `a function has at most ${BODY_LINES_MAX} lines`,
    find: (sources) => excepted(sources, LONG_BODIES, ours(sources).flatMap(longBodies)),
    planted: {
      'server/proxy/x.ts': `export function long(a: number): { b: number } {\n${"  if (a) { say('}') }\n".repeat(BODY_LINES_MAX)}}\n`,
    },
    says: /server\/proxy\/x\.ts:1 long has 62 lines/,
  },
  {
    name: 'every file opens with what it owns, never does and keeps true',
    find: (sources) =>
      sources
        .filter(({ path }) => /\.tsx?$/.test(path) && !isExempt(path))
        .filter(({ text }) => !opensWell(text))
        .map(({ path }) => `${path} lacks its header (owns / never / always true)`),
    planted: { 'server/proxy/x.ts': '// Does things.\nexport const a = 1\n' },
    says: /server\/proxy\/x\.ts lacks its header/,
  },
  {
    name: 'no default exports outside tool configurations',
    find: (sources) =>
      excepted(
        sources,
        DEFAULT_EXPORTS,
        sources
          .filter(({ path }) => !/\.config\.ts$/.test(path))
          .flatMap(({ path, code }) =>
            places(path, code, /^\s*export default\b/gm).map((at) => ({
              path,
              what: '',
              finding: `${at} exports a default`,
            })),
          ),
      ),
    planted: { 'server/x.ts': 'export default 1\n' },
    says: /server\/x\.ts:1 exports a default/,
  },
  {
    name: 'no marks for later',
    find: (sources) =>
      sources
        .filter(({ path }) => /\.(tsx?|sql)$/.test(path) && path !== 'test/support/tidy-rules.ts')
        .flatMap(({ path, text }) =>
          places(path, text, /\b(?:TODO|FIXME|XXX|HACK)\b/g).map((at) => `${at} leaves a mark`),
        ),
    planted: { 'server/x.ts': 'const a = 1 // TODO later\n' },
    says: /server\/x\.ts:1 leaves a mark/,
  },
  {
    name: 'the type checker is never silenced',
    find: (sources) =>
      sources
        .filter(({ path }) => path !== 'test/support/tidy-rules.ts')
        .flatMap(({ path, code, text }) =>
          [
            ...places(path, code, /(?:[:<|&(,]\s*|\bas\s+)any\b(?!\s*[:(.=-])/g),
            ...places(path, text, /@ts-(?:ignore|expect-error|nocheck)/g),
          ].map((at) => `${at} silences the type checker`),
        ),
    planted: { 'server/x.ts': 'const a = {} as any\n', 'server/y.ts': '// @ts-ignore\n' },
    says: /server\/x\.ts:1 silences[\s\S]*server\/y\.ts:1 silences/,
  },
  {
    name: 'the server logs through its logger, and nobody leaves a console.log',
    find: (sources) =>
      excepted(
        sources,
        CONSOLE_USERS,
        ours(sources).flatMap(({ path, code }) =>
          places(path, code, path.startsWith('server/') ? /\bconsole\.\w+\(/g : /\bconsole\.log\(/g)
            .filter(() => !path.startsWith('examples/'))
            .map((at) => ({ path, what: '', finding: `${at} writes to the console` })),
        ),
      ),
    planted: { 'server/proxy/x.ts': "console.log('hello')\n" },
    says: /server\/proxy\/x\.ts:1 writes to the console/,
  },
  {
    name: 'the server reads time, chance and environment through its ports',
    find: (sources) =>
      excepted(
        sources,
        WORLD_READERS,
        in_(sources, 'server/').flatMap(({ path, code }) =>
          [...code.matchAll(/\b(?:Date\.now\(|new Date\(\)|Math\.random\(|randomUUID\(|process\.env\b)/g)].map(
            (match) => ({
              path,
              what: match[0],
              finding: `${path}:${code.slice(0, match.index).split('\n').length} reads the world by itself: ${match[0]}`,
            }),
          ),
        ),
      ),
    planted: { 'server/proxy/x.ts': 'const now = Date.now()\n' },
    says: /server\/proxy\/x\.ts:1 reads the world by itself: Date\.now\(/,
  },
]

// --- what the rules are made of ------------------------------------------------------------------------------------

function in_(sources: readonly Source[], folder: string): Source[] {
  return sources.filter(({ path }) => path.startsWith(folder) && /\.(ts|tsx|cjs)$/.test(path))
}

/** The programs: not their tests, whose tables and journeys may be long. */
function ours(sources: readonly Source[]): Source[] {
  return sources.filter(({ path }) => /^(server|src-main|src-renderer|packages|examples)\/.*\.(ts|tsx)$/.test(path))
}

function unitOf(path: string): string {
  return path.split('/')[1] ?? ''
}

function importFindings(source: Source, bad: (found: { from: string; typeOnly: boolean }) => boolean): string[] {
  return importsOf(source)
    .filter(bad)
    .map(({ from, line }) => `${source.path}:${line} imports ${from}`)
}

function rankFindings(source: Source): string[] {
  const unit = unitOf(source.path)
  const rank = RANKS[unit] ?? Number.POSITIVE_INFINITY
  return importFindings(source, ({ from, typeOnly }) => {
    if (!from.startsWith('server/')) return false
    const other = unitOf(from)
    const otherRank = RANKS[other] ?? Number.POSITIVE_INFINITY
    if (other === unit || otherRank < rank) return false
    if (rank === COMMON && otherRank === COMMON) return unit === 'contract'
    // deps.ts lists the ports by type.
    return !(unit === 'deps.ts' && typeOnly)
  })
}

function frontierFindings(source: Source): string[] {
  const program = source.path.split('/')[0] ?? ''
  const programs = ['server', 'src-main', 'src-renderer']
  if (!programs.includes(program)) return []
  return importFindings(source, ({ from }) => {
    const other = from.split('/')[0] ?? ''
    return (
      other !== program && [...programs, 'test', 'examples'].includes(other) && !from.startsWith('server/contract/')
    )
  })
}

function tableFindings(sources: readonly Source[]): string[] {
  const migrations = sources.filter(({ path }) => path.startsWith('server/db/migrations/'))
  const owners = new Map<string, string>()
  for (const { path, text } of migrations) {
    for (const match of text.matchAll(/CREATE TABLE (?:IF NOT EXISTS )?"?(\w+)/g))
      owners.set(match[1] ?? '', migrationOwner(path))
  }
  const code = in_(sources, 'server/').map(({ path, words }) => ({ path, words, owner: unitOf(path) }))
  const sql = migrations.map(({ path, text }) => ({
    path,
    words: text.replaceAll(/--.*/g, ''),
    owner: migrationOwner(path),
  }))
  return [...code, ...sql].flatMap(({ path, words, owner }) =>
    [...words.matchAll(/\b(?:FROM|JOIN|INTO|UPDATE|ALTER TABLE|DROP TABLE)\s+"?(\w+)/gi)].flatMap((match) => {
      const table = match[1] ?? ''
      const rightful = owners.get(table)
      if (rightful === undefined || rightful === owner) return []
      return [
        `${path}:${words.slice(0, match.index).split('\n').length} names ${table}, which belongs to server/${rightful}`,
      ]
    }),
  )
}

/** Landed with a number that was taken; neither needs the other, and what has run keeps its name. */
const NUMBERED_TWICE = new Set(['0013_identity_sealed.sql', '0017_receipts_accepted_prices.sql'])

/** Files run in the order of their names, so of two with one number the alphabet decides which is first. */
function numberFindings(sources: readonly Source[]): string[] {
  const first = new Map<string, string>()
  const paths = sources.map(({ path }) => path).filter((path) => /^server\/db\/migrations\/\d{4}_/.test(path))
  return paths.sort().flatMap((path) => {
    const name = path.slice(path.lastIndexOf('/') + 1)
    if (NUMBERED_TWICE.has(name)) return []
    const before = first.get(name.slice(0, 4))
    first.set(name.slice(0, 4), path)
    return before === undefined ? [] : [`${path} has the number of ${before}`]
  })
}

function migrationOwner(path: string): string {
  return /\/\d{4}_([a-z]+)\w*\.sql$/.exec(path)?.[1] ?? 'nobody'
}

function longBodies(source: Source): Found[] {
  const { path } = source
  try {
    return bodiesOf(source)
      .filter(({ lines }) => lines > BODY_LINES_MAX)
      .map(({ line, lines, name }) => ({ path, what: name, finding: `${path}:${line} ${name} has ${lines} lines` }))
  } catch (cause) {
    return [{ path, what: '', finding: `${path}: ${cause}` }]
  }
}

function isExempt(path: string): boolean {
  return /\.(test|spec|config|d)\.tsx?$/.test(path)
}

function opensWell(text: string): boolean {
  const header = /^(?:#!.*\n)?((?:\/\/.*\n)+)/.exec(text)?.[1] ?? ''
  return /owns:[\s\S]*never:[\s\S]*always true:/.test(header.replaceAll(/\n\/\/ ?/g, ' '))
}

type Found = { path: string; what: string; finding: string }

/** Findings without the excepted ones, plus each exception of a file that is there and that nothing needs. */
function excepted(sources: readonly Source[], exceptions: readonly Exception[], found: readonly Found[]): string[] {
  const fits = (e: Exception, f: Found) => f.path.startsWith(e.path) && (e.what === undefined || e.what === f.what)
  const stale = exceptions.filter(
    (e) => sources.some(({ path }) => path.startsWith(e.path)) && !found.some((f) => fits(e, f)),
  )
  return [
    ...found.filter((f) => !exceptions.some((e) => fits(e, f))).map(({ finding }) => finding),
    ...stale.map(({ path, what = 'it' }) => `the exception for ${what} in ${path} is not needed any more`),
  ]
}
