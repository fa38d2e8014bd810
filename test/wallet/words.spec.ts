// The wallet in German: the same screens, chosen by the person or by the system, and nothing wider than the window.

import type { Page } from '@playwright/test'
import { expect, goTo, test } from './support-test.ts'

const root = (page: Page) => page.locator('html')

test('German is chosen in Settings, is on every screen, and goes again', async ({ fake, enter }) => {
  fake.world.lived({ calls: 40 })
  const { page } = await enter()
  await goTo(page, 'Settings')
  await expect(root(page)).toHaveAttribute('lang', 'en')
  await page.getByLabel('Language').selectOption('Deutsch')
  await expect(root(page)).toHaveAttribute('lang', 'de')
  await expect(page.getByLabel('Schreibweise von Beträgen')).toContainText('1,23\u00a0$')
  await page.getByLabel('Sprache').selectOption('Wie das System')
  await expect(page.getByLabel('Language')).toHaveValue('')
  await expect(root(page)).toHaveAttribute('lang', 'en')
})
