// Starts an Electron program without Electron: the main process runs under Node 24, its windows in Chromium.
// owns: the command line, and what `electron` resolves to. never: the npm package of that name (it would download).
// always true: the program sees process.argv, process.type and process.versions as it would under the real binary.
//
// What a green run here does not prove: the real keychain, tray, menus and dialogs; scheme registration by the system;
// fuses and asar; the page's own idea of its origin (schemes.ts). See docs and the contract test desktop-standin.spec.ts.

import { existsSync, readFileSync, statSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const ELECTRON_VERSION = '45.4.1'
const MODULE = new URL('electron.ts', import.meta.url).href

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`The Electron stand-in needs Node 24; this is ${process.version}.`)
  process.exit(1)
}

const argv = process.argv.slice(2)
process.argv = [process.argv[0]!, ...argv]
Object.assign(process, { type: 'browser', defaultApp: true, resourcesPath: join(import.meta.dirname, 'resources') })
for (const [name, value] of [
  ['electron', ELECTRON_VERSION],
  ['chrome', '156.0.0.0'],
]) {
  Object.defineProperty(process.versions, name!, { value, enumerable: true })
}

// One synchronous hook serves import and require alike, so both get the same instance.
registerHooks({
  resolve: (specifier, context, next) =>
    /^electron(\/(main|common))?$/.test(specifier) ? { url: MODULE, shortCircuit: true } : next(specifier, context),
})

const { main, appPath, manifest } = programOf(resolve(argv.find((argument) => !argument.startsWith('-')) ?? '.'))
const { app } = await import('./electron.ts')
app.boot({ appPath, manifest })
try {
  await import(pathToFileURL(main).href)
  await app.start()
} catch (error) {
  console.error('App threw an error during load\n', error)
  process.exit(1)
}

/** What to run for a folder with a package.json, or for a single file. */
function programOf(path: string): { main: string; appPath: string; manifest: Record<string, unknown> } {
  if (statSync(path).isDirectory()) {
    const manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
    return { main: join(path, manifest.main ?? 'index.js'), appPath: path, manifest }
  }
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'package.json')
    if (existsSync(file))
      return { main: path, appPath: dirname(path), manifest: JSON.parse(readFileSync(file, 'utf8')) }
  }
  return { main: path, appPath: dirname(path), manifest: {} }
}
