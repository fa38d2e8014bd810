// Money in and back, on a scripted server: what the person is told before anything moves, and what is asked then.

import type { Topup } from '../../server/contract/records.ts'
import { AUTO_TOPUP } from './support-money.ts'
import { asked, expect, goTo, test } from './support-test.ts'

const DAY_MS = 86_400_000
const CARD = { brand: 'visa', last4: '4242' }

test('purchases as they are, a refund with its parts, an automatic top-up, a debt', async ({
  enter,
  fake,
  shellKind,
}) => {
  const bought = (id: string, days: number, change: Partial<Topup> = {}) => {
    const at = new Date(Date.now() - days * DAY_MS).toISOString()
    fake.world.topup(id, { created_at: at, paid_at: at, ...change })
  }
  fake.world.profile()
  bought('top_old', 5)
  bought('top_new', 2, { package_id: 'starter', price_cents: 500, balance_credits: 4_050_000 })
  bought('top_no', 1, { status: 'declined', paid_at: null, failure: 'expired_card', auto: true })
  fake.world.balance(10_000_000)
  fake.script.autoTopup = { ...AUTO_TOPUP, card: CARD }
  const { wallet, page } = await enter()
  await goTo(page, 'Add money')

  await test.step('each purchase says what became of it', async () => {
    const rows = page.getByRole('region', { name: 'Purchases' }).getByRole('listitem')
    await expect(rows).toHaveCount(3)
    await expect(rows.first()).toContainText('Declined')
    await expect(rows.first()).toContainText('the card has expired. Nothing was charged.')
    await rows.nth(2).getByRole('button').click()
    const details = page.getByRole('dialog', { name: 'Purchase' })
    await expect(details).toContainText('Fee in it$1.50')
    await details.getByRole('button', { name: 'Open receipt' }).click()
    if (shellKind === 'desktop')
      await expect.poll(() => wallet.opened()).toContain(`${fake.url}/payments/receipts/top_old`)
    await page.bringToFront()
    await page.keyboard.press('Escape')
  })

  await test.step('a refund lists the oldest unspent purchase first, and asks for what was shown', async () => {
    await page.getByRole('button', { name: 'Refund', exact: true }).click()
    const refund = page.getByRole('dialog', { name: 'Money back to your card' })
    await expect(refund.getByLabel('Amount')).toHaveValue('10')
    await refund.getByLabel('Amount').fill('11')
    await expect(refund.getByRole('alert')).toHaveText('At most $10.00 can go back.')
    await refund.getByLabel('Amount').fill('7')
    const parts = refund.getByRole('list', { name: 'Comes back from' }).getByRole('listitem')
    await expect(parts).toHaveText([/for \$10\.00\$5\.95$/, /for \$5\.00\$1\.05$/])
    await expect(refund).toContainText('Left in your wallet$3.00')
    await refund.getByRole('button', { name: 'Refund $7.00' }).click()
    await expect(refund).toContainText('$7.00 is on its way to your card.')
    const [sent] = asked(fake, 'POST', '/api/payments/refunds')
    expect(sent?.body).toEqual({ amount: 7_000_000 })
    expect(sent?.headers['idempotency-key']).toBeTruthy()
    await refund.getByRole('button', { name: 'Done' }).click()
    fake.poke()
    await expect(page.getByRole('region', { name: 'Purchases' })).toContainText('$5.95 is on its way to your card.')
  })

  await test.step('turning an automatic top-up on asks for the person, where their own sign-in is', async () => {
    const part = page.getByRole('region', { name: 'Automatic top-up' })
    await part.getByRole('button', { name: 'Turn on' }).click()
    await page.getByLabel('At most in a calendar month').fill('20')
    await page.getByRole('button', { name: 'Turn on: $10 below $2' }).click()
    if (shellKind === 'desktop') {
      const link = `${fake.url}/wallet/account?top-up=2000000~basic~2000`
      await expect.poll(() => wallet.opened()).toContain(link)
      await expect(part).toContainText('Go on in your browser')
      expect(fake.script.autoTopup.enabled).toBe(false)
    } else {
      await expect(part).toContainText('$0.00 of $20.00')
      await part.getByRole('button', { name: 'Turn off' }).click()
      await expect(part).toContainText('Off. Visa •••• 4242 is saved')
      expect(fake.script.autoTopup.enabled).toBe(false)
    }
  })

  await test.step('a saved card is removed by who asks twice, and stays while it is being charged', async () => {
    const part = page.getByRole('region', { name: 'Automatic top-up' })
    fake.script.autoTopup = { ...fake.script.autoTopup, today: 1 }
    await part.getByRole('button', { name: 'Remove card' }).click()
    const dialog = page.getByRole('dialog', { name: 'Remove the card' })
    await dialog.getByRole('button', { name: 'Remove Visa •••• 4242' }).click()
    await expect(dialog).toContainText('topup_in_progress')
    expect(fake.script.autoTopup.card).toEqual(CARD)
    fake.script.autoTopup = { ...fake.script.autoTopup, today: 0 }
    await dialog.getByRole('button', { name: 'Remove Visa •••• 4242' }).click()
    await expect(part).toContainText('Off. To use it, save a card')
    await expect(part.getByRole('button')).toHaveCount(0)
    expect(fake.script.autoTopup.card).toBe(null)
  })

  await test.step('a debt says what it means and what settles it', async () => {
    fake.world.put('balance', 'usr_ann', { posted: 0, held: 0, available: 0, debt: 4_210_000 })
    fake.poke()
    await expect(page.getByRole('alert').filter({ hasText: 'You owe $4.21.' })).toBeVisible()
    await expect(page.getByRole('region', { name: 'Buy' })).toContainText('$4.29 is left for your balance')
    await page.getByRole('radio').first().click()
    await expect(page.getByRole('region', { name: 'Buy' })).toContainText('All of it settles what you owe; $0.16 stays')
    await goTo(page, 'Home')
    await expect(page.getByRole('region', { name: 'Needs you' })).toContainText('You owe $4.21.')
  })
})
