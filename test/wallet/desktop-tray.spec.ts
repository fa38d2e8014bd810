// A wallet that is in use, and what is beside its page: tray, notifications, other servers.
// owns: the way from the tray to the server, and from one server to another. never: the tray's words (desktop-beside.spec.ts),
// what a server must not learn of another (desktop-session.spec.ts). always true: the brake in the tray works without a look
// at the window, and never lets anything spend.

import type { Page } from '@playwright/test'
import type { Wallet } from '../support/driver.ts'
import { startFake } from './support-server.ts'
import { asked, expect, goTo, offline, test, upToDate } from './support-test.ts'

type Standin = {
  trays: { toolTip: string; menu: { getMenuItemById: (id: string) => { click: () => void } } }[]
  notifications: { title: string; body: string; _choose: (text?: string) => void }[]
}
const tip = (wallet: Wallet) =>
  wallet.main(() => (globalThis as unknown as { standin: Standin }).standin.trays[0]!.toolTip, null)
const told = (wallet: Wallet) =>
  wallet.main(() => {
    const { notifications } = (globalThis as unknown as { standin: Standin }).standin
    return notifications.map(({ title, body }) => `${title}: ${body}`)
  }, null)
const choose = (wallet: Wallet, title: string, text: string) =>
  wallet.main(
    (_electron, [name, words]) => {
      const { notifications } = (globalThis as unknown as { standin: Standin }).standin
      notifications.find((one) => one.title === name)!._choose(words)
    },
    [title, text] as const,
  )
const sent = (seen: { body: unknown }[]) =>
  seen
    .flatMap(({ body }) => (body as { mutations: { name: string; args: object }[] }).mutations)
    .map(({ name, args }) => [name, args])

test('balance, brake and news go between page, tray and server', async ({ fake, enter }) => {
  fake.world.lived({ balance: 12_345_678 })
  const { wallet, page } = await enter()
  test.skip(!wallet.can('recorded'), 'needs the stand-in’s record of what the system would show')
  await expect.poll(() => tip(wallet)).toBe('Quota Wallet · $12.09 available')

  const now = new Date().toISOString()
  const notice = {
    id: 'n1',
    kind: 'limit_80',
    at: now,
    connection_id: 'sketch',
    text: 'Sketchpad has used 80 % of its limit.',
  }
  fake.world.put('notice', 'n1', notice)
  fake.world.topup('top_9', { created_at: now, paid_at: now })
  fake.world.request('r1', 'Sketchpad')
  fake.poke()
  await expect.poll(() => tip(wallet)).toContain('One thing needs you')
  await expect
    .poll(async () => (await told(wallet)).sort())
    .toEqual([
      'A limit is nearly reached: Sketchpad has used 80 % of its limit.',
      'An app asks to be connected: Sketchpad (unverified) asks to be connected; its page shows 47.',
      'Money was added: $8.50 was added to your balance.',
    ])

  const mutations = () => sent(asked(fake, 'POST', '/v1/wallet/mutations'))
  await choose(wallet, 'A limit is nearly reached', 'Pause the app')
  await expect.poll(mutations).toEqual([['connection.pause', { connection_id: 'sketch' }]])
  await choose(wallet, 'An app asks to be connected', 'Refuse')
  await expect.poll(mutations).toHaveLength(2)
  expect(mutations()[1]).toEqual(['request.answer', { uid: 'r1', decision: 'deny' }])
  await wallet.main(() => {
    ;(globalThis as unknown as { standin: Standin }).standin.trays[0]!.menu.getMenuItemById('freeze').click()
  }, null)
  await expect.poll(mutations).toHaveLength(3)
  expect(mutations()[2]).toEqual(['wallet.freeze', {}])
  await expect.poll(() => tip(wallet)).toContain('all spending is stopped')
  expect((await told(wallet)).length, 'each is told once').toBe(3)

  await page.getByRole('link', { name: 'Settings', exact: true }).filter({ visible: true }).first().click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click()
  await expect.poll(() => tip(wallet)).toBe('Quota Wallet')
})

test('a server is added, opened, left with a change that was not sent, and removed with what is named', async ({
  fake,
  enter,
}) => {
  fake.world.lived({ calls: 3 })
  const other = await startFake()
  other.world.lived({ calls: 5 }).profile({ email: 'bob@example.org', name: 'Bob' })
  const { wallet, page } = await enter()
  const section = async (of: Page) => {
    await goTo(of, 'Settings')
    return of.getByRole('region', { name: 'Servers' })
  }
  const goOver = async (from: Page, url: string) => {
    const ended = from.waitForEvent('close')
    await (await section(from)).getByRole('button', { name: `Switch to ${new URL(url).host}` }).click()
    await ended
    return wallet.window()
  }
  const list = await section(page)
  const add = async (address: string) => {
    await list.getByLabel('Address of another server').fill(address)
    await list.getByRole('button', { name: 'Add server' }).click()
  }
  await add('http://wallet.example')
  await expect(list.getByRole('alert')).toHaveText('A server on another machine has to be reached by https.')
  await add(other.url.replace('http://', ''))
  await expect(list.getByRole('alert')).toHaveCount(0)
  await expect(list.getByRole('listitem')).toHaveCount(2)

  const second = await goOver(page, other.url)
  await second.getByText(`Server: ${new URL(other.url).host}`).click() // before anybody is signed in, too
  await expect(second.getByRole('button', { name: `Switch to ${new URL(fake.url).host}` })).toBeVisible()
  await second.getByRole('button', { name: 'Sign in' }).click()
  await wallet.outside()
  await upToDate(second)
  await expect(second.getByText('Bob', { exact: true }).filter({ visible: true })).toBeVisible()
  other.down()
  await offline(second)
  await goTo(second, 'Apps')
  await second
    .getByRole('button', { name: /^Pause/ })
    .first()
    .click()

  const first = await goOver(second, fake.url)
  await upToDate(first) // without a sign-in, and with its own records
  await expect(first.getByText('Ann Lee', { exact: true }).filter({ visible: true })).toBeVisible()
  await (await section(first)).getByRole('button', { name: `Remove ${new URL(other.url).host}` }).click()
  const dialog = first.getByRole('dialog')
  await expect(dialog).toContainText('1 change of bob@example.org was not sent, and is lost.')
  await dialog.getByRole('button', { name: 'Remove it from this device' }).click()
  await expect(dialog).toHaveCount(0)
  await expect(first.getByRole('list', { name: 'Servers' })).toBeFocused()
  await expect((await section(first)).getByRole('listitem')).toHaveCount(1)
  const copies = await first.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))
  expect(copies.filter((name) => name?.includes(new URL(other.url).host))).toEqual([])
  expect(copies.filter((name) => name?.includes(new URL(fake.url).host))).toHaveLength(1)
  await other.close()
})
