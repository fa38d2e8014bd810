// Without a network: everything can be read, edits wait, money does not move.

import { asked, expect, goTo, offline, online, test, upToDate } from './support-test.ts'

test.beforeEach(({ fake }) => {
  fake.world.lived({ calls: 60 })
})

test('after a restart without a network everything is there, marked with since when', async ({ fake, enter }) => {
  const { wallet } = await enter({ restarts: true })
  fake.down()
  await wallet.restart()
  const page = await wallet.window()
  await offline(page)
  await expect(page.getByText(/Offline since \d\d:\d\d\. You see everything as it was then/)).toBeVisible()
  await expect(page.getByLabel('Balance')).toContainText('$12.09')
  await goTo(page, 'Activity')
  await expect(page.getByRole('row').filter({ hasText: 'Parrot Chat' }).first()).toBeVisible()
  await goTo(page, 'Apps')
  await expect(page.getByRole('meter').first()).toBeVisible()
  fake.up()
  await online(page)
  await upToDate(page)
})

test('an edit is kept through a restart, shown as pending, and sent once', async ({ fake, enter }) => {
  const { wallet, page } = await enter({ restarts: true })
  await goTo(page, 'Apps')
  fake.down()
  await offline(page)
  await page.getByRole('listitem', { name: 'Sketchpad' }).getByRole('button', { name: 'Pause' }).click()
  await expect(page.getByRole('listitem', { name: 'Sketchpad' })).toContainText('Saving…')
  await wallet.restart({ kill: true })
  const again = await wallet.window()
  await goTo(again, 'Apps')
  const card = again.getByRole('listitem', { name: 'Sketchpad' })
  await expect(card).toContainText('Paused')
  await expect(card).toContainText('Saving…')
  fake.up()
  await online(again)
  await expect(card.getByText('Saving…')).toHaveCount(0)
  await expect(card).toContainText('Paused')
  const sent = asked(fake, 'POST', '/v1/wallet/mutations').flatMap((r) => (r.body as { mutations: object[] }).mutations)
  expect(sent).toMatchObject([{ mid: 1, name: 'connection.pause' }])
})

test('money cannot be added offline, and the button says so', async ({ fake, enter }) => {
  const { page } = await enter()
  await goTo(page, 'Add money')
  await expect(page.getByRole('button', { name: 'Pay $10.00' })).toBeEnabled()
  fake.down()
  await offline(page)
  await expect(page.getByRole('button', { name: 'Pay $10.00' })).toBeDisabled()
  await expect(page.getByText('Adding money needs a connection.')).toBeVisible()
  await expect(page.getByRole('radio', { name: /Basic: pay \$10\.00, get \$8\.50, fee \$1\.50/ })).toBeChecked()
})

test('a token that is no longer taken pauses and keeps everything', async ({ fake, enter }) => {
  const { page } = await enter()
  fake.refuse = true
  await goTo(page, 'Apps')
  await page.getByRole('listitem', { name: 'Sketchpad' }).getByRole('button', { name: 'Pause' }).click()
  await expect(page.getByRole('alert').filter({ hasText: 'You are signed out.' })).toBeVisible()
  await expect(page.getByRole('listitem', { name: 'Sketchpad' })).toContainText('Saving…')
  await expect(page.getByRole('listitem', { name: 'Sketchpad' })).toContainText('Paused')
})

test('signing out with an unsent change names it, and leaves nothing behind', async ({ fake, enter }) => {
  const { page } = await enter()
  await goTo(page, 'Apps')
  fake.down()
  await offline(page)
  await page.getByRole('listitem', { name: 'Sketchpad' }).getByRole('button', { name: 'Pause' }).click()
  await goTo(page, 'Settings')
  await expect(page.getByText('1 change not with the server yet')).toBeVisible()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('button', { name: 'Sign out and lose 1 change' }).click()
  await expect(page.getByRole('button', { name: 'Create account' })).toBeVisible()
  expect(await page.evaluate(() => localStorage.length)).toBe(0)
  await expect.poll(() => page.evaluate(async () => (await indexedDB.databases()).map((d) => d.name))).toEqual([])
})
