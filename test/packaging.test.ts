// How the desktop program is packed, checked as far as it can be without packing it.
// owns: electron-builder's configuration against its own schema and our code; the icons; what goes into the archive.
// never: Electron's binary, or electron-builder (src-main/packaging/ has that). always true: a name that two places know is
// compared here.

import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, matchesGlob } from 'node:path'
import { after, test } from 'node:test'
import { Ajv } from 'ajv'
import { ICNS_TYPES, ICO_SIZES, LINUX_SIZES } from '../src-main/packaging/draw-icons.ts'
import { whyNotPacked } from '../src-main/packaging/electron-age.ts'
import { signFile } from '../src-main/packaging/sign-release.ts'
import { APP_ID, LINK_SCHEME, PRODUCT } from '../src-main/settings.ts'
import { provenRelease } from '../src-main/update-proof.ts'

const ROOT = join(import.meta.dirname, '..')
const PACKAGING = join(ROOT, 'src-main/packaging')
const json = (path: string) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'))
const config = json('src-main/packaging/electron-builder.json')
const manifest = json('package.json')

test('the configuration is one that electron-builder understands, with no word it does not know', () => {
  const valid = new Ajv({ strict: false, allErrors: true }).compile(json('test/support/electron-builder.schema.json'))
  assert.equal(valid(config), true, JSON.stringify(valid.errors))
  for (const planted of [
    { fuses: {} },
    { asar: 'yes' },
    { electronFuses: { runAsNod: false } },
    { linux: { target: 5 } },
  ]) {
    assert.equal(valid({ ...config, ...planted }), false, JSON.stringify(planted))
  }
  const tool = json('src-main/packaging/package.json').devDependencies['electron-builder']
  assert.match(tool, /^\d+\.\d+\.\d+$/, 'one version packs')
})

test('names are those of the code: id, product, protocol, version of Electron', () => {
  assert.deepEqual([config.appId, config.productName], [APP_ID, PRODUCT])
  assert.deepEqual(
    config.protocols.flatMap(({ schemes }: { schemes: string[] }) => schemes),
    [LINK_SCHEME],
  )
  const { electron } = manifest.devDependencies
  assert.equal(`^${config.electronVersion}`, electron)
  const standIn = readFileSync(join(ROOT, 'test/support/electron/launch.ts'), 'utf8')
  assert.ok(standIn.includes(`ELECTRON_VERSION = '${config.electronVersion}'`), 'the stand-in says another version')
})

test('fuses, integrity of the archive and signing are on; nothing is downloaded at installation', () => {
  assert.deepEqual(config.electronFuses, {
    runAsNode: false,
    enableCookieEncryption: true,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
    loadBrowserProcessSpecificV8Snapshot: false,
    grantFileProtocolExtraPrivileges: false,
  })
  assert.deepEqual([config.asar, config.disableAsarIntegrity, config.asarUnpack], [true, false, undefined])
  const { hardenedRuntime, notarize, forceCodeSigning } = config.mac
  assert.deepEqual([hardenedRuntime, notarize, forceCodeSigning], [true, true, true])
  assert.deepEqual([config.win.forceCodeSigning, config.win.verifyUpdateCodeSignature], [true, true])
  assert.deepEqual(config.win.target, ['nsis'])
  assert.deepEqual(
    [config.linux.target, config.mac.target],
    [
      ['AppImage', 'deb'],
      ['dmg', 'zip'],
    ],
  )
  // biome-ignore lint/suspicious/noTemplateCurlyInString: electron-builder fills it in
  assert.deepEqual(config.publish, [{ provider: 'generic', url: '${env.QUOTA_UPDATE_URL}', channel: 'latest' }])
})

test('the program asks the hardened runtime for nothing but compiling', () => {
  const text = readFileSync(join(PACKAGING, 'entitlements.mac.plist'), 'utf8')
  assert.deepEqual(
    [...text.matchAll(/<key>(.*?)<\/key>\s*<true\/>/g)].map(([, key]) => key),
    ['com.apple.security.cs.allow-jit'],
  )
  for (const kind of ['entitlements', 'entitlementsInherit']) {
    assert.equal(join(ROOT, config.mac[kind]), join(PACKAGING, 'entitlements.mac.plist'))
  }
})

/** As electron-builder reads its list: the last pattern that says something about a path decides. */
function isPacked(path: string): boolean {
  let packed = false
  for (const pattern of config.files as string[]) {
    if (pattern.startsWith('!') ? matchesGlob(path, pattern.slice(1)) : matchesGlob(path, pattern))
      packed = !pattern.startsWith('!')
  }
  return packed
}

test('the archive holds what was built, and nothing of how', () => {
  const inside = [
    manifest.main,
    'package.json',
    'out/main/main.js',
    'out/main/chunks/a.js',
    'out/preload/preload.cjs',
    'out/renderer/index.html',
    'out/renderer/assets/a.css',
  ]
  const outside = [
    'src-main/main.ts',
    'server/main.ts',
    'test/run.ts',
    'data/quota.sqlite',
    'out/main/main.js.map',
    'out/renderer/assets/a.js.map',
    'out/main/.env',
    'out/renderer/node_modules/x/index.js',
    '.env',
    'node_modules/pg/index.js',
    'docs/decisions.md',
  ]
  assert.deepEqual([inside.filter((path) => !isPacked(path)), outside.filter(isPacked)], [[], []])
  assert.equal(manifest.dependencies, undefined, 'what main needs is bundled into it: an archive has no node_modules')
})

