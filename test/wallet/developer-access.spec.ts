// The developers' console for who reads it by ear or by keyboard, light and dark.
// owns: the checker over each of its places. never: what they do (developer.spec.ts). Both shells draw them alike, so it
// runs in a browser alone.

import type { Page } from '@playwright/test'
import { must, type Person, register } from '../support/api.ts'
import { barriers } from '../support/axe.ts'
import { expect, test } from '../support/driver-test.ts'
import { type Server, startServer } from '../support/server.ts'

let server: Server
let person: Person

test.beforeAll(async () => {
  server = await startServer()
  person = await register(server, 'dana')
  await must(server, 'POST', '/developers/apps', {
    bearer: person.session,
    body: { name: 'Parrot Chat', redirect_uris: ['http://127.0.0.1:7080/callback'] },
  })
})
test.afterAll(async () => server?.stop())

test('no serious barrier on any of its places, light or dark', async ({ openWallet }) => {
  const wallet = await openWallet({ serverUrl: server.url })
  const page = await wallet.window()
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByLabel('E-mail').fill(person.email)
  await page.getByLabel('Password').fill(person.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('link', { name: 'Developer' }).filter({ visible: true }).first().click()
  await noBarriers(page)
  await page.getByRole('navigation', { name: 'Developer' }).getByRole('link', { name: 'Apps' }).click()
  await page.getByRole('link', { name: 'Parrot Chat' }).click()
  await expect(page.getByRole('heading', { name: 'Client secret' })).toBeVisible()
  expect(await barriers(page), 'one app').toEqual([])
})

const PLACES = ['Overview', 'Keys', 'Grants', 'Payouts', 'Webhooks', 'Refused calls']

async function noBarriers(page: Page): Promise<void> {
  for (const place of PLACES) {
    await page.getByRole('navigation', { name: 'Developer' }).getByRole('link', { name: place }).click()
    await expect(page.getByRole('status', { name: 'Loading' })).toHaveCount(0)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' }) // no colour is judged on its way
      const found = await barriers(page, colorScheme === 'light' ? 'all' : 'colours')
      expect(found, `${place}, ${colorScheme}`).toEqual([])
    }
  }
}
