// Apps: limits, pausing, disconnecting, and what the server refuses.

import type { Page } from '@playwright/test'
import { asked, expect, goTo, test, upToDate } from './support-test.ts'
import { cap } from './support-world.ts'

const card = (page: Page, name: string) => page.getByRole('listitem', { name })

async function setLimit(page: Page, name: string, amount: string, button: string): Promise<void> {
  await card(page, name).getByRole('button', { name: 'Change limit' }).click()
  await page.getByLabel('Limit', { exact: true }).fill(amount)
  await page.getByRole('dialog').getByRole('button', { name: button }).click()
}

test.beforeEach(({ fake }) => {
  fake.world.profile()
  fake.world.connection('sketch', 'Sketchpad', { caps: [cap(5_000_000, 1_250_000)] })
  fake.world.balance(5_000_000)
})

test('a card says the limit, what is used of it, and its pace', async ({ enter }) => {
  const { page } = await enter()
  await goTo(page, 'Apps')
  const meter = card(page, 'Sketchpad').getByRole('meter')
  await expect(meter).toHaveAttribute('aria-valuetext', '$1.25 of $5 spent this month')
  await expect(card(page, 'Sketchpad')).toContainText('20 % markup')
  await expect(card(page, 'Sketchpad')).toContainText(/resets 1 \w+/i)
})

test('lowering applies at once and names no version; raising names the one that was seen', async ({ fake, enter }) => {
  const { page } = await enter()
  await goTo(page, 'Apps')
  await setLimit(page, 'Sketchpad', '2', 'Lower limit to $2 a month')
  await expect(card(page, 'Sketchpad')).toContainText('of $2 this month')
  await expect(card(page, 'Sketchpad').getByText('Saving…')).toHaveCount(0)
  await setLimit(page, 'Sketchpad', '8', 'Raise limit to $8 a month')
  await expect(card(page, 'Sketchpad')).toContainText('of $8 this month')
  await expect(card(page, 'Sketchpad').getByText('Saving…')).toHaveCount(0)
  const sent = asked(fake, 'POST', '/v1/wallet/mutations').map((r) => (r.body as { mutations: object[] }).mutations[0])
  expect(sent).toHaveLength(2)
  expect(sent[0]).not.toHaveProperty('base_version')
  expect(sent[1]).toMatchObject({ mid: 2, base_version: 2 })
})

test('a raise that comes too late is undone, and says why', async ({ fake, enter }) => {
  const { page } = await enter()
  await goTo(page, 'Apps')
  fake.script.mutations.push(() => ({ status: 'rejected', code: 'version_conflict', message: 'x' }))
  await setLimit(page, 'Sketchpad', '9', 'Raise limit to $9 a month')
  await expect(page.getByRole('alert')).toContainText(
    'Limit of Sketchpad to $9 a month. It was changed on another device',
  )
  await expect(card(page, 'Sketchpad')).toContainText('of $5 this month')
  await page.getByRole('button', { name: 'Dismiss' }).click()
  await expect(page.getByRole('alert')).toHaveCount(0)
})

test('amounts that are none are refused before they are sent', async ({ fake, enter }) => {
  const { page } = await enter()
  await goTo(page, 'Apps')
  await card(page, 'Sketchpad').getByRole('button', { name: 'Change limit' }).click()
  const field = page.getByLabel('Limit', { exact: true })
  for (const text of ['', '0', '-3', '1e3', '0.0000001', 'five', '99999999999']) {
    await field.fill(text)
    await expect(page.getByRole('dialog').getByRole('alert')).toContainText('Write an amount in dollars')
    await expect(page.getByRole('dialog').getByRole('button', { name: 'Save limits' })).toBeDisabled()
  }
  await field.fill('5')
  await expect(page.getByRole('dialog').getByRole('button', { name: 'Save limits' })).toBeDisabled() // nothing changes
  expect(asked(fake, 'POST', '/v1/wallet/mutations')).toHaveLength(0)
})

