// The desktop program's source and its build: what may not be there at all, and what may be in one place only.
// owns: the static half of the list in docs/electron.md. never: behaviour (the desktop specs). always true: each rule is shown
// a planted violation, so a rule that sees nothing fails too.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildIfStale } from '../src-main/built.ts'

const ROOT = join(import.meta.dirname, '..')
const SOURCES = new Map(
  globSync('src-main/*.ts', { cwd: ROOT }).map((path) => [
    path,
    withoutComments(readFileSync(join(ROOT, path), 'utf8')),
  ]),
)

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}

/** Item of the list, what may not be written, and an example of it. */
const NEVER: [item: number, words: RegExp, planted: string][] = [
  [
    2,
    /appendSwitch|appendArgument|no-sandbox|disable-web-security|remote-debugging|ignore-certificate/,
    "app.commandLine.appendSwitch('x')",
  ],
  [4, /exposeInMainWorld\([^)]*ipcRenderer/, "exposeInMainWorld('shell', { ipcRenderer })"],
  [5, /loadFile\(|file:\/\//, "window.loadFile('index.html')"],
  [6, /bypassCSP|allowServiceWorkers|codeCache/, '{ bypassCSP: true }'],
  [12, /openPath\(|showItemInFolder\(/, "shell.openPath('/x')"],
  [
    15,
    /certificate-error|setCertificateVerifyProc|rejectUnauthorized|NODE_TLS_REJECT_UNAUTHORIZED/,
    "app.on('certificate-error', accept)",
  ],
  [17, /ipcMain\.(?:on|once|handleOnce|addListener)\(/, "ipcMain.on('x', run)"],
  [20, /executeJavaScript|insertCSS|electron\/remote|enableRemoteModule/, "contents.executeJavaScript('1')"],
  [26, /setUsePlainTextEncryption|\.encryptString\(|\.decryptString\(/, 'safeStorage.encryptString(text)'],
  [27, /crashReporter|clipboard\.write|addRecentDocument|console\.log/, 'crashReporter.start()'],
]

for (const [item, words, planted] of NEVER) {
  test(`item ${item}: nothing in src-main says ${words.source.slice(0, 50)}`, () => {
    assert.match(planted, words)
    for (const [path, text] of SOURCES) assert.doesNotMatch(text, words, path)
  })
}

/** What exactly one file may do. */
const ONE_PLACE: [item: number, words: RegExp, home: string][] = [
  [1, /new BrowserWindow\(|new WebContentsView\(|new BrowserView\(/, 'src-main/window.ts'],
  [5, /protocol\.handle\(/, 'src-main/protocol.ts'],
  [11, /setWindowOpenHandler\(/, 'src-main/window.ts'],
  [12, /openExternal\(/, 'src-main/outside.ts'],
  [14, /setPermissionRequestHandler\(/, 'src-main/permissions.ts'],
  [17, /ipcMain\.handle\(/, 'src-main/ipc.ts'],
  [25, /\$\{LINK_SCHEME\}/, 'src-main/deeplink.ts'],
]

for (const [item, words, home] of ONE_PLACE) {
  test(`item ${item}: ${words.source.slice(0, 40)} is written in ${home} alone`, () => {
    assert.deepEqual(
      [...SOURCES].filter(([, text]) => words.test(text)).map(([path]) => path),
      [home],
    )
  })
}

test('item 2: the sandbox is switched on before anything else can be ready', () => {
  const main = SOURCES.get('src-main/main.ts')!
  const at = (words: string) => main.indexOf(words)
  assert.ok(at('app.enableSandbox()') > 0 && at('app.enableSandbox()') < at('requestSingleInstanceLock'))
})

test('items 4 and 34: the preload is one file that loads Electron alone; no build carries a source map', () => {
  buildIfStale()
  const preload = readFileSync(join(ROOT, 'out/preload/preload.cjs'), 'utf8')
  assert.deepEqual(
    globSync('out/preload/**', { cwd: ROOT }).filter((path) => /\.\w+$/.test(path)),
    ['out/preload/preload.cjs'],
  )
  assert.deepEqual(
    [...preload.matchAll(/require\(([^)]*)\)/g)].map(([, what]) => what?.slice(1, -1)),
    ['electron'],
  )
  assert.doesNotMatch(preload, /\bimport\(|\beval\(|new Function/)
  const built = globSync('out/**', { cwd: ROOT }).filter((path) => /\.(?:js|cjs|css|map)$/.test(path))
  assert.ok(built.length > 3)
  assert.deepEqual(
    built.filter((path) => path.endsWith('.map')),
    [],
  )
  for (const path of built)
    assert.doesNotMatch(readFileSync(join(ROOT, path), 'utf8'), /sourceMappingURL=(?!data:)\S+\.map/, path)
})

test('item 36: the version of Electron that is packed is the one that is installed', () => {
  const installed = JSON.parse(readFileSync(join(ROOT, 'node_modules/electron/package.json'), 'utf8')).version
  const config = JSON.parse(readFileSync(join(ROOT, 'src-main/packaging/electron-builder.json'), 'utf8'))
  assert.equal(config.electronVersion, installed)
})
