// What a device does to the copy on it, and what the wallet does for its person there. The same in both shells.

import type { Page } from '@playwright/test'
import { asked, expect, goTo, test, upToDate } from './support-test.ts'

const rows = (page: Page) => page.getByRole('table')
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

test('a copy that is deleted while it is open comes back, and says so', async ({ fake, enter }) => {
  fake.world.lived({ calls: 20 })
  const { page } = await enter()
  await goTo(page, 'Activity')
  await page.evaluate(async () => {
    for (const { name } of await indexedDB.databases()) if (name) indexedDB.deleteDatabase(name)
  })
  await expect(page.getByRole('alert').filter({ hasText: 'This device had lost its copy' })).toBeVisible()
  await expect(rows(page)).toHaveAttribute('aria-rowcount', '20')
  await upToDate(page)
})

test('a full storage: nothing is pretended, and it goes on when there is room', async ({ fake, enter }) => {
  fake.world.lived({ calls: 20 })
  const { page } = await enter()
  await page.evaluate(() => {
    const full = () => {
      throw new DOMException('The storage is full.', 'QuotaExceededError')
    }
    const { put, add } = IDBObjectStore.prototype
    Object.assign(IDBObjectStore.prototype, { put: full, add: full })
    addEventListener('room', () => Object.assign(IDBObjectStore.prototype, { put, add }))
  })
  await goTo(page, 'Apps')
  const card = page.getByRole('listitem', { name: 'Sketchpad' })
  await card.getByRole('button', { name: 'Pause' }).click()
  const alert = page.getByRole('alert').filter({ hasText: 'The storage of this device is full.' })
  await expect(alert).toContainText('Your last change was not kept')
  await expect(card.getByRole('button', { name: 'Pause' })).toBeVisible()
  expect(asked(fake, 'POST', '/v1/wallet/mutations')).toEqual([])
  fake.world.call('sketch')
  await page.evaluate(() => dispatchEvent(new Event('room')))
  await alert.getByRole('button', { name: 'Try now' }).click()
  await expect(alert).toHaveCount(0)
  await goTo(page, 'Activity')
  await expect(rows(page)).toHaveAttribute('aria-rowcount', '21')
})

test('a clock that is an hour ahead hides no request', async ({ fake, enter }) => {
  fake.world.profile()
  fake.world.balance(5_000_000)
  fake.world.request('rq1', 'Deep Reader')
  const { page } = await enter()
  await page.addInitScript((ahead) => {
    const now = Date.now
    Date.now = () => now() + ahead
  }, HOUR_MS)
  await page.reload()
  await upToDate(page)
  await expect(page.getByLabel('Needs you')).toContainText('Deep Reader')
  await goTo(page, 'Settings')
  await expect(page.getByText('This device’s is 60 minutes ahead; the server’s is used')).toBeVisible()
})

test('an app that runs away is paused and asked about; an answer lets it go on', async ({ fake, enter }) => {
  const { world } = fake
  world.profile()
  world.connection('sketch', 'Sketchpad')
  world.connection('parrot', 'Parrot Chat')
  for (const days of [4, 3, 2])
    for (const app of ['sketch', 'parrot']) world.call(app, { at: Date.now() - days * DAY_MS, input: 500_000 })
  world.balance(50_000_000)
  const { page } = await enter()
  world.call('parrot', { input: 400_000 })
  world.call('sketch', { input: 3_000_000 })
  world.call('sketch', { input: 3_000_000 })
  fake.poke()
  const list = page.getByLabel('Needs you')
  await expect(list).toContainText('Sketchpad is paused. It spent $1.08 within ten minutes')
  await expect(list).not.toContainText('Parrot Chat')
  await expect.poll(() => world.doc('connection', 'sketch')).toMatchObject({ status: 'paused' })
  expect(world.doc('connection', 'parrot')).toMatchObject({ status: 'active' })
  await list.getByRole('button', { name: 'Yes, let it go on' }).click()
  await expect(list).not.toContainText('Sketchpad is paused')
  await expect.poll(() => world.doc('connection', 'sketch')).toMatchObject({ status: 'active' })
  world.call('sketch', { input: 1_000_000 })
  fake.poke()
  await goTo(page, 'Activity')
  await expect(rows(page)).toHaveAttribute('aria-rowcount', '10')
  expect(world.doc('connection', 'sketch')).toMatchObject({ status: 'active' })
})

test('a copy of an older shape: unsent changes and choices go over, its figures do not, and it is gone', async ({
  fake,
  openWallet,
  shellKind,
}) => {
  fake.world.profile()
  fake.world.connection('sketch', 'Sketchpad')
  fake.world.balance(5_000_000)
  const wallet = await openWallet({ serverUrl: fake.url })
  const page = await wallet.window()
  const signIn = page.getByRole('button', { name: 'Sign in' })
  await expect(signIn).toBeVisible()
  const host = new URL(fake.url).host
  await page.evaluate(plantOlderCopy, `quota-wallet.1.${host}.usr_ann`)
  await signIn.click()
  if (shellKind === 'desktop') await wallet.outside()
  await upToDate(page)
  await expect(page.getByLabel('Balance')).toContainText('$5.00')
  await goTo(page, 'Apps')
  await expect(page.getByRole('listitem', { name: 'My drawings' })).toBeVisible()
  const sent = asked(fake, 'POST', '/v1/wallet/mutations').map((r) => r.body)
  expect(sent).toMatchObject([{ client: 'older-client', mutations: [{ mid: 1, name: 'connection.rename' }] }])
  await goTo(page, 'Settings')
  await expect(page.getByRole('checkbox', { name: /Runaway guard/ })).not.toBeChecked()
  const names = await page.evaluate(async () => (await indexedDB.databases()).map((d) => d.name))
  expect(names).toEqual([`quota-wallet.2.${host}.usr_ann`])
})

/** What the first shape kept: a log of rows, documents, the outbox and facts about this device. */
function plantOlderCopy(name: string): Promise<void> {
  return new Promise((done, failed) => {
    const asking = indexedDB.open(name, 10)
    asking.onerror = () => failed(asking.error)
    asking.onupgradeneeded = () => {
      const db = asking.result
      db.createObjectStore('docs', { keyPath: ['topic', 'id'] }).put({
        topic: 'balance',
        id: 'usr_ann',
        rev: 3,
        row: { posted: 9_000_000, held: 0, available: 9_000_000 },
      })
      db.createObjectStore('outbox', { keyPath: 'n', autoIncrement: true }).put({
        n: 1,
        mid: 1,
        name: 'connection.rename',
        args: { connection_id: 'sketch', name: 'My drawings' },
        state: 'queued',
        at: 0,
      })
      const meta = db.createObjectStore('meta', { keyPath: 'key' })
      meta.put({ key: 'client', value: { id: 'older-client', next: 2 } })
      meta.put({ key: 'preferences', value: { guard: false } })
      meta.put({ key: 'cursor', value: { cursor: 'of-another-shape', epoch: 'epoch-0', rev: 3, entries: 900 } })
    }
    asking.onsuccess = () => {
      asking.result.close()
      done()
    }
  })
}
