// What the desktop shows beside the wallet's window: tray, notifications, menu, key, start at login.
// owns: that each does what its words say, and nothing else. never: the wallet's screens. always true: what the operating
// system would have shown is read from the stand-in's record; on the real binary these are skipped by name.

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import type { Shell } from '../../server/contract/shell.ts'
import type { Wallet } from '../support/driver.ts'
import { type FakeServer, startFakeServer } from '../support/driver-oidc.ts'
import { shareBare } from '../support/driver-shared.ts'
import { expect, test } from '../support/driver-test.ts'

type Item = { id?: string; label: string; checked: boolean; enabled: boolean; type: string; click: () => void }
type Standin = {
  trays: {
    toolTip: string
    image: { toPNG: () => Buffer }
    menu: { items: Item[]; getMenuItemById: (id: string) => Item }
  }[]
  notifications: { title: string; body: string; actions: { text: string }[]; _choose: (text?: string) => void }[]
  shortcuts: Map<string, () => void>
  taken: Set<string>
  badge: number
}

const NEEDS = 'needs the stand-in’s record of what the system would show'

let fake: FakeServer
test.beforeAll(async () => {
  fake = await startFakeServer()
})
test.afterAll(async () => {
  await shared.close()
  await fake.close()
})

const shared = shareBare(() => fake.url)

/** A bare wallet, which takes nothing by itself, as nobody has signed in to it. */
async function bare() {
  const { wallet, page } = await shared.take()
  test.skip(!wallet.can('recorded'), NEEDS)
  await show(page, null)
  return { wallet, page }
}

const tray = (wallet: Wallet) =>
  wallet.main(() => {
    const { trays, badge } = (globalThis as unknown as { standin: Standin }).standin
    const [one] = trays
    const items = one!.menu.items.filter(({ type }) => type !== 'separator')
    const labels = items.map(({ label, checked, enabled }) => (checked ? `✓ ${label}` : enabled ? label : `(${label})`))
    return { labels, tip: one!.toolTip, picture: one!.image.toPNG().length, badge }
  }, null)
const click = (wallet: Wallet, id: string) =>
  wallet.main((_electron, name) => {
    ;(globalThis as unknown as { standin: Standin }).standin.trays[0]!.menu.getMenuItemById(name).click()
  }, id)
const isShown = (wallet: Wallet) =>
  wallet.main(({ BrowserWindow }) => BrowserWindow.getAllWindows().map((window) => window.isVisible()), null)
const hide = (wallet: Wallet) => wallet.main(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.hide(), null)
const show = (page: Page, standing: Parameters<Shell['show']>[0]) =>
  page.evaluate((it) => window.shell!.show(it), standing)
const taken = (page: Page) => page.evaluate(() => window.shell!.takeReturn())

test('the tray says how things stand, in words of its own, and has the brake', async () => {
  const { wallet, page } = await bare()
  const program = [
    'Show Quota Wallet',
    'Start with the computer',
    'Keep running when the window is closed',
    'Bring the wallet up by its key',
    'Quit',
  ]
  expect(await tray(wallet)).toMatchObject({
    labels: ['(Nobody is signed in)', '(Stop all spending)', ...program],
    tip: 'Quota Wallet',
    badge: 0,
  })
  const { picture } = await tray(wallet)

  await show(page, { available: 12_349_999, frozen: false, waiting: 2 })
  expect(await tray(wallet)).toMatchObject({
    labels: ['($12.34 available)', '2 things need you', 'Stop all spending', ...program],
    tip: 'Quota Wallet · $12.34 available · 2 things need you',
    badge: 2,
    picture,
  })
  await hide(wallet)
  await click(wallet, 'freeze')
  expect(await taken(page)).toBe('freeze:')
  expect(await isShown(wallet), 'the brake needs no window').toEqual([false])

  await show(page, { available: -1, frozen: true, waiting: 0 })
  const stopped = await tray(wallet)
  expect(stopped).toMatchObject({
    labels: ['($0.00 available · stopped)', 'Allow spending again…', ...program],
    tip: 'Quota Wallet · $0.00 available · all spending is stopped',
    badge: 0,
  })
  expect(stopped.picture).not.toBe(picture)
  await click(wallet, 'unfreeze')
  expect(await taken(page)).toBe('unfreeze:')
  expect(await isShown(wallet), 'to allow again needs a look').toEqual([true])

  await show(page, null)
  expect((await tray(wallet)).labels[0]).toBe('(Nobody is signed in)')
  await hide(wallet)
  await click(wallet, 'show')
  expect(await isShown(wallet)).toEqual([true])
  expect(await taken(page)).toBeNull()
})

test('what was left for the page waits in its order, each once', async () => {
  const { wallet, page } = await bare()
  await show(page, { available: 1, frozen: false, waiting: 1 })
  for (const id of ['freeze', 'waiting', 'freeze']) await click(wallet, id)
  expect([await taken(page), await taken(page), await taken(page)]).toEqual(['freeze:', 'go:home', null])
})

