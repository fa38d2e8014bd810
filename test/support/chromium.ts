// Finds a Chromium for the browser specs, or gets one.
// owns: the search order and what is said about it. never: a browser's launch flags (those are the specs').
// always true: a path that is returned has answered `--version`.

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The shell without windows first: it starts with a third of the work, and the specs look at pages alone. */
const NAMES = [
  'chromium-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'chrome',
  'microsoft-edge',
]
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]
const INSTALL_TIMEOUT_MS = 300_000

export type Found = { path: string; how: string }

/** Looks, changes nothing. @returns null when this machine has no Chromium that starts */
export async function findChromium(): Promise<Found | null> {
  const named = process.env.QUOTA_CHROMIUM
  if (named) return answers(named) ? { path: named, how: 'QUOTA_CHROMIUM' } : null
  const folders = (process.env.PATH ?? '').split(delimiter)
  const onPath = NAMES.flatMap((name) => folders.map((dir) => join(dir, name)))
  const system = [...onPath, ...PLACES].find((path) => existsSync(path) && answers(path))
  if (system) return { path: system, how: 'the system' }
  const own = await playwrightsOwn()
  return own && answers(own) ? { path: own, how: 'Playwright' } : null
}

/**
 * Finds Chromium, else installs it: Playwright's download first, then Debian's package when this is root.
 * @param say where each step is told
 * @throws Error when nothing worked, with what to do
 */
export async function ensureChromium(say: (line: string) => void): Promise<Found> {
  const present = await findChromium()
  if (present) return present
  if (process.env.QUOTA_CHROMIUM) throw new Error(`QUOTA_CHROMIUM=${process.env.QUOTA_CHROMIUM} does not start`)
  for (const [what, command, args] of installers()) {
    say(`Chromium: none found; trying ${what}`)
    const done = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: INSTALL_TIMEOUT_MS })
    const found = await findChromium()
    if (found) return { path: found.path, how: what }
    say(`Chromium: ${what} did not help${done.status === null ? ' (timed out)' : ''}`)
  }
  throw new Error('No Chromium. Install Chromium or Chrome, or set QUOTA_CHROMIUM to its path.')
}

function installers(): [what: string, command: string, args: string[]][] {
  const download: [string, string, string[]] = [
    "Playwright's download",
    process.execPath,
    [join(import.meta.dirname, '../../node_modules/playwright/cli.js'), 'install', 'chromium'],
  ]
  const debian = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  if (!debian) return [download]
  const apt = 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium-headless-shell'
  return [download, ["Debian's package", 'sh', ['-c', apt]]]
}

async function playwrightsOwn(): Promise<string | null> {
  try {
    const { chromium } = await import('@playwright/test')
    return existsSync(chromium.executablePath()) ? chromium.executablePath() : null
  } catch {
    return null
  }
}

function answers(path: string): boolean {
  try {
    return /\d+\.\d+/.test(execFileSync(path, ['--version'], { encoding: 'utf8', timeout: 20_000, stdio: 'pipe' }))
  } catch {
    return false
  }
}
