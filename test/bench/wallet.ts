// What the wallet costs the device it is on, in a real Chromium: a million entries, and a first sync.
// owns: the made-up log, the measures and their table. never: the wallet's own code in the page. always true: each figure says
// how often it was taken; raw IndexedDB is measured in the same browser, with the same rows, in the same run.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from '@playwright/test'
import { CHROMIUM_FLAGS, chromiumPath } from '../support/driver-browser.ts'
import { type FakeServer, startFake } from '../wallet/support-server.ts'
import { percentile } from './load.ts'
import { fillLog, rawRate } from './wallet-page.ts'

export type WalletFigure = { what: string; figure: string; target: string }

const BLOCK = 128
const TAIL = 64
const MANY = 1_000_000
const OPENS = 5
const SYNCED = 100_000

/** Takes all figures. @param entries how long the long log is */
export async function walletBench(entries = MANY, synced = SYNCED): Promise<WalletFigure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'quota-bench-'))
  const fake = await startFake()
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: await chromiumPath(),
    args: [...CHROMIUM_FLAGS, '--enable-precise-memory-info'],
    viewport: { width: 1280, height: 900 },
  })
  try {
    return [...(await longLog(context, fake, entries)), ...(await firstSync(context, synced))]
  } finally {
    await context.close()
    await fake.close()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

export function walletTable(figures: WalletFigure[]): string {
  const rows = figures.map(({ what, figure, target }) => `| ${what} | ${figure} | ${target} |`)
  return ['| the wallet, in Chromium | measured | wanted |', '| --- | --- | --- |', ...rows].join('\n')
}

async function enter(context: BrowserContext, fake: FakeServer): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${fake.url}/wallet/`)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await upToDate(page)
  return page
}

const upToDate = (page: Page) =>
  page
    .getByRole('status', { name: 'Sync' })
    .filter({ visible: true, hasText: 'Up to date' })
    .waitFor({ timeout: 600_000 })

// --- a long log ------------------------------------------------------------------------------------------------------

async function longLog(context: BrowserContext, fake: FakeServer, entries: number): Promise<WalletFigure[]> {
  const { world } = fake
  world.profile()
  world.connection('sketch', 'Sketchpad')
  world.connection('parrot', 'Parrot Chat')
  world.balance(12_000_000)
  world.call('sketch') // one real receipt, whose text the others resemble
  const model = world.changes.pop()
  const before = world.changes.length
  const first = await enter(context, fake)
  const whole = Math.floor((entries - TAIL) / BLOCK) * BLOCK + TAIL
  const hash = await first.evaluate(fillLog, {
    first: before + 1,
    count: whole,
    tail: TAIL,
    model: model as object,
    epoch: world.epoch,
  })
  world.changes.length = before + whole
  world.lastHash = hash
  await first.close()

  const opens: number[] = []
  let page = await context.newPage()
  for (let n = 0; n < OPENS; n++) {
    await page.close()
    page = await context.newPage()
    await page.goto(`${fake.url}/wallet/`, { waitUntil: 'commit' })
    opens.push(
      await page.evaluate(since, {
        selector: '[aria-label=Balance] .nums',
        text: '$',
        also: 'main li a[href*="entry="]',
      }),
    )
  }
  await upToDate(page)
  const firstPage = await page.evaluate(timed, { press: 'nav a[href$="/activity"]', until: '[role=row] button' })
  const [early, counted] = await page.evaluate(typed, 'parrot')
  const again: number[] = []
  for (const q of ['haiku', 'nothing like this', 'sketch']) again.push((await page.evaluate(typed, q))[1])
  await page.getByRole('searchbox').fill('')
  await page.locator('nav a[href$="/wallet/"]').first().click()
  await page.locator('main li a[href*="entry="]').first().waitFor()
  const secondPage = await page.evaluate(timed, { press: 'nav a[href$="/activity"]', until: '[role=row] button' })
  const scroll = await page.evaluate(scrolled, 3000)
  const heap = await page.evaluate(
    () => (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize,
  )
  const live = await liveEntry(page, fake)
  await page.close()
  const ms = (value: number) => `${Math.round(value)} ms`
  return [
    {
      what: `cold open to a full Home, ${whole.toLocaleString('en-US')} entries (p50 of ${OPENS})`,
      figure: `${ms(percentile(opens, 0.5))} (worst ${ms(Math.max(...opens))})`,
      target: 'under 1,000 ms',
    },
    {
      what: 'first page of Activity (the moment the wallet is open, then once it has read ahead)',
      figure: `${ms(firstPage)}, ${ms(secondPage)}`,
      target: 'under 100 ms',
    },
    {
      what: 'search right after: first matches, all counted; then all counted, the worst of three',
      figure: `${ms(early)}, ${ms(counted)}; ${ms(Math.max(...again))}`,
      target: 'under 200 ms',
    },
    {
      what: 'scrolling, frames/s (p95 frame)',
      figure: `${scroll.perS.toFixed(0)} (${scroll.p95.toFixed(1)} ms)`,
      target: '60',
    },
    { what: 'a settled call is on the screen', figure: ms(live), target: 'under 300 ms' },
    { what: 'JavaScript heap with Activity open', figure: `${Math.round(heap / 1e6)} MB`, target: 'under 300 MB' },
  ]
}

/** From the beginning of the navigation until something is drawn. */
function since({ selector, text, also }: { selector: string; text: string; also: string }): Promise<number> {
  return new Promise((done) => {
    const look = () => {
      const there = document.querySelector(selector)?.textContent?.includes(text) && document.querySelector(also)
      if (there) requestAnimationFrame(() => done(performance.now()))
      else requestAnimationFrame(look)
    }
    look()
  })
}

function timed({ press, until }: { press: string; until: string }): Promise<number> {
  return new Promise((done) => {
    const began = performance.now()
    document.querySelector<HTMLElement>(press)?.click()
    const look = () => {
      if (document.querySelector(until)) requestAnimationFrame(() => done(performance.now() - began))
      else requestAnimationFrame(look)
    }
    look()
  })
}

/** Types a search. @returns ms until other rows are there (or none are), and until all that is found is counted */
function typed(text: string): Promise<[matches: number, counted: number]> {
  return new Promise((done) => {
    const rows = () => document.querySelector('[role=table]')?.getAttribute('aria-rowcount') ?? 'none'
    const status = () => document.querySelector('main [role=status].nums')?.textContent ?? ''
    const before = [rows(), status()]
    const input = document.querySelector<HTMLInputElement>('input[type=search]')
    const began = performance.now()
    let early = 0
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(input, text)
    input?.dispatchEvent(new Event('input', { bubbles: true }))
    const look = () => {
      const took = performance.now() - began
      if (rows() !== before[0]) early ||= took
      if (status() !== before[1] && /call/.test(status()) && !status().endsWith('…')) done([early || took, took])
      else requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  })
}

/** Scrolls steadily for so long and looks at the frames. */
function scrolled(forMs: number): Promise<{ perS: number; p95: number }> {
  return new Promise((done) => {
    const frames: number[] = []
    const began = performance.now()
    let last = began
    const step = (now: number) => {
      if (now > last) frames.push(now - last)
      last = now
      scrollBy(0, 60)
      if (now - began < forMs) return void requestAnimationFrame(step)
      const sorted = frames.toSorted((a, b) => a - b)
      done({ perS: (frames.length * 1000) / (last - began), p95: sorted[Math.floor(sorted.length * 0.95)] ?? 0 })
    }
    requestAnimationFrame(step)
  })
}

/** From the moment the server has a call until its row is there. */
async function liveEntry(page: Page, fake: FakeServer): Promise<number> {
  const took: number[] = []
  for (let n = 0; n < OPENS; n++) {
    await page.evaluate(() => scrollTo(0, 0))
    const count = await page.getByRole('table').getAttribute('aria-rowcount')
    const seen = page.evaluate(
      (before) =>
        new Promise<number>((done) => {
          const look = () => {
            if (document.querySelector('[role=table]')?.getAttribute('aria-rowcount') !== before) done(Date.now())
            else requestAnimationFrame(look)
          }
          look()
        }),
      count,
    )
    fake.world.call('parrot')
    const began = Date.now()
    fake.poke()
    took.push((await seen) - began)
  }
  return percentile(took, 0.5)
}

// --- a first sync -----------------------------------------------------------------------------------------------------

async function firstSync(context: BrowserContext, count: number): Promise<WalletFigure[]> {
  const fake = await startFake()
  try {
    fake.world.lived({ calls: count })
    const rows = fake.world.changes.filter(({ topic }) => topic === 'receipt').slice(0, 20_000)
    const began = performance.now()
    const page = await enter(context, fake)
    const seconds = (performance.now() - began) / 1000
    const raw = await page.evaluate(rawRate, rows as unknown[])
    await page.close()
    const rate = count / seconds
    return [
      {
        what: `first sync of ${count.toLocaleString('en-US')} entries, each verified`,
        figure: `${seconds.toFixed(1)} s, ${Math.round(rate).toLocaleString('en-US')} entries/s (raw IndexedDB, a row each, nothing verified: ${Math.round(raw).toLocaleString('en-US')}/s)`,
        target: 'stated',
      },
    ]
  } finally {
    await fake.close()
  }
}
