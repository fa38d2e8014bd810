// The desktop shell's frontier, on whichever executable is under test: bridge, calls, navigation, content, files.
// owns: refusals. never: the wallet's screens. always true: a test here fails when the guard it names is taken out, and
// what differs between the stand-in and the real binary shows here first.

import { statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { SHELL_CALLS } from '../../server/contract/shell.ts'
import { checkedOutside, isReturn, mayPayAt, serverOrigin } from '../../src-main/addresses.ts'
import { linkInArguments, readLink } from '../../src-main/deeplink.ts'
import { fileFor } from '../../src-main/files.ts'
import { type FakeServer, startFakeServer } from '../support/driver-oidc.ts'
import { shareBare } from '../support/driver-shared.ts'
import { expect, test } from '../support/driver-test.ts'

let fake: FakeServer
test.beforeAll(async () => {
  fake = await startFakeServer()
})
const shared = shareBare(() => fake.url)
test.afterAll(async () => {
  await shared.close()
  await fake.close()
})

/** Calls a member of the bridge with any arguments; answers the result, or what the refusal said. */
function callShell(page: Page, member: string, ...args: unknown[]): Promise<unknown> {
  return page.evaluate(
    ([name, given]) => {
      const shell = window.shell as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
      return shell[name]!(...given).catch((error: Error) => `refused: ${error.message}`)
    },
    [member, args] as const,
  )
}

test.describe('the bridge', () => {
  test('has exactly the contract’s members, frozen', async () => {
    const { page } = await shared.take()
    const found = await page.evaluate(() => {
      const before = window.shell
      Reflect.set(window, 'shell', { kind: 'browser' })
      Reflect.deleteProperty(window, 'shell')
      return {
        members: Object.keys(window.shell as object).sort(),
        kind: window.shell?.kind,
        same: before === window.shell,
        frozen: Object.isFrozen(window.shell),
        writable: Reflect.set(window.shell as object, 'accessToken', () => 'mine'),
      }
    })
    const members = ['kind', 'on', ...Object.keys(SHELL_CALLS)].sort()
    expect(found).toEqual({ members, kind: 'desktop', same: true, frozen: true, writable: false })
  })

  test('leaves nothing of Node or Electron in the page', async () => {
    const { page } = await shared.take()
    const names = [
      'require',
      'process',
      'module',
      'exports',
      'Buffer',
      'global',
      'ipcRenderer',
      'electron',
      '__dirname',
    ]
    const types = await page.evaluate((list) => list.map((name) => typeof Reflect.get(globalThis, name)), names)
    expect(types).toEqual(names.map(() => 'undefined'))
    const internal = await page.evaluate(() =>
      Object.getOwnPropertyNames(window).filter((name) => /standin|electron/i.test(name)),
    )
    expect(internal).toEqual([])
  })

  test('nudges carry nothing, end when unsubscribed, and have only the contract’s names', async ({ openWallet }) => {
    const wallet = await openWallet({ bare: true, serverUrl: fake.url })
    const page = await wallet.window()
    await page.evaluate(() => {
      const heard: unknown[][] = []
      Object.assign(window, {
        heard,
        stop: window.shell!.on('returned', (...args: unknown[]) => void heard.push(args)),
      })
    })
    const heard = () => page.evaluate(() => (window as unknown as { heard: unknown[] }).heard)
    await wallet.deepLink('quota://request/abc')
    await expect.poll(heard).toEqual([[]])
    await page.evaluate(() => (window as unknown as { stop: () => void }).stop())
    await wallet.deepLink('quota://request/def')
    await expect.poll(() => callShell(page, 'takeReturn')).toBe('request:def')
    expect(await heard()).toEqual([[]])
    const unknown = page.evaluate(() => window.shell!.on('quit' as 'session', () => {}))
    await expect(unknown).rejects.toThrow('The shell has no event "quit".')
  })
})

test.describe('calls', () => {
  test('with wrong arguments are refused, and say nothing of the inside', async () => {
    const { wallet, page, opened } = await shared.take()
    const rows: [member: string, ...args: unknown[]][] = [
      ['apiOrigin', 'extra'],
      ['accessToken', { refresh: true }],
      ['takeReturn', null],
      ['open'],
      ['open', 1],
      ['open', fake.url, fake.url],
      ['open', `https://example.com/${'a'.repeat(2000)}`],
      ['notify', { kind: 'other', subject: null, title: 'x' }],
      ['notify', { kind: 'other', subject: null, title: 'x', body: 'y', icon: 'file:///etc/passwd' }],
      ['notify', { kind: 'other', subject: null, title: 'x'.repeat(81), body: 'y' }],
      ['notify', { kind: 'freeze', subject: null, title: 'x', body: 'y' }],
      ['notify', { kind: 'request', subject: '../x', title: 'x', body: 'y' }],
      ['show', { available: '12', frozen: false, waiting: 0 }],
      ['show', { available: 1.5, frozen: false, waiting: 0 }],
      ['show', { available: 1, frozen: false, waiting: -1 }],
      ['show', { available: 1, frozen: false, waiting: 0, text: 'Pay Eve' }],
      ['pay', fake.url],
      ['pay', { topup_id: 'x', url: fake.url, preload: '/tmp/x.js' }],
      ['signIn', 'https://evil.example'],
      ['changeServer', 'add'],
      ['changeServer', 'own', fake.url],
      ['changeServer', 'choose', fake.url, true],
    ]
    for (const row of rows) {
      const said = await callShell(page, ...row)
      expect(said, JSON.stringify(row)).toMatch(
        /^refused: Error invoking remote method 'shell:\w+': Error: refused: wrong arguments$/,
      )
    }
    expect(await opened()).toEqual([])
    expect(wallet.windows()).toHaveLength(1)
    expect(await callShell(page, 'apiOrigin')).toBe(fake.url)
  })

  test('from another frame, origin or window are refused', async () => {
    const { wallet } = await shared.take()
    // A handler is called as Electron would call it for such a frame: the real thing cannot be had, as the page's policy
    // forbids frames; this is the wall behind that wall.
    const answers = await wallet.main(async ({ ipcMain, webContents }) => {
      type Handler = (event: object, ...args: unknown[]) => Promise<unknown>
      const handlers = (ipcMain as unknown as { _invokeHandlers: Map<string, Handler> })._invokeHandlers
      const sender = webContents.getAllWebContents()[0]!
      const top = { url: 'app://wallet/wallet/', origin: 'app://wallet', parent: null }
      const events: Record<string, object> = {
        ours: { sender, senderFrame: top },
        'frame gone': { sender, senderFrame: null },
        'sub-frame': { sender, senderFrame: { ...top, parent: top } },
        'other scheme': { sender, senderFrame: { ...top, origin: 'https://wallet' } },
        'other host': { sender, senderFrame: { ...top, origin: 'app://evil' } },
        'opaque origin': { sender, senderFrame: { ...top, origin: 'null' } },
        'other window': { sender: { id: 99 }, senderFrame: top },
      }
      const said: Record<string, unknown> = {}
      for (const [name, event] of Object.entries(events)) {
        said[name] = await handlers.get('shell:apiOrigin')!(event).catch((error: Error) => error.message)
      }
      return { said, channels: [...handlers.keys()].sort() }
    }, null)
    const refused = 'refused: not the wallet’s own page'
    expect(answers.said).toEqual({
      ours: fake.url,
      'frame gone': refused,
      'sub-frame': refused,
      'other scheme': refused,
      'other host': refused,
      'opaque origin': refused,
      'other window': refused,
    })
    expect(answers.channels).toEqual(
      Object.keys(SHELL_CALLS)
        .map((name) => `shell:${name}`)
        .sort(),
    )
  })

  test('from a second window with our own preload and page are refused', async ({ openWallet }) => {
    const wallet = await openWallet({ bare: true, serverUrl: fake.url })
    await wallet.window()
    const preload = join(process.env.QUOTA_DESKTOP_APP ?? join(import.meta.dirname, '../..'), 'out/preload/preload.cjs')
    await wallet.main(async ({ BrowserWindow }, path) => {
      const other = new BrowserWindow({ webPreferences: { preload: path, sandbox: true, contextIsolation: true } })
      await other.loadURL('app://wallet/wallet/')
    }, preload)
    await expect.poll(() => wallet.windows().length).toBe(2)
    for (const page of wallet.windows().slice(1)) {
      expect(await callShell(page, 'apiOrigin')).toMatch(/refused: not the wallet/)
      expect(await callShell(page, 'accessToken')).toMatch(/refused: not the wallet/)
    }
  })

  test('faster than a person are refused', async ({ openWallet }) => {
    const wallet = await openWallet({ bare: true, serverUrl: fake.url })
    const page = await wallet.window()
    const said: unknown[] = []
    for (let i = 0; i < 31; i++) said.push(await callShell(page, 'open', 'https://example.com/'))
    expect(said.filter((answer) => String(answer).includes('too many calls'))).toHaveLength(1)
    expect(await wallet.opened()).toHaveLength(30)
  })
})

test.describe('addresses', () => {
  test('leave for the system’s browser only over https, or http on this machine', async () => {
    const { page, opened } = await shared.take()
    const good = ['https://example.com/a?b#c', 'http://127.0.0.1:8080/', 'http://localhost:1/', 'http://[::1]:2/']
    const bad = [
      'http://example.com/',
      'http://127.0.0.1.evil.com/',
      'http://2130706433.evil.com/',
      'javascript:alert(1)',
      'file:///etc/passwd',
      'smb://host/share',
      '\\\\host\\share',
      'https:\\\\host',
      'ms-settings:',
      'vscode://file/etc',
      'quota://request/1',
      'data:text/html,x',
      'mailto:a@b.c',
      'https://user:word@example.com/',
      'https://exa\nmple.com/',
      'https://example.com/\u0000',
      ' https://example.com/',
      'example.com',
      '//example.com',
      '',
    ]
    for (const url of good) expect(await callShell(page, 'open', url), url).toBeUndefined()
    for (const url of bad) expect(checkedOutside(url), url).toBeNull()
    for (const url of bad.slice(0, 12))
      expect(await callShell(page, 'open', url), url).toMatch(/This address is not allowed/)
    expect(await opened()).toEqual(good)
  })

  test('of the server: https, or http on this machine', () => {
    expect(serverOrigin({})).toBeNull()
    expect(serverOrigin({ QUOTA_SERVER_URL: 'https://wallet.example/path/?x#y' })).toBe('https://wallet.example')
    for (const text of [
      'http://wallet.example',
      'ftp://127.0.0.1',
      'https://a:b@wallet.example',
      'wallet',
      'file:///x',
    ]) {
      expect(() => serverOrigin({ QUOTA_SERVER_URL: text }), text).toThrow('QUOTA_SERVER_URL')
    }
  })

  test('of a payment page: the server’s own or Stripe’s', () => {
    const server = 'http://127.0.0.1:7070'
    const at = (text: string) => mayPayAt(new URL(text), server)
    const good = [`${server}/pay/1`, 'https://checkout.stripe.com/c/1', 'https://stripe.com/']
    const bad = [
      'http://127.0.0.1:7071/pay',
      'http://localhost:7070/pay',
      'https://127.0.0.1:7070/pay',
      'http://checkout.stripe.com/',
      'https://stripe.com.evil.com/',
      'https://evilstripe.com/',
      'https://a@checkout.stripe.com/',
      'app://wallet/wallet/',
      'file:///etc/passwd',
    ]
    expect(good.filter((text) => !at(text))).toEqual([])
    expect(bad.filter(at)).toEqual([])
    expect(isReturn(new URL(`${server}/wallet/topup`), server)).toBe(true)
    expect(isReturn(new URL(`${server}/walletx`), server)).toBe(false)
    expect(isReturn(new URL('http://localhost:7070/wallet/topup'), server)).toBe(false)
  })
})

test.describe('navigation', () => {
  const FOREIGN = [
    'app://evil/wallet/',
    'app://wallet.evil/wallet/',
    'app://wallet@evil/wallet/',
    'app://wallet:1/wallet/',
    'https://wallet/wallet/',
    'https://example.com/',
    'http://127.0.0.1:7070/wallet/',
    'javascript:alert(1)',
    'data:text/html,x',
    'blob:https://example.com/1',
    'file:///etc/passwd',
    'about:blank',
    'not an address',
  ]

  test('away from the wallet is prevented, by each of the three events', async () => {
    const { wallet } = await shared.take()
    const went = await wallet.main(({ webContents }, urls) => {
      const contents = webContents.getAllWebContents()[0]!
      const passed: string[] = []
      for (const name of ['will-navigate', 'will-redirect', 'will-frame-navigate']) {
        for (const url of [...urls, 'app://wallet/wallet/apps']) {
          let prevented = false
          const event = { url, isMainFrame: true, preventDefault: () => void (prevented = true) }
          ;(contents as NodeJS.EventEmitter).emit(name, event, url)
          if (!prevented) passed.push(`${name} ${url}`)
        }
      }
      return passed
    }, FOREIGN)
    expect(went).toEqual(
      ['will-navigate', 'will-redirect', 'will-frame-navigate'].map((name) => `${name} app://wallet/wallet/apps`),
    )
  })

  test('tried by a page leaves the page where it is', async () => {
    const { wallet, page } = await shared.take()
    await page.evaluate(() => Object.assign(window, { still: 'here' }))
    const elsewhere = wallet.can('ownScheme') ? 'app://evil/' : 'https://evil.app.standin.invalid/'
    const urls = [
      `${fake.url}/wallet/`,
      elsewhere,
      'javascript:void(window.still = "run")',
      'data:text/html,x',
      'file:///etc/passwd',
    ]
    for (const url of urls) {
      await page.evaluate((to) => void setTimeout(() => window.location.assign(to)), url)
      await page.waitForTimeout(150)
      expect(await page.evaluate(() => Reflect.get(window, 'still')), url).toBe('here')
    }
    await page.evaluate(() => {
      const link = Object.assign(document.createElement('a'), { href: 'http://127.0.0.1:9/', id: 'out' })
      document.body.append(link)
      link.click()
    })
    await page.waitForTimeout(150)
    expect(await page.evaluate(() => Reflect.get(window, 'still'))).toBe('here')
    expect(
      await wallet.main(({ webContents }) => webContents.getAllWebContents().map((one) => one.getURL()), null),
    ).toEqual(['app://wallet/wallet/'])
  })

  test('into a new window is denied', async () => {
    const { wallet, page, opened } = await shared.take()
    const answers = await page.evaluate((url) => {
      const link = Object.assign(document.createElement('a'), {
        href: `${url}/ping`,
        target: '_blank',
        rel: 'noopener',
      })
      const named = Object.assign(document.createElement('a'), {
        href: `${url}/ping`,
        target: 'elsewhere',
        rel: 'noopener',
      })
      document.body.append(link, named)
      link.click()
      named.click()
      return [
        window.open(`${url}/ping`),
        window.open('about:blank', 'x', 'width=1'),
        window.open('app://wallet/wallet/'),
      ]
    }, fake.url)
    expect(answers).toEqual([null, null, null])
    await page.waitForTimeout(300)
    const count = await wallet.main(({ BrowserWindow }) => BrowserWindow.getAllWindows().length, null)
    expect({ windows: count, pages: wallet.windows().length, outside: await opened() }).toEqual({
      windows: 1,
      pages: 1,
      outside: [],
    })
  })
})

test.describe('content', () => {
  test('that is not ours does not run: eval, inline, markup, frames, foreign scripts and hosts', async ({
    openWallet,
  }) => {
    const other = createServer((_request, response) => {
      response.writeHead(200, { 'access-control-allow-origin': '*' }).end('window.foreign = "foreign script"')
    })
    await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening))
    const foreign = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    const page = await (await openWallet({ bare: true, serverUrl: fake.url })).window()
    const found = await page.evaluate(async (url) => {
      const violations: string[] = []
      document.addEventListener('securitypolicyviolation', (event) => violations.push(event.effectiveDirective))
      const attempt = async (act: () => unknown) => {
        try {
          return String(await act())
        } catch (error) {
          return (error as Error).name
        }
      }
      // Outside of the evaluated script, whose own right to eval is DevTools', not the page's.
      const later = (act: () => unknown) => new Promise((resolve) => setTimeout(() => resolve(attempt(act))))
      const results: Record<string, unknown> = {
        eval: await later(() => Reflect.get(window, 'eval')('1+1')),
        function: await later(() => new Function('return 1')()),
        html: await later(() => (document.body.innerHTML += '<img src=x onerror="window.foreign = 1">')),
        fetch: await later(() => fetch(url)),
      }
      // Past the wall of trusted types, as a page that was already broken into would be: the policy still holds.
      type Factory = { createPolicy: (name: string, rules: object) => Record<string, (text: string) => string> }
      const pass = (text: string) => text
      const rules = { createHTML: pass, createScript: pass, createScriptURL: pass }
      const trusted = (Reflect.get(window, 'trustedTypes') as Factory).createPolicy('test', rules)
      const trustedCode = trusted.createScript!('1+1')
      results.trustedEval = await later(() => Reflect.get(window, 'eval')(trustedCode))
      const inline = document.createElement('script')
      inline.textContent = trusted.createScript!('window.foreign = "inline script"')
      const remote = document.createElement('script')
      remote.src = trusted.createScriptURL!(url)
      const markup = document.createElement('div')
      markup.innerHTML = trusted.createHTML!('<img src="x" onerror="window.foreign = \'handler\'"><base href="/x/">')
      const frame = Object.assign(document.createElement('iframe'), { src: '/wallet/' })
      const image = Object.assign(document.createElement('img'), { src: url })
      document.body.append(inline, remote, markup, frame, image)
      await new Promise((resolve) => setTimeout(resolve, 400))
      const inFrame = await attempt(() => typeof Reflect.get(frame.contentWindow as object, 'shell'))
      const server = await window.shell!.apiOrigin()
      const own = await fetch(`${server}/ping`).then((response) => response.json())
      return {
        ...results,
        foreign: Reflect.get(window, 'foreign') ?? 'nothing ran',
        inFrame: inFrame === 'object',
        own,
        violations: [...new Set(violations)].sort(),
      }
    }, foreign)
    other.close()
    expect(found).toMatchObject({
      eval: 'EvalError',
      function: 'EvalError',
      trustedEval: 'EvalError',
      html: 'TypeError',
      fetch: 'TypeError',
      foreign: 'nothing ran',
      inFrame: false,
      own: { pong: true },
    })
    expect(found.violations).toEqual([
      'base-uri',
      'connect-src',
      'frame-src',
      'img-src',
      'require-trusted-types-for',
      'script-src',
      'script-src-attr',
      'script-src-elem',
    ])
  })

  test('asks for the machine in vain, but for the few things the wallet needs', async () => {
    const { page } = await shared.take()
    const names = [
      'geolocation',
      'notifications',
      'camera',
      'microphone',
      'midi',
      'clipboard-read',
      'persistent-storage',
    ]
    const states = await page.evaluate(async (list) => {
      const states = list.map(
        async (name) => (await navigator.permissions.query({ name: name as PermissionName })).state,
      )
      return Object.fromEntries((await Promise.all(states)).map((state, i) => [list[i], state]))
    }, names)
    const denied = Object.fromEntries(names.map((name) => [name, 'denied']))
    expect(states).toEqual({ ...denied, 'persistent-storage': 'granted' })
    const asked = page.evaluate(() =>
      navigator.mediaDevices.getUserMedia({ audio: true }).then(
        () => 'given',
        (error) => error.name,
      ),
    )
    expect(await asked).toMatch(/NotAllowedError|NotFoundError/)
  })

  test('is saved only when the page made it itself', async () => {
    const { wallet } = await shared.take()
    const urls = [
      'blob:app://wallet/1',
      'blob:app://evil/1',
      'https://example.com/a.exe',
      'app://wallet/wallet/',
      'data:,x',
    ]
    const saved = await wallet.main(({ session }, list) => {
      return list.filter((url) => {
        let isPrevented = false
        const event = { preventDefault: () => void (isPrevented = true) }
        ;(session.defaultSession as NodeJS.EventEmitter).emit('will-download', event, { getURL: () => url })
        return !isPrevented
      })
    }, urls)
    expect(saved).toEqual(['blob:app://wallet/1'])
  })

  test('is served from a list: nothing beside it can be named', async ({ openWallet }) => {
    const files = new Map([
      ['index.html', '/i'],
      ['assets/a.js', '/a'],
      ['icon.svg', '/s'],
    ])
    const rows: [address: string, file: string | null][] = [
      ['app://wallet/wallet/', 'index.html'],
      ['app://wallet/wallet/interaction/abc_-1', 'index.html'],
      ['app://wallet/wallet/assets/a.js?v=1#x', 'assets/a.js'],
      ['app://wallet/wallet/icon.svg', 'icon.svg'],
      ['app://wallet/wallet/assets/b.js', null],
      ['app://wallet/wallet/assets/', null],
      ['app://wallet/wallet/package.json', null],
      ['app://wallet/wallet/../package.json', null],
      ['app://wallet/wallet/%2e%2e/package.json', null],
      ['app://wallet/wallet/..%2fpackage.json', null],
      ['app://wallet/wallet/..%5cpackage.json', null],
      ['app://wallet/wallet/assets/..%00a.js', null],
      ['app://wallet/wallet/a%00', null],
      ['app://wallet//etc/passwd', null],
      ['app://wallet/index.html', null],
      ['app://evil/wallet/', null],
      ['app://user@wallet/wallet/', null],
      ['app://wallet:1/wallet/', null],
      ['file:///wallet/', null],
      ['wallet', null],
    ]
    for (const [address, file] of rows) expect(fileFor(address, files), address).toBe(file)
    const wallet = await openWallet({ bare: true, serverUrl: fake.url })
    const page = await wallet.window()
    const status = async (path: string) => (await page.goto(`${wallet.origin}${path}`))?.status()
    expect(await status('/wallet/interaction/abc')).toBe(200)
    expect(await status('/wallet/..%2f..%2fpackage.json')).toBe(404)
    expect(await status('/wallet/assets/none.js')).toBe(404)
  })
})