test('a second limit beside the first', async ({ fake, enter }) => {
  const { page } = await enter()
  await goTo(page, 'Apps')
  await card(page, 'Sketchpad').getByRole('button', { name: 'Change limit' }).click()
  await page.getByRole('button', { name: 'Add another limit' }).click()
  await page.getByRole('button', { name: 'Save limits' }).click()
  await expect(card(page, 'Sketchpad').getByRole('meter')).toHaveCount(2)
  await expect
    .poll(() => asked(fake, 'POST', '/v1/wallet/mutations')[0]?.body)
    .toMatchObject({
      mutations: [
        {
          args: {
            caps: [
              { amount: 5_000_000, period: 'month' },
              { amount: 1_000_000, period: 'day' },
            ],
          },
        },
      ],
    })
})

test('pause, resume, rename, disconnect', async ({ fake, enter }) => {
  const { page } = await enter()
  await goTo(page, 'Apps')
  await card(page, 'Sketchpad').getByRole('button', { name: 'Pause' }).click()
  await expect(card(page, 'Sketchpad').getByText('Paused')).toBeVisible()
  await card(page, 'Sketchpad').getByRole('button', { name: 'Resume' }).click()
  await expect(card(page, 'Sketchpad').getByText('Paused')).toHaveCount(0)
  await page.getByRole('button', { name: 'More for Sketchpad' }).click()
  await page.getByRole('menuitem', { name: 'Rename' }).click()
  await page.getByLabel('Your name for it').fill('Drawing')
  await page.getByRole('button', { name: 'Save name' }).click()
  await page.getByRole('button', { name: 'More for Drawing' }).click()
  await page.getByRole('menuitem', { name: 'Disconnect' }).click()
  await page.getByRole('button', { name: 'Disconnect Drawing' }).click()
  await expect(page.getByText('No app is connected')).toBeVisible()
  await expect.poll(() => asked(fake, 'POST', '/v1/wallet/mutations').length).toBeGreaterThan(0)
  await expect.poll(() => fake.world.doc('connection', 'sketch')).toMatchObject({ status: 'revoked', name: 'Drawing' })
  await upToDate(page)
})

test('all spending is stopped with one button, and allowed again', async ({ fake, enter }) => {
  const { page } = await enter()
  await goTo(page, 'Apps')
  await page.getByRole('button', { name: 'Stop all spending' }).click()
  await expect(page.getByText('All spending is stopped.')).toBeVisible()
  await expect.poll(() => fake.world.doc('profile', 'usr_ann')).toMatchObject({ frozen: true })
  await page.getByRole('button', { name: 'Allow spending again' }).click()
  await expect(page.getByText('All spending is stopped.')).toHaveCount(0)
  await expect.poll(() => fake.world.doc('profile', 'usr_ann')).toMatchObject({ frozen: false })
})

test('the history of an app holds its own days, models and calls, and nothing of another', async ({ fake, enter }) => {
  fake.world.connection('parrot', 'Parrot Chat', { status: 'paused' })
  for (let i = 0; i < 12; i++) fake.world.call('sketch', { model: i < 9 ? 0 : 1, input: 1_000_000, output: 0 })
  fake.world.call('parrot', { model: 2 })
  const { page } = await enter()
  await goTo(page, 'Apps')
  await card(page, 'Sketchpad')
    .getByRole('link', { name: /History of Sketchpad/ })
    .click()
  await expect(page.getByRole('heading', { level: 1, name: 'Sketchpad' })).toBeVisible()
  const part = (name: string) => page.getByRole('region', { name })
  await expect(part('By day')).toContainText('12 calls')
  await expect(part('By day').getByRole('img', { name: 'Sketchpad, last 30 days: $2.16' })).toBeVisible()
  await expect(part('By model').getByRole('listitem')).toHaveText([
    /gpt-5-mini\$1.629 calls/,
    /claude-haiku.*\$0.543 calls/,
  ])
  await expect(part('Limits').getByRole('meter')).toHaveAttribute('aria-valuetext', '$1.25 of $5 spent this month')
  await expect(part('Last calls').getByRole('listitem')).toHaveCount(10)
  await expect(page.getByRole('main')).not.toContainText('Parrot Chat')
  await part('Last calls')
    .getByRole('link', { name: /^All 12/ })
    .click()
  await expect(page.getByRole('table')).toHaveAttribute('aria-rowcount', '12')
  expect(page.url()).toContain('app=app_sketch')
})
