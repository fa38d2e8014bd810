// Hard pages: what a copy does when the server, or what lies between, misbehaves.

import type { Page } from '@playwright/test'
import { asked, expect, goTo, online, test, upToDate } from './support-test.ts'
import { World } from './support-world.ts'

test.beforeEach(({ fake }) => {
  fake.world.lived({ calls: 20 })
})

const entries = async (page: Page) => {
  await goTo(page, 'Activity')
  return Number(await page.getByRole('table').getAttribute('aria-rowcount'))
}

test('a page that comes twice counts once', async ({ fake, enter }) => {
  const { page } = await enter()
  const first = fake.world.changes.slice(-6)
  fake.world.call('sketch')
  fake.script.feed.push((p) => ({ ...p, changes: [...first, ...p.changes] }))
  fake.poke()
  await goTo(page, 'Activity')
  await expect(page.getByRole('table')).toHaveAttribute('aria-rowcount', '21')
  await expect(page.getByRole('alert')).toHaveCount(0)
})

for (const [what, script] of [
  ['half a body', 'cut'],
  ['an error of the server', { status: 503, code: 'ledger_unavailable' }],
] as const) {
  test(`${what} changes nothing, and the next try brings it`, async ({ fake, enter }) => {
    const { page } = await enter()
    fake.world.call('sketch')
    fake.script.feed.push(() => script)
    fake.poke()
    await expect.poll(() => fake.script.feed.length).toBe(0)
    await goTo(page, 'Activity')
    await expect(page.getByRole('table')).toHaveAttribute('aria-rowcount', '21', { timeout: 10_000 })
    await upToDate(page)
  })
}

test('a page with a change missing in the middle is not applied', async ({ fake, enter }) => {
  const { page } = await enter()
  fake.world.call('sketch')
  fake.world.call('sketch')
  fake.world.call('sketch')
  const holey = (p: Parameters<(typeof fake.script.feed)[0]>[0]) => ({
    ...p,
    changes: p.changes.filter((_, i) => i !== 1),
  })
  fake.script.feed.push(holey, holey)
  fake.poke()
  await expect(page.getByText('A page of the history came incomplete; asking again.')).toBeVisible()
  expect(await entries(page)).toBe(20)
  await expect(page.getByRole('table')).toHaveAttribute('aria-rowcount', '23', { timeout: 15_000 })
  await upToDate(page)
})

test('a server put back to an older backup is named, with what is gone; the copy is rebuilt', async ({
  fake,
  enter,
}) => {
  const { page } = await enter()
  expect(await entries(page)).toBe(20)
  const kept = fake.world.changes.findIndex(({ topic, id }) => topic === 'receipt' && id === 'req_17')
  fake.world.changes.length = kept
  fake.world.epoch = 'epoch-2'
  fake.poke()
  const alert = page.getByRole('alert').filter({ hasText: 'put back to an earlier state' })
  await expect(alert).toContainText('It held 20 entries before')
  await expect(alert).toContainText(/\d charges \(\$[\d.]+\) from/)
  await expect(alert.getByRole('button', { name: 'Save the proof' })).toBeVisible()
})

test('a server that tells two stories is named, though it still has the same epoch', async ({ fake, enter }) => {
  const { page } = await enter()
  expect(await entries(page)).toBe(20)
  fake.world.changes = []
  fake.world.lastHash = null
  fake.world.lived({ calls: 7, balance: 2_000_000 })
  fake.poke()
  const alert = page.getByRole('alert').filter({ hasText: 'This server tells two stories.' })
  await expect(alert).toContainText('The copy held 20 entries before')
  await expect(page.getByRole('table')).toHaveAttribute('aria-rowcount', '7')
  await goTo(page, 'Home')
  await expect(page.getByLabel('Balance')).toContainText('$1.75')
  await alert.getByRole('button', { name: 'Dismiss' }).click()
  await expect(alert).toHaveCount(0)
})