test.describe('links from other programs', () => {
  test('bring the window to the front and leave an opaque id, once', async ({ openWallet }) => {
    const wallet = await openWallet({ bare: true, serverUrl: fake.url })
    const page = await wallet.window()
    const state = () =>
      wallet.main(({ BrowserWindow }) => {
        const [window, ...others] = BrowserWindow.getAllWindows()
        return { minimized: window!.isMinimized(), visible: window!.isVisible(), others: others.length }
      }, null)
    await wallet.main(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.minimize(), null)
    await wallet.deepLink('quota://request/abc')
    await expect.poll(state).toEqual({ minimized: false, visible: true, others: 0 })
    await expect.poll(() => callShell(page, 'takeReturn')).toBe('request:abc')
    expect(await callShell(page, 'takeReturn')).toBeNull()
    await wallet.deepLink('quota://request/abc?code=stolen&state=x')
    await page.waitForTimeout(200)
    expect(await callShell(page, 'takeReturn')).toBeNull()
  })

  test('are read strictly', () => {
    const rows: [link: string, kept: string | null][] = [
      ['quota://request/abc', 'request:abc'],
      ['quota://topup/01J_x-9', 'topup:01J_x-9'],
      ['QUOTA://request/abc', 'request:abc'],
      ['quota://open', ''],
      ['quota://request/', ''],
      ['quota://request/a/b', ''],
      ['quota://request/abc?code=1', ''],
      ['quota://request/abc#token', ''],
      ['quota://user@request/abc', ''],
      ['quota://request/..%2f', ''],
      [`quota://request/${'a'.repeat(65)}`, ''],
      ['quota://evil/abc', ''],
      [`quota://request/${'a'.repeat(3000)}`, null],
      ['https://request/abc', null],
      ['--quota://request/abc', null],
      ['', null],
    ]
    for (const [link, kept] of rows) expect(readLink(link), link).toBe(kept)
    expect(linkInArguments(['--flag', '/a/file', 'quota://request/1', 'quota://request/2'])).toBe('request:1')
    expect(linkInArguments(['--flag', '/a/file'])).toBeNull()
  })

  test('wait for the page at a cold start', async ({ openWallet }) => {
    const wallet = await openWallet({ bare: true, serverUrl: fake.url, args: ['quota://topup/t1'] })
    expect(await callShell(await wallet.window(), 'takeReturn')).toBe('topup:t1')
  })
})

