// `npm run desktop`: the wallet in its own window.
// owns: starting Electron, where its binary is. never: the server (npm start brings that up), a download.
// always true: without the binary it says so in one line, and where the wallet can be had instead.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { defaultServer, serverOrigin } from './addresses.ts'
import { buildIfStale, electronBinary } from './built.ts'

const binary = electronBinary()
if (!binary) {
  const address = `${serverOrigin(process.env) ?? defaultServer()}/wallet`
  process.stdout.write(`Electron’s binary is not here; the same wallet is at ${address} in a browser.\n`)
  process.exit(1)
}
buildIfStale()
const child = spawn(binary, [join(import.meta.dirname, '..')], { stdio: 'inherit' })
child.once('exit', (code) => process.exit(code ?? 1))
