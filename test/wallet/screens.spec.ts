// Every screen and state, light and dark, wide and narrow: as its picture, and without a barrier that a program can see.
// owns: what is looked at in each state. never: the states (support-tours*.ts), what the screens do. always true: what is
// judged is what the page's own build draws; the pages are the same in both shells, so one browser is enough. With
// QUOTA_SCREENSHOTS=1 the pictures are drawn instead, and one sheet of them for each scheme (docs/screenshots).

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from '@playwright/test'
import { barriers } from '../support/axe.ts'
import { CHROMIUM_FLAGS, chromiumPath } from '../support/driver-browser.ts'
import { ALIKE, COMPARING, DRAWING, PICTURE_FLAGS, PICTURES, picture } from './support-picture.ts'
import { expect, test } from './support-test.ts'
import { INSIDE } from './support-tours.ts'
import { OUTSIDE } from './support-tours-outside.ts'
import { begin, end, NARROW, settled, tidy, type Visit, WIDE } from './support-visit.ts'

const SCHEMES = ['light', 'dark'] as const
const SIZES = { wide: WIDE, narrow: NARROW }
const SHEETS = join(import.meta.dirname, '../../docs/screenshots')
const TOURS = [...OUTSIDE, ...INSIDE]
const STATES = TOURS.flatMap(({ states }) => states)

type Scheme = (typeof SCHEMES)[number]
type Size = keyof typeof SIZES

let browser: Browser
test.beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: await chromiumPath(),
    args: [...CHROMIUM_FLAGS, ...PICTURE_FLAGS],
  })
})
test.afterAll(async () => {
  for (const scheme of SCHEMES) await keepSheet(scheme)
  await browser.close()
})

for (const tour of TOURS) {
  test.describe(tour.name, () => {
    let visit: Visit
    test.beforeAll(async () => {
      visit = await begin(browser, tour)
    })
    test.afterAll(() => end(visit))

    for (const { name, show, undo } of tour.states) {
      test(name, async () => {
        await tidy(visit)
        await show(visit)
        await settled(visit)
        await look(visit.page, name)
        await undo?.(visit)
      })
    }
  })
}

/** Everything is judged in each arrangement; in the other scheme, what only colours decide, which are the same narrow. */
const JUDGED = {
  wide: { light: 'all', dark: 'colours' },
  narrow: { light: 'all', dark: null },
} as const

async function look(page: Page, name: string): Promise<void> {
  for (const size of Object.keys(SIZES) as Size[]) {
    await page.setViewportSize(SIZES[size])
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme })
      await picture(page, fileOf(name, size, colorScheme))
      const rules = JUDGED[size][colorScheme]
      if (rules) expect.soft(await barriers(page, rules), `${name}, ${size}, ${colorScheme}`).toEqual([])
    }
  }
}

test('each picture belongs to a state', () => {
  const sizes = Object.keys(SIZES) as Size[]
  const named = STATES.flatMap(({ name }) =>
    sizes.flatMap((size) => SCHEMES.map((scheme) => `${fileOf(name, size, scheme)}.png`)),
  )
  expect(readdirSync(PICTURES).filter((file) => file.endsWith('.png'))).toEqual(named.sort())
})

/** Each small, and each on the picture of the same state. */
const PLANTED: Record<string, (page: Page) => Promise<void>> = {
  'another green': (page) =>
    page.getByRole('button', { name: 'Create account' }).evaluate((button) => {
      button.style.background = '#08523f'
    }),
  'a missing row': (page) =>
    page
      .getByRole('listitem')
      .last()
      .evaluate((row) => row.remove()),
  'a column moved by four points': (page) =>
    page.getByRole('list').evaluate((list) => {
      list.style.paddingInlineStart = '4px'
    }),
  'a text that runs over': (page) =>
    page.getByRole('heading', { level: 1 }).evaluate((heading) => {
      heading.style.whiteSpace = 'nowrap'
    }),
  'a softer text': (page) =>
    page
      .getByRole('listitem')
      .first()
      .evaluate((row) => {
        row.style.opacity = '0.8'
      }),
}

for (const [what, plant] of Object.entries(PLANTED))
  test(`a change would be seen: ${what}`, async ({ fake }) => {
    fake.session = false
    const context = await browser.newContext({ viewport: NARROW, reducedMotion: 'reduce', colorScheme: 'light' })
    const page = await context.newPage()
    await page.goto(`${fake.url}/wallet/`)
    await expect(page.getByRole('button', { name: 'Create account' })).toBeVisible()
    if (COMPARING) await picture(page, 'welcome-narrow-light')
    await plant(page)
    if (COMPARING) await expect(page).not.toHaveScreenshot('welcome-narrow-light.png', ALIKE)
    await context.close()
  })

test('a barrier would be seen', async ({ fake }) => {
  const page = await browser.newPage()
  await page.goto(`${fake.url}/wallet/`)
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
  await page.getByRole('button', { name: 'Sign in' }).evaluate((button) => {
    button.textContent = ''
  })
  await page.getByRole('heading', { level: 1 }).evaluate((heading) => {
    heading.style.color = '#bbb'
  })
  const found = (await barriers(page)).map((line) => line.split(':')[0])
  expect(found.sort()).toEqual(['button-name', 'color-contrast'])
  expect((await barriers(page, 'colours')).map((line) => line.split(':')[0])).toEqual(['color-contrast'])
  await page.close()
})

const fileOf = (name: string, size: Size, scheme: Scheme) => `${name.replaceAll(/[ ,]+/g, '-')}-${size}-${scheme}`

/** All states side by side, when this run has drawn them. */
async function keepSheet(scheme: Scheme): Promise<void> {
  const files = STATES.map(({ name }) => ({ name, file: join(PICTURES, `${fileOf(name, 'wide', scheme)}.png`) }))
  if (!DRAWING || !files.every(({ file }) => existsSync(file))) return
  const figures = files.map(({ name, file }) => {
    const data = readFileSync(file).toString('base64')
    return `<figure><img src="data:image/png;base64,${data}"><figcaption>${name}</figcaption></figure>`
  })
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 }, colorScheme: scheme })
  await page.setContent(`<style>
    :root { color-scheme: light dark; background: light-dark(#ddd, #333); font: 13px sans-serif }
    body { display: grid; grid-template-columns: repeat(5, 1fr); gap: 12px; margin: 12px }
    figure { margin: 0 } img { display: block; height: 212px; max-width: 100% } figcaption { padding-top: 4px }
  </style>${figures.join('')}`)
  await page.screenshot({ path: join(SHEETS, `states-${scheme}.jpg`), type: 'jpeg', quality: 72, fullPage: true })
  await page.close()
}
