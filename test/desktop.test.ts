// The desktop program's own rules, where they need no window: menus, words of the tray, updates, the start at login.
// owns: tables over src-main's pure parts. never: Electron (the specs drive that). always true: nothing here starts a process.

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { MenuItemConstructorOptions } from 'electron'
import { Returned } from '../server/contract/shell.ts'
import { autostartEntry } from '../src-main/autostart.ts'
import { createReturns } from '../src-main/deeplink.ts'
import { applicationMenu, type MenuActs, type MenuState, trayMenu } from '../src-main/menu.ts'
import { type KeyStore, sealedFile } from '../src-main/sealed.ts'
import { openServers } from '../src-main/servers.ts'
import { createSession } from '../src-main/session.ts'
import { SHORTCUT } from '../src-main/settings.ts'
import { dollars, words } from '../src-main/standing.ts'
import { isNewer, provenRelease, signRelease } from '../src-main/update-proof.ts'
import { mayUpdate, startUpdates, type Updater, type UpdateState } from '../src-main/updates.ts'
import { speak } from '../src-main/words.ts'
import { accountsAmong } from '../src-renderer/db.ts'
import { checkAccelerator } from './support/electron/menus.ts'

// --- menus

const STATE: MenuState = {
  standing: { available: 5_000_000, frozen: false, waiting: 0 },
  preferences: { openAtLogin: false, keepRunning: true, shortcut: false },
  update: { phase: 'off', version: null },
}

/** Every entry of a menu, its submenus included, with what was done by clicking it. */
function entries(items: MenuItemConstructorOptions[]): MenuItemConstructorOptions[] {
  return items.flatMap((item) => [item, ...(Array.isArray(item.submenu) ? entries(item.submenu) : [])])
}

function acts(): { done: string[]; acts: MenuActs } {
  const done: string[] = []
  const note =
    (name: string) =>
    (...args: unknown[]) =>
      void done.push([name, ...args].join(' '))
  const names = ['show', 'go', 'freeze', 'unfreeze', 'set', 'update', 'quit'] as const
  return { done, acts: Object.fromEntries(names.map((name) => [name, note(name)])) as unknown as MenuActs }
}

const clickAll = (items: MenuItemConstructorOptions[]) => {
  for (const { click, enabled = true } of entries(items)) {
    if (enabled) (click as (() => void) | undefined)?.()
  }
}

for (const platform of ['darwin', 'win32', 'linux'] as const) {
  test(`${platform}: the menu has the system's own entries, readable keys, and nothing for developers in a release`, () => {
    const { acts: none } = acts()
    const all = (isPackaged: boolean) => entries(applicationMenu({ platform, isPackaged }, STATE, none))
    const roles = (isPackaged: boolean) => all(isPackaged).flatMap(({ role }) => role ?? [])
    for (const role of ['editMenu', 'windowMenu', 'close', 'quit'] as const) assert.ok(roles(true).includes(role), role)
    for (const role of ['reload', 'toggleDevTools'] as const) {
      assert.ok(!roles(true).includes(role), `${role} in a release`)
      assert.ok(roles(false).includes(role), `${role} while developing`)
    }
    const mac = platform === 'darwin'
    assert.deepEqual(
      (['about', 'services', 'hide', 'hideOthers', 'unhide'] as const).map((role) => roles(true).includes(role)),
      Array(5).fill(mac),
    )
    assert.equal(applicationMenu({ platform, isPackaged: true }, STATE, none)[0]?.label, mac ? 'Quota Wallet' : '&File')
    const keys = all(false).flatMap(({ accelerator }) => accelerator ?? [])
    for (const key of [...keys, SHORTCUT]) checkAccelerator(key)
    assert.equal(new Set(keys).size, keys.length, 'one key, one entry')
    assert.equal(keys.length, 5)
  })
}

test('an entry does what it says, and no two do the same by accident', () => {
  const { done, acts: all } = acts()
  clickAll(applicationMenu({ platform: 'linux', isPackaged: true }, STATE, all))
  const settings = ['set openAtLogin true', 'set keepRunning false', 'set shortcut true']
  const go = ['go home', 'go activity', 'go apps', 'go add-money', 'freeze']
  assert.deepEqual(done, ['go settings', ...settings, ...go])
  done.length = 0
  clickAll(trayMenu(STATE, all))
  assert.deepEqual(done, ['freeze', 'show', ...settings, 'quit'])
})

