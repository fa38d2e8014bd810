// The tray and the notifications of a wallet that is in use: what the page tells the shell, and what comes back.
// owns: the way from the tray to the server. never: the tray's words (desktop-beside.spec.ts). always true: the brake in the
// tray works without a look at the window, and never lets anything spend.

import type { Wallet } from '../support/driver.ts'
import { asked, expect, test } from './support-test.ts'

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
