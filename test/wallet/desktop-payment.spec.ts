// The payment window: unprivileged, alone, gone when the payment is over.
// owns: its refusals. never: Stripe's page. always true: the wallet's own window is where it was throughout.

import type { Page } from '@playwright/test'
import type { Wallet } from '../support/driver.ts'
import { type FakeServer, startFakeServer } from '../support/driver-oidc.ts'
import { expect, test } from '../support/driver-test.ts'

let fake: FakeServer
test.beforeEach(async () => {
  fake = await startFakeServer()
})
test.afterEach(() => fake.close())

async function pay(wallet: Wallet, path: string): Promise<Page> {
  const page = await wallet.window()
  await page.evaluate(([url, id]) => window.shell!.pay({ topup_id: id, url }), [`${fake.url}${path}`, 't1'] as const)
  await expect.poll(() => wallet.windows().length).toBe(2)
  return wallet.windows().find((one) => one !== page)!
}

const taken = async (wallet: Wallet) => (await wallet.window()).evaluate(() => window.shell!.takeReturn())

test('closes when the page comes back to the wallet, which is told once', async ({ openWallet }) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url })
  const payment = await pay(wallet, '/pay/1')
  expect(await taken(wallet)).toBeNull()
  await payment.locator('#pay').click()
  await expect.poll(() => wallet.windows().length).toBe(1)
  await expect.poll(() => taken(wallet)).toBe('topup:t1')
  expect(await taken(wallet)).toBeNull()
  expect((await wallet.window()).url()).toBe(`${wallet.origin}/wallet/`)
})

test('tells the wallet when the person closes it', async ({ openWallet }) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url })
  const payment = await pay(wallet, '/pay/1')
  await payment.close()
  await expect.poll(() => taken(wallet)).toBe('topup:t1')
})

test('has no bridge, no Node, no new windows, and goes nowhere else', async ({ openWallet }) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url })
  const payment = await pay(wallet, '/pay/1')
  await expect(payment.locator('#away')).toBeVisible()
  const types = await payment.evaluate(() =>
    ['shell', 'require', 'process'].map((name) => typeof Reflect.get(window, name)),
  )
  expect(types).toEqual(['undefined', 'undefined', 'undefined'])
  const state = await payment.evaluate(
    async () => (await navigator.permissions.query({ name: 'persistent-storage' })).state,
  )
  expect(state).toBe('denied')
  for (const id of ['away', 'new']) {
    await payment.locator(`#${id}`).click()
    await payment.waitForTimeout(200)
    expect(payment.url(), id).toBe(`${fake.url}/pay/1`)
  }
  expect(wallet.windows()).toHaveLength(2)
  expect(await wallet.opened()).toEqual([])
})

test('shares no cookie with the wallet or with an earlier payment', async ({ openWallet }) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url })
  for (let i = 0; i < 2; i++) {
    const payment = await pay(wallet, '/cookie')
    await expect(payment).toHaveTitle('Cookie')
    await payment.reload()
    await payment.close()
    await expect.poll(() => wallet.windows().length).toBe(1)
  }
  expect(fake.cookies).toEqual([undefined, 'seen=yes', undefined, 'seen=yes'])
})

test('is not opened for an address that is neither the server’s nor Stripe’s', async ({ openWallet }) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url })
  const page = await wallet.window()
  const urls = [
    fake.url.replace('127.0.0.1', 'localhost'),
    'https://evil.example/',
    'http://checkout.stripe.com/',
    'file:///etc/passwd',
    'app://wallet/wallet/',
    'x',
  ]
  for (const url of urls) {
    const said = page.evaluate((to) => window.shell!.pay({ topup_id: 't1', url: to }), url)
    await expect(said, url).rejects.toThrow('This address is not allowed.')
  }
  expect(wallet.windows()).toHaveLength(1)
  expect(await taken(wallet)).toBeNull()
})

test('says so when nothing answers, and leaves no empty window', async ({ openWallet }) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url })
  const page = await wallet.window()
  await fake.close()
  const said = page.evaluate((url) => window.shell!.pay({ topup_id: 't1', url }), `${fake.url}/pay/1`)
  await expect(said).rejects.toThrow('The payment page cannot be reached.')
  await expect.poll(() => wallet.windows().length).toBe(1)
})