test('the tray’s entries follow what is the case', () => {
  const { acts: none } = acts()
  const rows: [change: Partial<MenuState>, has: string[], hasNot: string[]][] = [
    [{}, ['freeze'], ['unfreeze', 'waiting', 'update']],
    [{ standing: { available: 1, frozen: true, waiting: 3 } }, ['unfreeze', 'waiting'], ['freeze', 'update']],
    [{ update: { phase: 'ready', version: '0.2.0' } }, ['update'], []],
  ]
  for (const [change, has, hasNot] of rows) {
    const ids = entries(trayMenu({ ...STATE, ...change }, none)).map(({ id }) => id)
    assert.deepEqual([has.filter((id) => !ids.includes(id)), hasNot.filter((id) => ids.includes(id))], [[], []])
  }
  const update = (phase: UpdateState['phase']) =>
    trayMenu({ ...STATE, update: { phase, version: '0.2.0' } }, none).find(({ id }) => id === 'update')
  assert.equal(update('ready')?.label, 'Restart to update to 0.2.0')
  assert.deepEqual(
    [update('looking')?.enabled, update('downloading')?.enabled, update('idle')?.enabled],
    [false, false, true],
  )
  const stop = trayMenu({ ...STATE, standing: null }, none).find(({ id }) => id === 'freeze')
  assert.equal(stop?.enabled, false, 'nobody is signed in: there is nothing to stop')
})

test('menus, tray and their roles are in German where the system is, and in English again', () => {
  const { done, acts: all } = acts()
  const labels = () =>
    entries([...applicationMenu({ platform: 'darwin', isPackaged: false }, STATE, all), ...trayMenu(STATE, all)])
      .filter(({ type }) => type !== 'separator')
      .map(({ label, role }) => label ?? role)
  const english = labels()
  try {
    speak('de-AT')
    const german = labels()
    for (const label of ['Bearbeiten', 'Kopieren', 'Fenster', 'Beenden', '5,00\u00a0$ verfügbar']) {
      assert.ok(german.includes(label), label)
    }
    assert.deepEqual(german.filter((label) => label && english.includes(label)).sort(), ['Apps', 'Quota Wallet'])
  } finally {
    speak('en-US')
  }
  assert.deepEqual(labels(), english)
  assert.deepEqual(done, [])
})

test('the tray shows a balance rounded towards zero, and never more than is there', () => {
  const rows: [micros: number, text: string][] = [
    [0, '$0.00'],
    [9_999, '$0.00'],
    [-9_999, '$0.00'],
    [19_999, '$0.01'],
    [12_345_678, '$12.34'],
    [-5_010_000, '−$5.01'],
    [1_234_567_890_000, '$1,234,567.89'],
    [Number.MAX_SAFE_INTEGER, '$9,007,199,254.74'],
  ]
  for (const [micros, text] of rows) assert.equal(dollars(micros), text)
  assert.equal(
    words({ available: null, frozen: false, waiting: 1 }).tip,
    'Quota Wallet · Balance not known yet · One thing needs you',
  )
})

// --- what waits for the page

test('what is left for the page: each once, oldest first, sixteen at most, and of the closed list', () => {
  let nudges = 0
  const returns = createReturns(() => void nudges++)
  for (let i = 0; i < 20; i++) returns.put(`pause:c${i % 18}`)
  const got: (string | null)[] = []
  for (let one = returns.take(); one !== null; one = returns.take()) got.push(one)
  assert.equal(nudges, 20)
  assert.equal(got.length, 16)
  assert.equal(got.at(-1), 'pause:c1')
  const good = ['freeze:', 'go:add-money', `request:${'a'.repeat(64)}`]
  const bad = ['approve:r1', 'freeze', 'go:/../x', 'go:a b', `pause:${'a'.repeat(65)}`, '', 'request:a\nb', 'xfreeze:']
  assert.deepEqual(
    [good.filter((text) => !Returned.safeParse(text).success), bad.filter((text) => Returned.safeParse(text).success)],
    [[], []],
  )
})