test('one refused change in the middle does not hold up the others', async ({ fake, enter }) => {
  const { page } = await enter()
  await goTo(page, 'Apps')
  fake.down()
  await page.getByRole('listitem', { name: 'Sketchpad' }).getByRole('button', { name: 'Pause' }).click()
  await page.getByRole('button', { name: 'Stop all spending' }).click()
  await page.getByRole('listitem', { name: 'Parrot Chat' }).getByRole('button', { name: 'Pause' }).click()
  const fine = () => ({})
  fake.script.mutations.push(fine, () => ({ status: 'rejected', code: 'forbidden', message: 'Not today.' }), fine)
  fake.up()
  await online(page)
  await expect(page.getByRole('listitem', { name: 'Parrot Chat' }).getByText('Saving…')).toHaveCount(0)
  await expect(page.getByRole('listitem', { name: 'Parrot Chat' })).toContainText('Paused')
  await expect(page.getByText('All spending is stopped.')).toHaveCount(0)
  await goTo(page, 'Home')
  await expect(page.getByRole('alert').filter({ hasText: 'Stop all spending' })).toContainText('Not today.')
})

test('a server that forgot this device’s numbers gets them anew, once', async ({ fake, enter }) => {
  const { page } = await enter()
  await goTo(page, 'Apps')
  fake.script.mutations.push(() => ({ status: 409, code: 'mutation_gap' }))
  await page.getByRole('listitem', { name: 'Sketchpad' }).getByRole('button', { name: 'Pause' }).click()
  await expect.poll(() => asked(fake, 'POST', '/v1/wallet/mutations').length).toBe(2)
  await expect(page.getByRole('listitem', { name: 'Sketchpad' }).getByText('Saving…')).toHaveCount(0)
  const bodies = asked(fake, 'POST', '/v1/wallet/mutations').map((r) => r.body as { client: string })
  expect(bodies[0]?.client).not.toBe(bodies[1]?.client)
  expect(fake.world.doc('connection', 'sketch')).toMatchObject({ status: 'paused' })
})

test('a balance is never guessed: a pending change leaves it alone', async ({ fake, enter }) => {
  const { page } = await enter()
  fake.script.mutations.push(() => ({ status: 500, code: 'internal_error' }))
  await goTo(page, 'Apps')
  await page.getByRole('listitem', { name: 'Sketchpad' }).getByRole('button', { name: 'Pause' }).click()
  await goTo(page, 'Home')
  await expect(page.getByLabel('Balance')).toContainText('$12.09')
})

test('ten thousand entries: sealed into blocks, counted, and quick to open', async ({ fake, enter }) => {
  test.setTimeout(120_000)
  fake.world.lived({ calls: 10_000 })
  const { wallet, page } = await enter({ restarts: true })
  const held = await page.evaluate(async () => {
    const [info] = await indexedDB.databases()
    const db = await new Promise<IDBDatabase>((done) => {
      const ask = indexedDB.open(info?.name ?? '')
      ask.onsuccess = () => done(ask.result)
    })
    const count = (name: string) =>
      new Promise<number>((done) => {
        const ask = db.transaction(name).objectStore(name).count()
        ask.onsuccess = () => done(ask.result)
      })
    const found = { blocks: await count('blocks'), tail: await count('tail') }
    db.close()
    return found
  })
  expect(held.tail).toBeLessThan(256)
  expect(held.blocks * 128 + held.tail).toBe(10_020)
  await wallet.restart()
  const again = await wallet.window()
  await expect(again.getByLabel('Balance')).toContainText('$12.09', { timeout: 20_000 })
})

test('somebody else’s token never fills this copy: their own is opened', async ({ fake, enter }) => {
  const { wallet } = await enter({ restarts: true })
  const names = async () => {
    const page = await wallet.window()
    const all = await page.evaluate(async () => (await indexedDB.databases()).map((d) => d.name ?? ''))
    return all.map((name) => name.split('.').at(-1)).sort()
  }
  expect(await names()).toEqual(['usr_ann'])
  fake.subject = 'usr_bob'
  fake.world = new World()
  fake.world.profile({ id: 'usr_bob', email: 'bob@example.com', name: 'Bob' })
  fake.world.balance(1_000_000)
  await wallet.restart()
  const page = await wallet.window()
  await expect(page.getByText('Bob', { exact: true })).toBeVisible()
  await expect(page.getByLabel('Balance')).toContainText('$1.00')
  expect(await names()).toEqual(['usr_ann', 'usr_bob'])
  fake.subject = 'usr_ann'
})