const png = (bytes: Buffer) => {
  assert.equal(bytes.subarray(1, 4).toString('latin1'), 'PNG')
  return [bytes.readUInt32BE(16), bytes.readUInt32BE(20)]
}

test('there is an icon for every size that a platform asks for', () => {
  const folder = join(PACKAGING, config.linux.icon)
  const sizes = readdirSync(folder).map((name) => {
    const [width, height] = png(readFileSync(join(folder, name)))
    assert.equal(name, `${width}x${height}.png`)
    return width
  })
  assert.deepEqual(
    sizes.sort((a, b) => a! - b!),
    LINUX_SIZES,
  )

  const ico = readFileSync(join(PACKAGING, config.win.icon))
  assert.deepEqual([ico.readUInt16LE(0), ico.readUInt16LE(2), ico.readUInt16LE(4)], [0, 1, ICO_SIZES.length])
  for (const [i, size] of ICO_SIZES.entries()) {
    const at = ico.readUInt32LE(6 + 16 * i + 12)
    assert.deepEqual(png(ico.subarray(at, at + ico.readUInt32LE(6 + 16 * i + 8))), [size, size])
  }

  const icns = readFileSync(join(PACKAGING, config.mac.icon))
  assert.deepEqual([icns.subarray(0, 4).toString(), icns.readUInt32BE(4)], ['icns', icns.length])
  const found: Record<string, number> = {}
  for (let at = 8; at < icns.length; at += icns.readUInt32BE(at + 4)) {
    found[icns.subarray(at, at + 4).toString()] = png(icns.subarray(at + 8))[0]!
  }
  assert.deepEqual(found, ICNS_TYPES)
  for (const tray of ['tray', 'tray-stopped', 'tray-template']) {
    assert.deepEqual(png(readFileSync(join(ROOT, 'src-main', `${tray}.png`))), [32, 32])
  }
})

test('a release is signed over what lies beside its description, once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quota-release-'))
  after(() => rmSync(folder, { recursive: true }))
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const key = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const program = Buffer.from('the program')
  const sha512 = createHash('sha512').update(program).digest('base64')
  const file = join(folder, 'latest-linux.yml')
  const describeRelease = (hash: string) =>
    writeFileSync(
      file,
      `version: 0.2.0\nfiles:\n  - url: a.AppImage\n    sha512: ${hash}\n    size: 11\npath: a.AppImage\nsha512: ${hash}\n`,
    )
  writeFileSync(join(folder, 'a.AppImage'), program)
  describeRelease('A'.repeat(88))
  assert.throws(() => signFile(file, key), /another a\.AppImage/)
  describeRelease(sha512)
  signFile(file, key)
  assert.throws(() => signFile(file, key), /signed already/)
  const signature = /^signature: (.+)$/m.exec(readFileSync(file, 'utf8'))?.[1]
  const spki = publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
  const info = { version: '0.2.0', files: [{ url: 'a.AppImage', sha512 }], signature }
  assert.deepEqual(provenRelease(info, { publicKey: spki, current: '0.1.0' }), { version: '0.2.0' })
})

test('item 36: only a supported Electron is packed, and not one that missed a patch for a month', () => {
  const now = Date.parse('2026-11-27T00:00:00Z')
  const published = {
    created: '2013-01-01T00:00:00Z',
    modified: '2026-11-26T00:00:00Z',
    '46.0.0-beta.1': '2026-11-20T00:00:00Z', // no release yet, so 43 is one of the newest three
    '45.4.0': '2026-10-28T00:00:00Z',
    '45.4.1': '2026-11-19T00:00:00Z',
    '45.3.10': '2026-10-20T00:00:00Z',
    '44.9.0': '2026-11-01T00:00:00Z',
    '43.0.0': '2026-05-01T00:00:00Z',
    '42.9.9': '2026-11-25T00:00:00Z',
  }
  const rows: [version: string, why: RegExp | null][] = [
    ['45.4.1', null],
    ['45.4.0', null], // 45.4.1 is eight days old
    ['45.3.10', null], // 45.4.0 is thirty
    ['44.9.0', null],
    ['43.0.0', null],
    ['42.9.9', /not supported any more; 45, 44, 43 are/],
    ['45.4.2', /no release/],
    ['46.0.0-beta.1', /no release/],
    ['created', /no release/],
  ]
  for (const [version, why] of rows) {
    const said = whyNotPacked(version, published, now)
    if (why === null) assert.equal(said, null, version)
    else assert.match(String(said), why, version)
  }
  assert.match(String(whyNotPacked('45.3.10', published, now + 1)), /lacks 45\.4\.0/)
  assert.match(
    manifest.scripts.package,
    /^npm view electron time --json \| node src-main\/packaging\/electron-age\.ts && /,
  )
})