test('a start at login: no path becomes a second word or line', () => {
  assert.match(
    autostartEntry(['/opt/Quota Wallet/quota-wallet']),
    /^Exec="\/opt\/Quota Wallet\/quota-wallet" --hidden$/m,
  )
  assert.match(autostartEntry(['/a"b$c`d\\e%f']), /^Exec="\/a\\"b\\\$c\\`d\\\\e%%f" --hidden$/m)
  assert.throws(() => autostartEntry(['/a\nExec=evil']), /cannot be started at login/)
})

// --- the sealed secret

test('a secret is sealed anew when the system asks for it, and what it seals is no use to another server', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quota-sealed-'))
  after(() => rmSync(folder, { recursive: true }))
  let asksAnew = false
  let sealings = 0
  const keys: KeyStore = {
    isAsyncEncryptionAvailable: async () => true,
    async encryptStringAsync(text) {
      sealings++
      return Buffer.from(text)
    },
    decryptStringAsync: async (bytes) => ({ result: bytes.toString(), shouldReEncrypt: asksAnew }),
  }
  const at = (boundTo: string) => sealedFile(join(folder, 'secret'), { boundTo, keys, platform: 'darwin' })
  assert.equal(await at('https://a').write('the secret'), true)
  const before = readFileSync(join(folder, 'secret'))
  // The system's seal here is none at all: the inner one alone keeps the text away.
  assert.equal(before.includes('the secret'), false)
  assert.equal(await at('https://a').read(), 'the secret')
  assert.deepEqual([await at('https://b').read(), sealings], [null, 1])
  asksAnew = true
  assert.equal(await at('https://a').read(), 'the secret')
  assert.equal(sealings, 2)
  assert.notDeepEqual(readFileSync(join(folder, 'secret')), before)
})

// --- updates

const keys = generateKeyPairSync('ed25519')
const publicKey = keys.publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
const pem = keys.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
const FILE = { url: 'quota-wallet-0.2.0-linux-x64.AppImage', sha512: 'a'.repeat(88) }
const release = (version = '0.2.0', files = [FILE]) => ({
  version,
  files,
  signature: signRelease({ version, files }, pem),
})

test('a release counts when it is newer and our key signed its version, files and hashes', () => {
  const good = release()
  const other = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const rows: [what: string, info: unknown, said: object][] = [
    ['as signed', { ...good, path: 'x', releaseDate: 'today' }, { version: '0.2.0' }],
    ['a changed hash', { ...good, files: [{ ...FILE, sha512: 'b'.repeat(88) }] }, { refused: 'not signed by us' }],
    ['another file', { ...good, files: [{ ...FILE, url: 'evil.AppImage' }] }, { refused: 'not signed by us' }],
    ['a file more', { ...good, files: [FILE, FILE] }, { refused: 'not signed by us' }],
    ['a higher version', { ...good, version: '0.3.0' }, { refused: 'not signed by us' }],
    ['another key', { ...good, signature: signRelease(good, other) }, { refused: 'not signed by us' }],
    ['no signature', { version: '0.2.0', files: [FILE] }, { refused: 'malformed' }],
    ['no files', { ...good, files: [] }, { refused: 'malformed' }],
    ['nothing', null, { refused: 'malformed' }],
    ['the version that runs', release('0.1.0'), { refused: 'not newer' }],
    ['an older one', release('0.0.9'), { refused: 'not newer' }],
    ['a pre-release', release('0.2.0-beta.1'), { refused: 'malformed' }],
  ]
  for (const [what, info, said] of rows)
    assert.deepEqual(provenRelease(info, { publicKey, current: '0.1.0' }), said, what)
})

test('versions are ordered by numbers', () => {
  const newer: [string, string][] = [
    ['0.10.0', '0.9.9'],
    ['1.0.0', '0.99.99'],
    ['0.1.1', '0.1.0'],
  ]
  for (const [a, b] of newer) assert.deepEqual([isNewer(a, b), isNewer(b, a), isNewer(a, a)], [true, false, false], a)
  for (const odd of ['1.0', 'x', '', '1.0.0-rc.1', '1.0.0.0']) assert.equal(isNewer(odd, '0.1.0'), false, odd)
})

test('updates are off while developing, in a sandbox on this machine, and without a key', () => {
  const on = { isPackaged: true, publicKey, server: 'https://wallet.example' }
  assert.equal(mayUpdate(on), true)
  for (const off of [{ isPackaged: false }, { publicKey: '' }, { server: 'http://127.0.0.1:7070' }, { server: 'x' }]) {
    assert.equal(mayUpdate({ ...on, ...off }), false, JSON.stringify(off))
  }
})

/** Stands where electron-updater does: keeps what it is told, and says what a server would have said. */
function fakeUpdater() {
  const heard = new Map<string, (info: unknown) => void>()
  const did: string[] = []
  const note = (name: string) => async () => {
    did.push(name)
    return null
  }
  const updater = {
    autoDownload: true,
    autoInstallOnAppQuit: true,
    allowDowngrade: true,
    allowPrerelease: true,
    disableWebInstaller: false,
    checkForUpdates: note('check'),
    downloadUpdate: note('download'),
    quitAndInstall: () => void did.push('install'),
    on: (event: string, listener: (info: unknown) => void) => void heard.set(event, listener),
  }
  return { updater, did, say: (event: string, info: unknown) => heard.get(event)?.(info) }
}

test('an update is taken when it is proven, and installed when the person says so', () => {
  const { updater, did, say } = fakeUpdater()
  const states: string[] = []
  const changed = ({ phase, version }: UpdateState) => void states.push(`${phase} ${version ?? ''}`.trim())
  const updates = startUpdates(updater as unknown as Updater, { publicKey, current: '0.1.0', changed })
  const { autoDownload, autoInstallOnAppQuit, allowDowngrade, allowPrerelease, disableWebInstaller } = updater
  assert.deepEqual(
    [autoDownload, autoInstallOnAppQuit, allowDowngrade, allowPrerelease, disableWebInstaller],
    [false, false, false, false, true],
  )

  updates.act()
  updates.act() // already looking
  assert.deepEqual(did, ['check'])
  for (const bad of [release('0.0.9'), { ...release(), signature: 'AAAA' }, { version: '9.9.9' }])
    say('update-available', bad)
  assert.deepEqual(did, ['check'], 'nothing that is not proven is downloaded')

  say('update-available', release())
  say('update-downloaded', release('0.3.0')) // signed too, but not the one that was proven
  assert.deepEqual(did, ['check', 'download'])
  assert.equal(updates.state().phase, 'idle')

  say('update-available', release())
  say('update-downloaded', release())
  assert.deepEqual(updates.state(), { phase: 'ready', version: '0.2.0' })
  assert.deepEqual(did, ['check', 'download', 'download'], 'nothing is installed by itself')
  say('error', new Error('the next look failed'))
  assert.equal(updates.state().phase, 'ready', 'what is ready stays ready')
  updates.act()
  assert.deepEqual(did, ['check', 'download', 'download', 'install'])
  assert.deepEqual(
    states.filter((state, i) => state !== states[i - 1]),
    ['looking', 'idle', 'downloading 0.2.0', 'idle', 'downloading 0.2.0', 'ready 0.2.0'],
  )
})

// --- servers

const [OURS, THEIRS, LOCAL] = ['https://a.example', 'https://b.example', 'http://127.0.0.1:7070']

test('a start is for the server of the environment, else for the one chosen; a broken file gives the default', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quota-servers-'))
  after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'servers.json')
  const kept = JSON.stringify({ chosen: THEIRS, known: [OURS, THEIRS] })
  const rows: [content: string | null, env: string, chosen: string, known: string[]][] = [
    [null, '', LOCAL, [LOCAL]],
    [null, OURS, OURS, [OURS]],
    [kept, '', THEIRS, [OURS, THEIRS]],
    [kept, OURS, OURS, [OURS, THEIRS]],
    [kept, `${LOCAL}/wallet`, LOCAL, [LOCAL, OURS, THEIRS]],
    ['{', '', LOCAL, [LOCAL]],
    ['{"chosen":1,"known":[]}', '', LOCAL, [LOCAL]],
    [JSON.stringify({ chosen: 'http://evil.example', known: ['http://evil.example'] }), '', LOCAL, [LOCAL]],
    [JSON.stringify({ chosen: 'https://*', known: ['https://*', `${OURS}/x`, THEIRS, THEIRS] }), '', THEIRS, [THEIRS]],
  ]
  for (const [content, env, chosen, known] of rows) {
    rmSync(file, { force: true })
    if (content !== null) writeFileSync(file, content)
    const servers = openServers(file, { QUOTA_SERVER_URL: env }, async () => 'done')
    assert.deepEqual(servers.list(), { chosen, known }, `${content} ${env}`)
    assert.equal(existsSync(file) ? readFileSync(file, 'utf8') : null, content, 'a start writes nothing')
  }
  for (const bad of ['http://evil.example', 'https://*', 'wallet', 'https://a;b'])
    assert.throws(() => openServers(file, { QUOTA_SERVER_URL: bad }, async () => 'done'), /QUOTA_SERVER_URL/)
})

test('what is chosen outlives a start; adding in a start for another server changes no choice; twenty is the most', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quota-servers-'))
  after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'servers.json')
  const asked: string[] = []
  const open = (env: string, says: 'done' | 'no-server' = 'done') =>
    openServers(file, { QUOTA_SERVER_URL: env }, async (origin) => {
      asked.push(origin)
      return says
    })
  const one = open('')
  assert.equal(await one.add('a.example'), 'done')
  assert.equal(await one.add(' https://A.example:443/wallet '), 'done', 'it is known')
  assert.deepEqual([one.choose(THEIRS), one.choose(OURS), one.remove(OURS)], [false, true, false])
  assert.equal(await open('', 'no-server').add('b.example'), 'no-server')
  assert.deepEqual(asked, [OURS, THEIRS])
  assert.equal(await open(LOCAL).add('b.example'), 'done')
  const two = open('')
  assert.deepEqual(two.list(), { chosen: OURS, known: [LOCAL, OURS, THEIRS] })
  assert.equal(two.remove(LOCAL), true)
  assert.deepEqual(open('').list().known, [OURS, THEIRS])
  for (let i = 0; i < 18; i++) assert.equal(await two.add(`c${i}.example`), 'done')
  assert.equal(await two.add('one-more.example'), 'too-many')
  assert.equal(two.list().known.length, 20)
})

test('a copy belongs to one server: to its very host and port, and to an account whose name is an id', () => {
  const names = [
    'quota-wallet.2.a.example.u_1',
    'quota-wallet.1.a.example.u_2',
    'quota-wallet.2.a.example.com.u_3', // "a.example" must not take it for the copy of its account "com.u_3"
    'quota-wallet.2.a.example:8443.u_4',
    'quota-wallet.2.localhost.u_5',
    'quota-wallet.2.localhost:80.u_6',
    'quota-wallet.2.a.example..u_7',
    'quota-wallet.2.a.example.',
    'elsewhere',
  ]
  const rows: [origin: string, accounts: string[]][] = [
    ['https://a.example', ['u_1', 'u_2']],
    ['https://a.example.com', ['u_3']],
    ['https://a.example:8443', ['u_4']],
    ['https://localhost', ['u_5']],
    ['http://localhost', ['u_6']],
    ['https://a.example.', ['u_7']],
    ['https://example', []],
  ]
  for (const [origin, accounts] of rows) assert.deepEqual(accountsAmong(origin, names), accounts, origin)
})

test('a sign-in that is ended while its server is still being asked opens no browser', async () => {
  const asked = Promise.withResolvers<() => void>()
  const server = createServer((_request, response) => {
    const about = { issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` }
    asked.resolve(() => response.setHeader('content-type', 'application/json').end(JSON.stringify(about)))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  after(() => server.close())
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const browsed: string[] = []
  const session = createSession({
    issuer,
    browse: async (url) => void browsed.push(url),
    kept: { read: async () => null, write: async () => true, clear: async () => {} },
    now: Date.now,
    changed: () => assert.fail('nobody signed in or out'),
  })
  const signedIn = session.signIn()
  const answer = await asked.promise
  session.stop()
  answer()
  assert.deepEqual([await signedIn, browsed], [false, []])
})
