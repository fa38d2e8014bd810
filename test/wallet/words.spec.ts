// The wallet in German: chosen by its person, on every screen, in a window as narrow as a phone, and gone again.

import type { Page } from '@playwright/test'
import { expect, goTo, test } from './support-test.ts'

const root = (page: Page) => page.locator('html')

async function chooseGerman(page: Page): Promise<void> {
  await goTo(page, 'Settings')
  await page.getByLabel('Language').selectOption('Deutsch')
  await expect(page.getByRole('heading', { level: 1, name: 'Einstellungen' })).toBeVisible()
  await expect(root(page)).toHaveAttribute('lang', 'de')
}

test('German is chosen in Settings, is on every screen, and goes again', async ({ fake, enter }) => {
  fake.world.lived({ calls: 40, balance: 1_234_565_678 })
  const { page } = await enter()
  await expect(root(page)).toHaveAttribute('lang', 'en')
  await chooseGerman(page)
  await expect(page.getByLabel('Schreibweise von Beträgen')).toContainText('1,23\u00a0$')
  await goTo(page, 'Übersicht')
  await expect(page.getByLabel('Guthaben', { exact: true })).toContainText('1.234,31\u00a0$')
  await expect(page.getByLabel('Guthaben', { exact: true }).getByTitle('1234,315678\u00a0$')).toBeVisible()
  await goTo(page, 'Aktivität')
  await expect(page.getByRole('button', { name: '40 von 40 Belastungen geprüft' })).toBeVisible()
  await goTo(page, 'Apps')
  await page.getByRole('listitem', { name: 'Sketchpad' }).getByRole('button', { name: 'Limit ändern' }).click()
  const dialog = page.getByRole('dialog', { name: 'Limit von Sketchpad' })
  const amount = dialog.getByLabel('Limit', { exact: true })
  await amount.fill('1.000')
  await expect(dialog.getByRole('alert')).toContainText('etwa 5 oder 2,50')
  await amount.fill('7,50')
  await expect(dialog.getByRole('button', { name: 'Limit auf 7,50\u00a0$ pro Monat erhöhen' })).toBeEnabled()
  await page.keyboard.press('Escape')
  await goTo(page, 'Einstellungen')
  await page.getByLabel('Sprache').selectOption('Wie das System')
  await expect(page.getByRole('heading', { level: 1, name: 'Settings' })).toBeVisible()
  await expect(root(page)).toHaveAttribute('lang', 'en')
})

test('German fits a window of 320 pixels', async ({ fake, enter }) => {
  fake.world.lived({ calls: 40 })
  fake.world.request('rq1', 'Deep Reader')
  const { page } = await enter()
  await chooseGerman(page)
  await page.setViewportSize({ width: 320, height: 640 })
  for (const place of ['Übersicht', 'Aktivität', 'Apps', 'Aufladen', 'Einstellungen']) {
    await goTo(page, place)
    await expect(page.locator('.skeleton')).toHaveCount(0)
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    expect(overflow, place).toBeLessThanOrEqual(0)
  }
  await goTo(page, 'Aktivität')
  const apps = await page.getByRole('combobox', { name: 'App' }).boundingBox()
  expect(apps?.width, 'there is room for the name of an app').toBeGreaterThan(120)
})
