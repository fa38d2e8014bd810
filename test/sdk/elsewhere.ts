// `npm run test:runtimes`: the SDK's cases in Bun, Deno and an edge runtime, which are fetched for the occasion.
// owns: getting them, outside the project, and the sum. never: a part of `npm test` (their binaries are 100 MB each).
// always true: a runtime that cannot be had here is named, and counts as a failure.

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServer } from '../support/server.ts'
import { bundle } from './bundle.ts'
import type { World } from './suite.ts'
import { makeWorld } from './world.ts'

type Outcome = { name: string; error: string | null }
type Runtime = { name: string; packages: string[]; run: (folder: string, world: World) => Outcome[] }

const CPU = process.arch === 'arm64' ? { bun: 'aarch64', deno: 'arm64' } : { bun: 'x64', deno: 'x64' }
const RUNTIMES: Runtime[] = [
  {
    name: 'Bun',
    packages: [`@oven/bun-linux-${CPU.bun}`],
    run: (folder, world) => program(join(folder, `node_modules/@oven/bun-linux-${CPU.bun}/bin/bun`), [], folder, world),
  },
  {
    name: 'Deno',
    packages: [`@deno/linux-${CPU.deno}-glibc`],
    run: (folder, world) =>
      program(
        join(folder, `node_modules/@deno/linux-${CPU.deno}-glibc/deno`),
        ['run', '--no-lock', '-A'],
        folder,
        world,
      ),
  },
  {
    name: 'Edge',
    packages: ['@edge-runtime/vm'],
    run: (folder, world) => program(process.execPath, [], folder, world, EDGE),
  },
]

/** Runs the cases one after the other, where the world is; what it prints last is the outcomes. */
const RUN = `
import { CASES } from './suite.js'
const world = JSON.parse(process.env.WORLD)
const outcomes = []
for (const { name, where, run } of CASES) {
  if (where === 'page') continue
  outcomes.push(await run(world).then(() => ({ name, error: null }), (error) => ({ name, error: String(error.stack ?? error) })))
}
console.log(JSON.stringify(outcomes))
`
/** The same inside an edge runtime's own globals; only plain text goes in and out. */
const EDGE = `
import { readFileSync } from 'node:fs'
import { EdgeVM } from '@edge-runtime/vm'
const vm = new EdgeVM()
const suite = readFileSync(new URL('./suite.js', import.meta.url), 'utf8').replace(/export\\s*\\{([^}]*)\\};?\\s*$/, (_, names) => {
  const own = /([\\w$]+) as CASES/.exec(names)?.[1] ?? 'CASES'
  return 'globalThis.CASES = ' + own
})
vm.evaluate(suite)
const outcomes = await vm.evaluate(\`(async (world) => {
  const outcomes = []
  for (const { name, where, run } of CASES) {
    if (where === 'page') continue
    outcomes.push(await run(world).then(() => ({ name, error: null }), (error) => ({ name, error: String(error.stack ?? error) })))
  }
  return JSON.stringify(outcomes)
})(\${process.env.WORLD})\`)
console.log(outcomes)
process.exit(0)
`

function program(path: string, args: string[], folder: string, world: World, code = RUN): Outcome[] {
  if (!existsSync(path)) throw new Error(`${path} is not there`)
  writeFileSync(join(folder, 'run.mjs'), code)
  const env = { PATH: process.env.PATH ?? '', HOME: folder, WORLD: JSON.stringify(world) }
  const ran = spawnSync(path, [...args, join(folder, 'run.mjs')], {
    cwd: folder,
    env,
    encoding: 'utf8',
    timeout: 120_000,
  })
  const last = ran.stdout.trim().split('\n').at(-1) ?? ''
  if (!last.startsWith('[')) throw new Error(`no outcome:\n${ran.stdout}${ran.stderr}`)
  return JSON.parse(last)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function main(): Promise<number> {
  const server = await startServer({ env: { QUOTA_SANDBOX_TOKEN_MS: '0' } })
  const suite = await bundle(join(import.meta.dirname, 'suite.ts'))
  const counts = { passed: 0, failed: 0 }
  try {
    for (const { name, packages, run } of RUNTIMES) {
      const folder = mkdtempSync(join(tmpdir(), 'quota-runtime-'))
      try {
        writeFileSync(join(folder, 'package.json'), '{"type":"module","private":true}')
        writeFileSync(join(folder, 'suite.js'), suite)
        const npm = ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages]
        execFileSync('npm', npm, { cwd: folder, stdio: 'pipe' })
        const version = createRequire(join(folder, 'x.js'))(
          join(folder, 'node_modules', packages[0] ?? '', 'package.json'),
        ).version
        const outcomes = run(folder, await makeWorld(server, 'http://127.0.0.1:7998/callback'))
        const failures = outcomes.filter(({ error }) => error !== null)
        counts.passed += outcomes.length - failures.length
        counts.failed += failures.length
        say(`${name} ${version}: ${outcomes.length - failures.length} of ${outcomes.length}`)
        for (const { name: which, error } of failures) say(`  FAILED ${which}\n    ${error}`)
      } catch (error) {
        counts.failed++
        say(`${name}: FAILED: ${error instanceof Error ? error.message : String(error)}`)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    }
  } finally {
    await server.stop()
  }
  say(`${counts.passed} passed, ${counts.failed} failed`)
  return counts.failed > 0 ? 1 : 0
}

process.exitCode = await main()
