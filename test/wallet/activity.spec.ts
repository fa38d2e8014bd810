// The usage log and its receipts.

import type { Page } from '@playwright/test'
import { audit, readExport } from '../../src-renderer/audit.ts'
import { expect, goTo, test } from './support-test.ts'

/** The text of the next file that the page hands over. */
const savedFile = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<string>((done) => {
        const make = URL.createObjectURL
        URL.createObjectURL = (file) => {
          URL.createObjectURL = make
          void (file as Blob).text().then(done)
          return make(file)
        }
      }),
  )

test('every column of a charge, and its receipt taken apart and verified', async ({ fake, enter }) => {
  fake.world.profile()
  fake.world.connection('sketch', 'Sketchpad')
  fake.world.call('sketch', { input: 1_000_000, output: 100_000 })
  fake.world.balance(5_000_000)
  const { page } = await enter()
  await goTo(page, 'Activity')
  const row = page.getByRole('row').filter({ hasText: 'Sketchpad' })
  await expect(row).toContainText('1,100,000')
  await expect(row).toContainText('$0.2100') // base: 0.15 + 0.06
  await expect(row).toContainText('$0.0420') // 20 % of it
  await expect(row).toContainText('$0.2520')
  await expect(row.getByText('Verified on this device')).toBeAttached()
  await row.getByRole('button').click()
  const receipt = page.getByRole('dialog')
  await expect(receipt).toContainText('Verified on this device')
  await expect(receipt.getByRole('row', { name: /Markup, 20 %/ })).toContainText('$0.042')
  await expect(receipt.getByRole('row', { name: /Total/ })).toContainText('$0.252')
  await page.keyboard.press('Escape')
  await expect(receipt).toHaveCount(0)
})

test('clock times are told where the days begin: in the account’s time zone, and in its next one', async ({
  fake,
  enter,
}) => {
  fake.world.profile({ time_zone: 'Pacific/Kiritimati' }) // 14 hours ahead of UTC
  fake.world.connection('sketch', 'Sketchpad')
  fake.world.call('sketch', { at: Date.parse('2026-03-26T10:32:00Z') })
  const { page } = await enter()
  await goTo(page, 'Activity')
  const row = page.getByRole('row').filter({ hasText: 'Sketchpad' })
  await expect(page.getByText('Fri, 27 Mar 2026')).toBeVisible()
  await expect(row).toContainText('00:32')
  await row.getByRole('button').click()
  const receipt = page.getByRole('dialog')
  await expect(receipt).toContainText('27 Mar 2026, 00:32:00')
  fake.world.profile({ time_zone: 'Pacific/Pago_Pago' }) // 11 hours behind
  fake.poke()
  await expect(receipt).toContainText('25 Mar 2026, 23:32:00')
  await expect(row).toContainText('23:32')
  await expect(page.getByText('Wed, 25 Mar 2026')).toBeVisible()
})

test('thousands of entries: few rows in the page, the newest first, older ones by scrolling', async ({
  fake,
  enter,
}) => {
  fake.world.lived({ calls: 3000 })
  const { page } = await enter()
  await goTo(page, 'Activity')
  await expect(page.getByRole('table')).toHaveAttribute('aria-rowcount', '3000')
  expect(await page.getByRole('row').count()).toBeLessThan(80)
  await expect(async () => {
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight))
    const last = await page.getByRole('row').last().getAttribute('aria-rowindex')
    expect(Number(last)).toBeGreaterThan(900)
  }).toPass({ timeout: 20_000 })
})

test('the log of one app, in the address', async ({ fake, enter }) => {
  fake.world.lived({ calls: 700 })
  const { page } = await enter()
  await goTo(page, 'Activity')
  await page.getByLabel('App', { exact: true }).selectOption('Parrot Chat')
  await expect(page.getByRole('row').filter({ hasText: 'Parrot Chat' }).first()).toBeVisible()
  await expect(page.getByRole('row').filter({ hasText: 'Sketchpad' })).toHaveCount(0)
  expect(page.url()).toContain('app=app_parrot')
  await page.goBack()
  await expect(page.getByRole('row').filter({ hasText: 'Sketchpad' }).first()).toBeVisible()
})

test('the keyboard walks the rows and opens one', async ({ fake, enter }) => {
  fake.world.lived({ calls: 30 })
  const { page } = await enter()
  await goTo(page, 'Activity')
  await page
    .getByRole('button', { name: /open the receipt/ })
    .first()
    .focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog')).toBeVisible()
  expect(page.url()).toMatch(/entry=\d+/)
})

for (const [forge, says] of [
  ['left out', 'It does not follow the receipt before it'],
  ['signature', 'The signature is not the server’s'],
  ['sum', 'Base and markup do not add up to the total'],
  ['row', 'The receipt and the log disagree'],
  ['chain', 'It does not follow the receipt before it'],
] as const) {
  test(`a forged receipt is shown loudly: ${forge}`, async ({ fake, enter }) => {
    fake.world.profile()
    fake.world.connection('sketch', 'Sketchpad')
    fake.world.call('sketch')
    fake.world.call('sketch', { forge })
    fake.world.call('sketch')
    fake.world.balance(5_000_000)
    const { page } = await enter()
    const alert = page.getByRole('alert').filter({ hasText: 'A receipt does not check out.' })
    await expect(alert).toBeVisible()
    await alert.getByRole('link', { name: 'Look at it' }).click()
    await expect(page.getByRole('dialog').getByRole('alert')).toContainText(says)
    await page.keyboard.press('Escape')
    await expect(page.getByRole('table').getByText('Verified on this device')).toHaveCount(2)
  })
}