test('a notification has the buttons of its kind, and leaves the page one thing at most', async () => {
  const { wallet, page } = await bare()
  const notices: [
    kind: Parameters<Shell['notify']>[0]['kind'],
    subject: string | null,
    buttons: string[],
    click: string | null,
  ][] = [
    ['limit-near', 'c1', ['Pause the app', 'Look at the limit'], 'app:c1'],
    ['limit-reached', 'c1', ['Look at the limit'], 'app:c1'],
    ['pace', 'c1', ['Look at the app'], 'app:c1'],
    ['request', 'r1', ['Look at it', 'Refuse'], 'request:r1'],
    ['approval', 'a1', ['Look at it', 'Refuse'], 'approval:a1'],
    ['topup', 't1', ['Show'], 'topup:t1'],
    ['other', null, [], null],
    ['limit-near', null, [], null],
  ]
  const choose = (at: number, text?: string) =>
    wallet.main(
      (_electron, [index, words]) => {
        ;(globalThis as unknown as { standin: Standin }).standin.notifications[index]!._choose(words ?? undefined)
      },
      [at, text ?? null] as const,
    )
  for (const [i, [kind, subject, buttons, leads]] of notices.entries()) {
    const text = { kind, subject, title: `Title\u202e${i}`, body: 'a\nb' }
    await page.evaluate((it) => window.shell!.notify(it), text)
    const said = await wallet.main((_electron, index) => {
      const { title, body, actions } = (globalThis as unknown as { standin: Standin }).standin.notifications[index]!
      return { title, body, buttons: actions.map((action) => action.text) }
    }, i)
    expect(said).toEqual({ title: `Title ${i}`, body: 'a b', buttons })
    await hide(wallet)
    await choose(i)
    expect({ kind, held: await taken(page), shown: await isShown(wallet) }).toEqual({
      kind,
      held: leads,
      shown: [true],
    })
    for (const button of buttons) {
      await hide(wallet)
      await choose(i, button)
      const quiet = { 'Pause the app': `pause:${subject}`, Refuse: `refuse:${subject}` }[button]
      const expected = { held: quiet ?? leads, shown: [quiet === undefined] }
      expect({ held: await taken(page), shown: await isShown(wallet) }, `${kind}: ${button}`).toEqual(expected)
    }
  }
})

test('the choices of the desktop are kept, and say what the system said', async ({ openWallet }) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url })
  test.skip(!wallet.can('recorded'), NEEDS)
  const page = await wallet.window()
  const file = join(wallet.userData, 'preferences.json')
  const autostart = join(wallet.userData, 'config/autostart/quota-wallet.desktop')
  const press = () =>
    wallet.main(() => {
      const { shortcuts } = (globalThis as unknown as { standin: Standin }).standin
      const [held] = [...shortcuts.values()]
      held?.()
      return [...shortcuts.keys()]
    }, null)
  const checked = async () => (await tray(wallet)).labels.filter((label) => label.startsWith('✓'))
  expect({ keys: await press(), file: existsSync(file), autostart: existsSync(autostart) }).toEqual({
    keys: [],
    file: false,
    autostart: false,
  })

  // A key that another program holds is not said to be ours.
  const accelerator = 'CommandOrControl+Alt+Shift+Q'
  await wallet.main(
    (_electron, key) => void (globalThis as unknown as { standin: Standin }).standin.taken.add(key),
    accelerator,
  )
  await click(wallet, 'shortcut')
  expect({ checked: await checked(), keys: await press() }).toEqual({ checked: [], keys: [] })
  await wallet.main(
    (_electron, key) => void (globalThis as unknown as { standin: Standin }).standin.taken.delete(key),
    accelerator,
  )

  for (const id of ['shortcut', 'openAtLogin', 'keepRunning']) await click(wallet, id)
  expect(await checked()).toHaveLength(3)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readFileSync(autostart, 'utf8')).toMatch(
    /^\[Desktop Entry\]\nType=Application\nName=Quota Wallet\nExec=".+" ".+" --hidden\n$/,
  )
  await hide(wallet)
  expect(await press()).toEqual([accelerator])
  expect(await isShown(wallet)).toEqual([true])

  // Closing now leaves the wallet in the tray; its page goes on.
  await wallet.main(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.close(), null)
  expect(await isShown(wallet)).toEqual([false])
  expect(await taken(page)).toBeNull()

  await wallet.restart()
  await wallet.window()
  expect(await checked()).toHaveLength(3)
  expect(await press()).toEqual([accelerator])
  await click(wallet, 'openAtLogin')
  expect(existsSync(autostart)).toBe(false)

  writeFileSync(file, '{"openAtLogin":1}')
  await wallet.restart()
  await wallet.window()
  expect(await checked()).toEqual([])
})

test('a start at login shows no window until it is asked for', async ({ openWallet }) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url, args: ['--hidden'] })
  test.skip(!wallet.can('recorded'), NEEDS)
  const page = await wallet.window()
  expect(await isShown(wallet)).toEqual([false])
  expect(await taken(page)).toBeNull()
  await click(wallet, 'show')
  expect(await isShown(wallet)).toEqual([true])
})

test('the menu goes to places of the wallet by their keys', async () => {
  const { wallet, page } = await bare()
  const keys = await wallet.main(({ Menu }) => {
    const go = Menu.getApplicationMenu()!.items.find((item) => item.label === '&Go')!
    const places = go.submenu!.items.filter((item) => item.accelerator)
    for (const item of places) item.click()
    return places.map((item) => item.accelerator)
  }, null)
  expect(keys).toEqual(['CommandOrControl+1', 'CommandOrControl+2', 'CommandOrControl+3', 'CommandOrControl+4'])
  const held: unknown[] = []
  for (let one = await taken(page); one !== null; one = await taken(page)) held.push(one)
  expect(held).toEqual(['go:home', 'go:activity', 'go:apps', 'go:add-money'])
})
