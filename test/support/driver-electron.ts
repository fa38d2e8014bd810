// `npm run test:electron`: the desktop specs on Electron's real binary.
// owns: the switch to it. never: a download. always true: without the binary it fails, saying so in one line.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { electronBinary } from '../../src-main/built.ts'

const ROOT = join(import.meta.dirname, '../..')
if (!electronBinary()) {
  process.stdout.write('Electron’s binary is not here; `npm test` runs the same specs on the stand-in.\n')
  process.exit(1)
}
const tool = join(ROOT, 'node_modules/@playwright/test/cli.js')
const args = [tool, 'test', '--project=desktop', ...process.argv.slice(2)]
const env = { ...process.env, QUOTA_ELECTRON: 'real' }
process.exit(spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env }).status ?? 1)