test.describe('windows', () => {
  test('all have the hardened preferences', async () => {
    const { wallet, page } = await shared.take()
    await callShell(page, 'pay', { topup_id: 't1', url: `${fake.url}/pay/1` })
    const preferences = await wallet.main(({ webContents }) => {
      type WithPreferences = { getLastWebPreferences?: () => Record<string, unknown> }
      return webContents.getAllWebContents().map((one) => (one as WithPreferences).getLastWebPreferences?.() ?? null)
    }, null)
    test.skip(preferences.includes(null), 'this Electron does not tell a window’s preferences')
    expect(preferences).toHaveLength(2)
    for (const found of preferences) {
      expect(found).toMatchObject({
        contextIsolation: true,
        sandbox: true,
        nodeIntegration: false,
        nodeIntegrationInWorker: false,
        nodeIntegrationInSubFrames: false,
        webviewTag: false,
        webSecurity: true,
        allowRunningInsecureContent: false,
        experimentalFeatures: false,
        navigateOnDragDrop: false,
      })
      expect(found).not.toHaveProperty('enableBlinkFeatures')
    }
    expect(preferences.filter((found) => found?.preload)).toHaveLength(1)
  })

  test('open where they were closed, unless that place is gone or the file is broken', async ({ openWallet }) => {
    const wallet = await openWallet({ bare: true, serverUrl: fake.url })
    await wallet.window()
    const file = join(wallet.userData, 'window.json')
    const size = () => wallet.main(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.getBounds(), null)
    await wallet.main(
      ({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.setBounds({ x: 40, y: 50, width: 900, height: 640 }),
      null,
    )
    await wallet.restart()
    expect(await size()).toMatchObject({ x: 40, y: 50, width: 900, height: 640 })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    for (const text of [
      '{"bounds":{"x":30000,"y":0,"width":900,"height":640},"maximized":false}',
      '{"bounds":',
      '[]',
      '{"bounds":{"x":0,"y":0,"width":1,"height":1}}',
    ]) {
      writeFileSync(file, text)
      await wallet.restart({ kill: true })
      expect(await size(), text).toMatchObject({ width: 1120, height: 780 })
    }
  })
})

test.describe('the stand-in', () => {
  test('throws by name for what it does not have', async () => {
    const { wallet } = await shared.take()
    test.skip(!wallet.can('recorded'), 'is about the stand-in')
    const said = await wallet.main((electron) => {
      const message = (act: () => unknown) => {
        try {
          return `silent: ${act()}`
        } catch (error) {
          return (error as Error).message
        }
      }
      const any = electron as unknown as Record<string, Record<string, () => void>>
      const { BrowserWindow } = electron
      return [
        message(() => any.app!.somethingNew!()),
        message(() => any.shell!.openPath!()),
        message(() => BrowserWindow.getAllWindows()[0]!.setOpacity(1)),
        message(() => electron.session.fromPartition('persist:x')),
        message(() => electron.Menu.buildFromTemplate([{ role: 'makeTea' as 'quit' }])),
        message(() => electron.Menu.buildFromTemplate([{ label: 'x', accelerator: 'Hyper+Q' }])),
        message(() => electron.globalShortcut.register('Q+Control', () => {})),
        message(() => new electron.Tray(electron.nativeImage.createEmpty())),
        message(() => new BrowserWindow({ webPreferences: { nodeIntegration: true } })),
        message(() => new BrowserWindow({ webPreferences: { sandbox: false } })),
      ]
    }, null)
    expect(said).toEqual([
      'electron stand-in: app.somethingNew is not implemented',
      'electron stand-in: shell.openPath is not implemented',
      'electron stand-in: BrowserWindow.setOpacity is not implemented',
      "electron stand-in: session.fromPartition('persist:x') on disk is not implemented",
      'Unknown role: makeTea',
      'conversion failure from Hyper+Q',
      'conversion failure from Q+Control',
      'Failed to load image',
      'electron stand-in: webPreferences.nodeIntegration: true is not implemented',
      'electron stand-in: webPreferences.sandbox: false is not implemented',
    ])
  })
})
