// The desktop program with an empty page in place of the wallet's screens.
// owns: a copy of the built main process and preload, beside a page that does nothing by itself. never: the screens.
// always true: what a frontier spec sees is the shell's doing - the wallet's own page would take returns and ask for tokens.

import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PAGE = '<!doctype html><html lang="en"><title>Bare</title><body><div id="root">Bare</div></body></html>'
const MANIFEST = { name: 'quota-wallet', version: '0.0.0', type: 'module', main: 'out/main/main.js' }

/** Makes it. @param program a folder with a built out/ @returns the copy's folder, for its user to remove */
export function bareProgram(program: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'quota-bare-'))
  for (const part of ['out/main', 'out/preload']) cpSync(join(program, part), join(folder, part), { recursive: true })
  mkdirSync(join(folder, 'out/renderer'), { recursive: true })
  writeFileSync(join(folder, 'out/renderer/index.html'), PAGE)
  writeFileSync(join(folder, 'package.json'), JSON.stringify(MANIFEST))
  return folder
}