test('search and filters find, count and sum; what narrows the log can be taken away singly', async ({
  fake,
  enter,
}) => {
  fake.world.lived({ calls: 60 })
  const { page } = await enter()
  await goTo(page, 'Activity')
  const table = page.getByRole('table')
  await page.getByRole('searchbox').fill('PARROT')
  await expect(table).toHaveAttribute('aria-rowcount', '30')
  await expect(page.getByRole('status').filter({ hasText: '30 calls, $' })).toBeVisible()
  await page.getByRole('button', { name: 'Filters' }).click()
  await page.getByLabel('Model').selectOption('openai/gpt-5-mini')
  await expect(table).toHaveAttribute('aria-rowcount', /^[1-9]$|^1\d$/)
  await page.getByLabel('At least, $').fill('1,000')
  await expect(page.getByText('Nothing found')).toBeVisible()
  await page.getByRole('button', { name: 'Remove: At least $1000' }).click()
  await page.getByRole('button', { name: 'Remove: Model openai/gpt-5-mini' }).click()
  await expect(table).toHaveAttribute('aria-rowcount', '30')
  expect(new URL(page.url()).search).toBe('?q=PARROT')
})

test('a tag stays with a receipt, finds it, and goes; the whole log is a file that the command verifies', async ({
  fake,
  enter,
}) => {
  fake.world.lived({ calls: 5 })
  const { page } = await enter()
  await goTo(page, 'Activity')
  await page
    .getByRole('button', { name: /open the receipt/ })
    .first()
    .click()
  await page.getByLabel('Tags').fill('talk')
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await expect(page.getByRole('button', { name: 'Remove tag talk' })).toBeVisible()
  await page.keyboard.press('Escape')
  await page.getByRole('searchbox').fill('talk')
  await expect(page.getByRole('table')).toHaveAttribute('aria-rowcount', '1')
  await page.getByRole('searchbox').fill('')
  await page.getByRole('button', { name: '5 of 5 charges verified' }).click()
  await expect(page.getByRole('dialog')).toContainText('of')
  await page.keyboard.press('Escape')
  const saved = savedFile(page)
  await page.getByRole('button', { name: 'Export' }).click()
  await page.getByRole('menuitem', { name: /Whole log/ }).click()
  const file = readExport(JSON.parse(await saved))
  if (!file) throw new Error('the export cannot be read')
  expect(await audit(file, file.keys as JsonWebKey[])).toMatchObject({ total: 5, verified: 5, wrong: [] })
})

test('a statement of the month is made without a network', async ({ fake, enter }) => {
  fake.world.lived({ calls: 40 })
  fake.world.connection('wang', '王小明')
  fake.world.call('wang')
  const { page } = await enter()
  await goTo(page, 'Activity')
  await expect(page.getByRole('table')).toHaveAttribute('aria-rowcount', '41')
  fake.down()
  await page.getByRole('button', { name: 'Export' }).click()
  await page.getByRole('menuitem', { name: /Statement/ }).click()
  const dialog = page.getByRole('dialog', { name: 'Statement' })
  await expect(dialog).toContainText('charges verified')
  const saved = savedFile(page)
  await dialog.getByRole('button', { name: 'Save PDF' }).click()
  const file = await saved
  expect(file).toMatch(/^%PDF-1\./)
  expect(file).toContain('%%EOF')
  expect(file).toContain('/Filter /DCTDecode') // the name that Latin letters cannot write is a picture
  await expect(dialog).toHaveCount(0)
})

test('a note stays with a receipt', async ({ fake, enter }) => {
  fake.world.lived({ calls: 3 })
  const { page } = await enter()
  await goTo(page, 'Activity')
  await page
    .getByRole('button', { name: /open the receipt/ })
    .first()
    .click()
  await page.getByLabel('Note').fill('for the talk')
  await page.getByRole('button', { name: 'Save note' }).click()
  await expect
    .poll(() => fake.seen.find((r) => r.path === '/v1/wallet/mutations')?.body)
    .toMatchObject({
      mutations: [{ name: 'receipt.annotate', args: { note: 'for the talk' } }],
    })
  await page.keyboard.press('Escape')
  await page
    .getByRole('button', { name: /open the receipt/ })
    .first()
    .click()
  await expect(page.getByLabel('Note')).toHaveValue('for the talk')
  await page.keyboard.press('Escape')
  await expect(page.getByRole('row').filter({ hasText: 'Verified' })).toHaveCount(3) // counted once
})

test('a note that came with the first page is there, and its call is counted once', async ({ fake, enter }) => {
  fake.world.lived({ calls: 3 })
  const receipt = fake.world.changes.find((c) => c.topic === 'receipt')
  fake.world.put('receipt', receipt?.id ?? '', { ...receipt?.row, note: 'from the other device' })
  const { page } = await enter()
  await goTo(page, 'Activity')
  await expect(page.getByRole('table')).toHaveAttribute('aria-rowcount', '3')
  await page
    .getByRole('button', { name: /open the receipt/ })
    .last()
    .click()
  await expect(page.getByLabel('Note')).toHaveValue('from the other device')
})
