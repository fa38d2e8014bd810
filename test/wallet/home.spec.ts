// Home: the balance as the server said it, where it went, and what waits.

import { expect, goTo, test } from './support-test.ts'
import { cap } from './support-world.ts'

test('an empty wallet invites, and shows no figure that nobody said', async ({ fake, enter }) => {
  fake.world.profile()
  fake.world.balance(0)
  const { page } = await enter()
  await expect(page.getByLabel('Balance')).toContainText('$0.00')
  await expect(page.getByText('Nothing spent yet')).toBeVisible()
  await expect(page.getByLabel('Needs you')).toContainText('You are all set')
})

test('available, reserved and spent are told apart, exact on hover', async ({ fake, enter }) => {
  fake.world.lived({ calls: 40, balance: 12_345_678 })
  const { page } = await enter()
  const balance = page.getByLabel('Balance')
  await expect(balance).toContainText('$12.09')
  await expect(balance.getByTitle('$12.095678')).toBeVisible()
  await expect(balance).toContainText('Reserved$0.25')
  await expect(page.getByText('Test money').filter({ visible: true })).toBeVisible()
})

test('a poke brings the new balance, without a reload', async ({ fake, enter }) => {
  fake.world.lived({ calls: 10 })
  const { page } = await enter()
  fake.world.balance(3_000_000)
  fake.poke()
  await expect(page.getByLabel('Balance')).toContainText('$3.00', { timeout: 10_000 })
})

test('what needs the person: a request, a tight limit, a low balance, a notice', async ({ fake, enter }) => {
  const { world } = fake
  world.profile()
  world.connection('sketch', 'Sketchpad', { caps: [cap(5_000_000, 5_000_000)] })
  world.connection('calm', 'Calm App', { caps: [cap(5_000_000, 100_000)] })
  world.request('rq1', 'Deep Reader')
  world.request('rq2', 'Too Late', { expires_at: new Date(Date.now() - 1000).toISOString() })
  world.put('notice', 'n1', { id: 'n1', kind: 'x', at: new Date().toISOString(), connection_id: null, text: 'A word.' })
  world.balance(400_000)
  const { page } = await enter()
  const list = page.getByLabel('Needs you')
  await expect(list).toContainText('Deep Reader asks to spend up to $8 a month.')
  await expect(list).toContainText('Sketchpad has reached its limit of $5.')
  await expect(list).toContainText('Only $0.40 is left.')
  await expect(list).not.toContainText('Calm App')
  await expect(list).not.toContainText('Too Late')
  await list.getByRole('listitem').filter({ hasText: 'A word.' }).getByRole('button', { name: 'Dismiss' }).click()
  await expect(list).not.toContainText('A word.')
  await goTo(page, 'Apps')
  await goTo(page, 'Home')
  await expect(list).not.toContainText('A word.')
})

test('a request is answered with the limit on the button', async ({ fake, enter }) => {
  fake.world.profile()
  fake.world.balance(5_000_000)
  fake.world.request('rq1', 'Deep Reader')
  const { page } = await enter()
  await page.getByRole('button', { name: 'Answer' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('47')
  await expect(dialog).toContainText('Unverified')
  await dialog.getByLabel('Limit', { exact: true }).fill('2.50')
  await dialog.getByRole('radio', { name: 'Week' }).click()
  await dialog.getByRole('button', { name: 'Allow up to $2.50 a week' }).click()
  await expect(page.getByLabel('Needs you')).not.toContainText('Deep Reader')
  await expect
    .poll(() => fake.seen.find((r) => r.path === '/v1/wallet/mutations')?.body)
    .toMatchObject({
      mutations: [
        {
          mid: 1,
          name: 'request.answer',
          args: { uid: 'rq1', decision: 'approve', caps: [{ amount: 2_500_000, period: 'week' }] },
        },
      ],
    })
})

test('two names of an app that try to look like more are shown plainly', async ({ fake, enter }) => {
  fake.world.profile()
  fake.world.connection('x', 'Quota \u202eOfficial\u202c\u0007')
  fake.world.balance(5_000_000)
  const { page } = await enter()
  await goTo(page, 'Apps')
  await expect(page.getByRole('heading', { level: 2, name: 'Quota Official', exact: true })).toBeVisible()
})
