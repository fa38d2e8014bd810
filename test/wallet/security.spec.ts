// The account page: a page of the server's own origin, on a real server that is reached by a name, with an
// authenticator that the browser itself simulates. The desktop opens it in the system's browser.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from '@playwright/test'
import { generateSync } from 'otplib'
import { buy } from '../support/api.ts'
import { CHROMIUM_FLAGS, chromiumPath } from '../support/driver-browser.ts'
import { freePort, type Server, startServer } from '../support/server.ts'
import { expect, goTo, test } from './support-test.ts'

const PASSWORD = 'correct horse battery'

test('settings leads there, and says why it is another page', async ({ enter, shellKind, fake }) => {
  const { wallet, page } = await enter()
  await goTo(page, 'Settings')
  const part = page.getByRole('region', { name: 'Security and data' })
  await expect(part).toContainText('that page asks for your own sign-in')
  if (shellKind === 'desktop') {
    await part.getByRole('button', { name: 'Open your account page' }).click()
    await expect.poll(() => wallet.opened()).toContain(`${fake.url}/wallet/account`)
  } else {
    await part.getByRole('link', { name: 'Open your account page' }).click()
    await expect(page).toHaveURL(/\/wallet\/account$/)
  }
})

test.describe('the page itself', () => {
  test.skip(({ shellKind }) => shellKind === 'desktop', 'it is a page of a browser')
  let server: Server
  let browser: Browser
  let url: string
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a hook's needs from its destructured argument
  test.beforeAll(async ({}, { project }) => {
    if (project.name !== 'browser') return
    const port = await freePort()
    url = `http://localhost:${port}`
    server = await startServer({ env: { QUOTA_PORT: String(port), QUOTA_PUBLIC_URL: url } })
    browser = await chromium.launch({ executablePath: await chromiumPath(), args: CHROMIUM_FLAGS })
  })
  test.afterAll(async () => {
    await browser?.close()
    await server?.stop()
  })

  /** A window with an authenticator of its own; nothing may be refused by the page's own policy. */
  const visit = async (path = '/wallet/account'): Promise<Page> => {
    const page = await (await browser.newContext()).newPage()
    page.on('console', (message) => {
      if (/Content Security Policy|Trusted/i.test(message.text())) throw new Error(message.text())
    })
    const devtools = await page.context().newCDPSession(page)
    await devtools.send('WebAuthn.enable')
    await devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
    await page.goto(`${url}${path}`)
    return page
  }
  let people = 0
  const create = async (): Promise<{ page: Page; email: string }> => {
    const email = `person-${people++}@example.org`
    const page = await visit()
    await page.getByRole('button', { name: 'Create an account' }).click()
    await fill(page, email, PASSWORD)
    await page.getByRole('button', { name: 'Create account' }).click()
    await expect(page.getByRole('heading', { name: 'Your account', exact: true })).toBeVisible()
    return { page, email }
  }
  const fill = async (page: Page, email: string, password: string) => {
    await page.getByLabel('E-mail').fill(email)
    await page.getByLabel('Password').fill(password)
  }
  const signOut = async (page: Page) => {
    await page.getByRole('listitem').filter({ hasText: 'This one' }).getByRole('button').click()
    await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
  }
  const mailTo = async (email: string, subject: string): Promise<string> => {
    const folder = join(server.dataDir, 'mails')
    const find = () =>
      readdirSync(folder)
        .map((name) => readFileSync(join(folder, name), 'utf8'))
        .find((mail) => mail.includes(`To: ${email}\n`) && mail.includes(subject))
    await expect.poll(find).toBeTruthy()
    return /http:\S+token=\S+/.exec(find() ?? '')?.[0] ?? ''
  }
  const addApp = async (page: Page): Promise<{ secret: string; codes: string[] }> => {
    await page.getByRole('button', { name: 'Add an authenticator app' }).click()
    await expect(page.getByRole('img', { name: 'QR code for your authenticator app' })).toBeVisible()
    const secret = ((await page.getByRole('dialog').locator('code').textContent()) ?? '').replaceAll(' ', '')
    await page.getByLabel('Code of your authenticator app').fill(code(secret, -1))
    await page.getByRole('button', { name: 'Turn it on' }).click()
    const shown = page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem')
    await expect(shown).toHaveCount(10)
    const codes = await shown.allInnerTexts()
    await page.getByRole('button', { name: 'I have kept them' }).click()
    await expect(page.getByText('10 recovery codes left')).toBeVisible()
    return { secret, codes }
  }
  const code = (secret: string, steps = 0) =>
    generateSync({ secret, epoch: Math.floor(Date.now() / 1000) + steps * 30 })

  test('a passkey is added, signs in without a password, and is removed', async () => {
    const { page, email } = await create()
    await page.getByLabel('Name of the new passkey').fill('Laptop')
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await expect(page.getByText(/^Added .*not used yet$/)).toBeVisible()
    await signOut(page)
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await expect(page.getByRole('heading', { name: 'Your account', exact: true })).toBeVisible()
    await expect(page.getByText(email, { exact: true })).toBeVisible()
    await page.getByRole('button', { name: 'Remove Laptop' }).click()
    await expect(page.getByRole('button', { name: 'Remove Laptop' })).toHaveCount(0)
    await signOut(page)
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await expect(page.getByRole('alert')).toBeVisible()
    await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
  })

  test('an authenticator app is added by its key; then the password alone does not sign in, a used code neither', async () => {
    const { page, email } = await create()
    const { secret, codes } = await addApp(page)
    await signOut(page)
    await fill(page, email, PASSWORD)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await expect(page.getByRole('heading', { name: 'One more step' })).toBeVisible()
    await page.getByLabel('Code of your authenticator app').fill(code(secret, -1))
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await expect(page.getByRole('alert')).toHaveText(/wrong, or was used before/)
    await page.getByRole('button', { name: 'Use a recovery code' }).click()
    await page.getByLabel('Recovery code').fill(codes[0] ?? '')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await expect(page.getByText('9 recovery codes left')).toBeVisible()
  })

  test('what would be hard to undo asks again after five minutes; closing the question changes nothing', async () => {
    const { page } = await create()
    await addApp(page)
    await page.getByRole('button', { name: 'Remove the app' }).waitFor()
    await server.restart({ QUOTA_CLOCK_OFFSET_MS: '301000' })
    await page.getByRole('button', { name: 'Remove the app' }).click()
    const question = page.getByRole('dialog', { name: 'Confirm that it is you' })
    await expect(question).toBeVisible()
    await page.keyboard.press('Escape')
    await expect(question).toHaveCount(0)
    await page.reload()
    await page.getByRole('button', { name: 'Remove the app' }).click()
    await question.getByLabel('Password').fill('not my password')
    await question.getByRole('button', { name: 'Confirm' }).click()
    await expect(question.getByRole('alert')).toHaveText('The password is wrong.')
    await question.getByLabel('Password').fill(PASSWORD)
    await question.getByRole('button', { name: 'Confirm' }).click()
    await expect(page.getByRole('button', { name: 'Add an authenticator app' })).toBeVisible()
    await server.restart({ QUOTA_CLOCK_OFFSET_MS: '0' })
  })

  test('another device is signed out from here', async () => {
    const { page, email } = await create()
    const other = await visit()
    await fill(other, email, PASSWORD)
    await other.getByRole('button', { name: 'Sign in', exact: true }).click()
    await expect(other.getByRole('heading', { name: 'Your account', exact: true })).toBeVisible()
    await page.reload()
    const devices = page.getByRole('list', { name: 'Devices' }).getByRole('listitem')
    await expect(devices).toHaveCount(2)
    await devices.filter({ hasNotText: 'This one' }).getByRole('button').click()
    await expect(devices).toHaveCount(1)
    await other.reload()
    await expect(other.getByRole('heading', { name: 'Sign in' })).toBeVisible()
  })

  test('a lost password: the page says the same for everybody, the mail’s link sets a new one', async () => {
    const { email } = await create()
    const page = await visit('/wallet/account')
    await page.getByRole('link', { name: 'Forgot password?' }).click()
    for (const address of ['nobody@example.org', email]) {
      await page.goto(`${url}/wallet/reset`)
      await page.getByLabel('E-mail').fill(address)
      await page.getByRole('button', { name: 'Send the link' }).click()
      await expect(page.getByRole('status')).toContainText(`If ${address} has an account, a link is on its way.`)
    }
    const link = await mailTo(email, 'Set a new password')
    await page.goto(link)
    await page.getByLabel('New password').fill('short')
    await page.getByRole('button', { name: 'Set password' }).click()
    await expect(page.getByRole('alert')).toHaveText(/at least 8 characters/)
    await page.getByLabel('New password').fill('a quite new password')
    await page.getByRole('button', { name: 'Set password' }).click()
    await expect(page.getByRole('heading', { name: 'Your password is set' })).toBeVisible()
    await page.goto(link)
    await page.getByLabel('New password').fill('another new password')
    await page.getByRole('button', { name: 'Set password' }).click()
    await expect(page.getByRole('alert')).toHaveText(/not valid, or no longer/)
    await page.getByRole('link', { name: 'Ask for a new link' }).click()
    await expect(page.getByRole('heading', { name: 'Forgot your password?' })).toBeVisible()
    await page.goto(`${url}/wallet/account`)
    await fill(page, email, 'a quite new password')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await expect(page.getByRole('heading', { name: 'Your account', exact: true })).toBeVisible()
  })

  test('the address is confirmed by the button behind its link, not by opening it', async () => {
    const { page, email } = await create()
    await expect(page.getByText('Your e-mail address is not confirmed yet.')).toBeVisible()
    const link = await mailTo(email, 'Confirm your e-mail address')
    await page.goto(link)
    await page.reload()
    await page.getByRole('button', { name: 'Confirm' }).click()
    await expect(page.getByRole('heading', { name: 'Confirmed' })).toBeVisible()
    await page.getByRole('link', { name: 'Go to your account' }).click()
    await expect(page.getByRole('heading', { name: 'Your account', exact: true })).toBeVisible()
    await expect(page.getByText('not confirmed yet')).toHaveCount(0)
  })

  test('an account is deleted by typing its address, and by naming what is given up', async () => {
    const { page, email } = await create()
    const session = (await page.context().cookies()).find(({ name }) => name === 'quota_session')?.value ?? ''
    await buy(server, session)
    await page.reload()
    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Export everything' }).click()
    const file = readFileSync(await (await download).path(), 'utf8')
    expect(JSON.parse(file)).toMatchObject({ profile: { email }, topups: [{ balance_credits: 8_500_000 }] })
    await page.getByRole('button', { name: 'Delete account' }).click()
    const remove = page.getByRole('button', { name: 'Delete it' })
    await expect(remove).toBeDisabled()
    await page.getByLabel('Type your e-mail address to confirm').fill(email)
    await expect(remove).toBeDisabled()
    await page.getByLabel('I give up my balance of $8.50').check()
    await page.getByLabel('Type your e-mail address to confirm').fill(`x${email}`)
    await expect(remove).toBeDisabled()
    await page.getByLabel('Type your e-mail address to confirm').fill(email)
    await remove.click()
    await expect(page.getByRole('button', { name: 'Create account' })).toBeVisible()
    await page.goto(`${url}/wallet/account`)
    await fill(page, email, PASSWORD)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await expect(page.getByRole('alert')).toHaveText('The e-mail or the password is wrong.')
  })
})
