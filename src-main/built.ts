// Whether the wallet is built, and whether Electron is here.
// owns: the comparison of sources with their build, and the search for the binary. never: part of the built program.
// always true: nothing is downloaded - asking Electron's npm package for its binary would start that.

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const SOURCES = ['src-main', 'src-renderer', 'server/contract', 'electron.vite.config.ts', 'package-lock.json']
const BUILT = ['out/main/main.js', 'out/preload/preload.cjs', 'out/renderer/index.html']

/**
 * Builds when a part is missing or older than a source.
 * @param say told before a build begins, and after it
 * @returns whether it built
 * @throws Error when it cannot
 */
export function buildIfStale(say: (line: string) => void = () => {}): boolean {
  const builtAt = Math.min(...BUILT.map((file) => newest(join(ROOT, file))))
  if (builtAt > Math.max(...SOURCES.map((source) => newest(join(ROOT, source))))) return false
  say(
    builtAt > 0
      ? 'The wallet’s sources are newer than its build; building it …'
      : 'Building the wallet for the first time …',
  )
  const began = performance.now()
  const tool = join(ROOT, 'node_modules/electron-vite/bin/electron-vite.js')
  const done = spawnSync(process.execPath, [tool, 'build', '--logLevel', 'error'], { cwd: ROOT, encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`The wallet could not be built:\n${done.stdout}${done.stderr}`)
  say(`Built in ${((performance.now() - began) / 1000).toFixed(1)} s.`)
  return true
}

/** Electron's executable if it was fetched before, else null. */
export function electronBinary(): string | null {
  const home = join(ROOT, 'node_modules/electron')
  const pathFile = join(home, 'path.txt')
  const named = existsSync(pathFile) ? readFileSync(pathFile, 'utf8').trim() : ''
  const inDist = process.platform === 'darwin' ? 'Electron.app/Contents/MacOS/Electron' : 'electron'
  const executable = named || (process.platform === 'win32' ? 'electron.exe' : inDist)
  const path = join(process.env.ELECTRON_OVERRIDE_DIST_PATH ?? join(home, 'dist'), executable)
  return existsSync(path) ? path : null
}

/** The latest change in a file or folder, milliseconds; 0 when it is not there. Compiler notes do not count. */
function newest(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) return 0
  if (!stat.isDirectory()) return path.endsWith('.tsbuildinfo') ? 0 : stat.mtimeMs
  const names = readdirSync(path).filter((name) => name !== 'node_modules') // of src-main/packaging, where packages are made
  return Math.max(0, ...names.map((name) => newest(join(path, name))))
}
