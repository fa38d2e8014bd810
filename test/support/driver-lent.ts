// Chromiums that are lent to the stand-in, one program at a time.
// owns: their processes, for as long as the worker lives, and the order of lending. never: what is shown in them.
// always true: whoever borrows one finds no page and no context of anybody before; what a program left behind goes with
// its connection, and a Chromium ends with the worker (its pipe closes).

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromiumPath } from './driver-browser.ts'
import { chromiumArguments, type Devtools, LISTENING, overPipe } from './electron/devtools.ts'

type Lent = { child: ChildProcess; profile: string; endpoint: string; send: Devtools['send'] }
export type Loan = {
  /** Where its DevTools are, for STANDIN_CHROMIUM_ENDPOINT. */
  endpoint: string
  /** Settles when nothing of the borrower is left in it. */
  emptied: () => Promise<void>
  giveBack: () => Promise<void>
  /** Ends it, in place of giving it back. */
  discard: () => Promise<void>
}

const EMPTY_TIMEOUT_MS = 60_000
const START_TIMEOUT_MS = 60_000
const free: Lent[] = []
const all: Lent[] = []

/** Borrows one that nobody uses, else starts another; to start one costs more than most specs. */
export async function borrowChromium(): Promise<Loan> {
  const lent = free.pop() ?? (await startOne())
  return {
    endpoint: lent.endpoint,
    emptied: () => emptied(lent),
    async giveBack() {
      await emptied(lent)
      free.push(lent)
    },
    async discard() {
      all.splice(all.indexOf(lent), 1)
      await endOne(lent)
    },
  }
}

/** Ends them with their worker. */
export async function closeLentChromiums(): Promise<void> {
  free.length = 0
  await Promise.all(all.splice(0).map(endOne))
}

async function startOne(): Promise<Lent> {
  const profile = mkdtempSync(join(tmpdir(), 'quota-lent-'))
  const args = chromiumArguments({ profile, port: '0', switches: [] })
  const child = spawn(await chromiumPath(), args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let log = ''
  child.stderr!.on('data', (data: Buffer) => {
    log = (log + data).slice(-4000)
    const endpoint = LISTENING.exec(log)?.[1]
    if (endpoint) resolve(endpoint)
  })
  child.once('exit', (code) => reject(new Error(`Chromium ended with ${code}:\n${log}`)))
  const silent = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS)
  const endpoint = await promise.finally(() => clearTimeout(silent))
  const lent = { child, profile, endpoint, send: overPipe(child).send }
  all.push(lent)
  return lent
}

/** A connection that broke takes its contexts with it; this waits until Chromium has done so. */
async function emptied({ send }: Lent): Promise<void> {
  const until = Date.now() + EMPTY_TIMEOUT_MS
  for (;;) {
    const { browserContextIds } = await send('Target.getBrowserContexts')
    const { targetInfos } = await send('Target.getTargets')
    const pages = targetInfos.filter(({ type }: { type: string }) => type === 'page')
    if (browserContextIds.length === 0 && pages.length === 0) return
    if (Date.now() > until) throw new Error(`left in Chromium: ${JSON.stringify({ browserContextIds, pages })}`)
    await sleep(10)
  }
}

async function endOne({ child, profile, send }: Lent): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'exit')
    await send('Browser.close').catch(() => child.kill('SIGKILL'))
    await gone
  }
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
}
