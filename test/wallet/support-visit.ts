// One visit of the wallet that stops at many states.
// owns: the page and the scripted server of a tour, its clock, the ways to go. never: what a state is. always true: every
// visit happens at one moment of one day, so that what is drawn is the same on every run.

import type { Browser, Page } from '@playwright/test'
import { type FakeServer, startFake } from './support-server.ts'
import { expect, goTo, offline, online, upToDate } from './support-test.ts'
import { World } from './support-world.ts'

export type Visit = { page: Page; fake: FakeServer }
export type State = {
  name: string
  /** Goes there from wherever the visit is. */
  show: (visit: Visit) => Promise<void>
  /** Takes back what would change the states after it. */
  undo?: (visit: Visit) => Promise<void>
}
export type Tour = {
  name: string
  world: (world: World) => void
  /** Nobody has signed in. */
  stranger?: true
  /** What comes before all of its states. */
  first?: (visit: Visit) => Promise<void>
  states: State[]
}

/** A Wednesday in the middle of a month, in the afternoon where the account lives. */
const NOW = Date.UTC(2026, 10, 18, 13, 5)
export const WIDE = { width: 1120, height: 720 }
export const NARROW = { width: 320, height: 640 }

/** A server and a page of its own, the person's history read and checked. */
export async function begin(browser: Browser, { world, first, stranger }: Tour): Promise<Visit> {
  const fake = await startFake(new World(() => NOW))
  world(fake.world)
  fake.session = !stranger
  const context = await browser.newContext({ viewport: WIDE, reducedMotion: 'reduce', serviceWorkers: 'block' })
  context.setDefaultTimeout(30_000)
  await context.clock.setFixedTime(NOW)
  await context.addInitScript(ownLetters)
  const page = await context.newPage()
  const visit = { page, fake }
  if (!stranger) {
    await page.goto(`${fake.url}/wallet/`)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await upToDate(page)
  }
  await first?.(visit)
  return visit
}

/** Runs in each page: code in the wallet's own letters, as the system's differ from machine to machine. */
function ownLetters(): void {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync('code, pre, kbd, samp, .font-mono { font-family: "Inter Variable" !important }')
  document.adoptedStyleSheets.push(sheet)
}

export async function end({ page, fake }: Visit): Promise<void> {
  await page.context().close()
  await fake.close()
}

/** As before every state: wide, light, nothing open, nothing answered otherwise, no pointer on anything. */
export async function tidy({ page, fake }: Visit): Promise<void> {
  await page.unrouteAll()
  if (page.url().startsWith(fake.url)) await page.evaluate(() => sessionStorage.clear()) // a sign-in that was begun
  await page.setViewportSize(WIDE)
  await page.emulateMedia({ colorScheme: 'light' })
  const open = page.locator('dialog[open], [role=dialog], [role=menu]').filter({ visible: true })
  for (let tries = 0; tries < 3 && (await open.count()) > 0; tries++) await page.keyboard.press('Escape')
  await page.mouse.move(0, 0)
}

/** Nothing is still on its way. */
export async function settled({ page }: Visit): Promise<void> {
  await expect(page.locator('.skeleton').filter({ visible: true })).toHaveCount(0)
  await page.mouse.move(0, 0)
  await page.evaluate(async () => {
    scrollTo(0, 0)
    await document.fonts.ready
  })
}

export const dialog = ({ page }: Visit) => page.getByRole('dialog')
export const card = ({ page }: Visit, name = 'Sketchpad') => page.getByRole('listitem', { name })
export const alert = ({ page }: Visit, hasText: string) => page.getByRole('alert').filter({ hasText })

type Then = (visit: Visit) => Promise<void>

/** One of the five places, opened anew; then further. */
export const at =
  (place: string, then?: Then): Then =>
  async (visit) => {
    const { page, fake } = visit
    const places = page.getByRole('navigation', { name: 'Wallet' })
    if ((await places.filter({ visible: true }).count()) === 0) await page.goto(`${fake.url}/wallet/`)
    await places.filter({ visible: true }).waitFor()
    if (await page.getByRole('heading', { level: 1, name: place }).isVisible())
      await goTo(page, place === 'Settings' ? 'Apps' : 'Settings')
    await goTo(page, place)
    await then?.(visit)
  }

/** An address of the server's own pages. */
export const open =
  (path: string, then?: Then): Then =>
  async (visit) => {
    await visit.page.goto(`${visit.fake.url}/wallet${path}`)
    await then?.(visit)
  }

/** What the scripted server does not know, it is given here, until the next state. */
export const answers = ({ page, fake }: Visit, path: string, json: object, status = 200) =>
  page.route(`${fake.url}${path}`, (route) => route.fulfill({ status, json }))

export const failing = (visit: Visit, path: string) => answers(visit, path, faultBody('internal_error'), 500)

export const faultBody = (code: string, type = 'api_error', details: object | null = null) => ({
  error: {
    message: 'The server could not answer.',
    type,
    code,
    param: null,
    details,
    hint: null,
    docs_url: '',
    request_id: 'r',
  },
})

export async function leave(visit: Visit): Promise<void> {
  visit.fake.down()
  await offline(visit.page)
}

export async function comeBack({ page, fake }: Visit): Promise<void> {
  fake.up()
  await online(page)
  await upToDate(page)
}
