// `npm start` and `npm run demo` as a person meets them: what comes up, what is said, and that nothing stays behind.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './support/server.ts'

const ROOT = join(import.meta.dirname, '..')
const UP_TIMEOUT_MS = 90_000
const dataDir = mkdtempSync(join(tmpdir(), 'quota-start-'))
after(() => rmSync(dataDir, { recursive: true, force: true }))

type Started = { child: ChildProcess; said: () => string; ports: { server: number; chat: number } }

async function launch(flags: string[], env: Record<string, string> = {}): Promise<Started> {
  const ports = { server: await freePort(), chat: await freePort() }
  const { PATH = '', HOME = '', QUOTA_TEST_RUN = '' } = process.env
  const child = spawn(process.execPath, [join(ROOT, 'src-main/launch.ts'), ...flags], {
    env: {
      PATH,
      HOME,
      QUOTA_TEST_RUN,
      QUOTA_PORT: String(ports.server),
      QUOTA_CHAT_PORT: String(ports.chat),
      QUOTA_DATA_DIR: dataDir,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (piece) => {
      text += piece
    })
  }
  return { child, said: () => text, ports }
}

async function until(started: Started, words: string): Promise<void> {
  const limit = performance.now() + UP_TIMEOUT_MS
  while (!started.said().includes(words)) {
    if (started.child.exitCode !== null || performance.now() > limit)
      assert.fail(`never said "${words}":\n${started.said()}`)
    await sleep(50)
  }
}

async function answers(port: number, path = '/'): Promise<number> {
  return await fetch(`http://127.0.0.1:${port}${path}`).then(
    (reply) => reply.status,
    () => 0,
  )
}

test('the demo comes up, says where everything is, and Ctrl-C ends all of it', async () => {
  const started = await launch(['--demo', '--no-open'])
  const { server, chat } = started.ports
  try {
    await until(started, 'Ctrl-C ends everything')
    assert.match(started.said(), new RegExp(`wallet\\s+http://127\\.0\\.0\\.1:${server}/wallet`))
    assert.match(started.said(), new RegExp(`chat app http://127\\.0\\.0\\.1:${chat}`))
    assert.equal(await answers(server, '/readyz'), 200)
    assert.equal(await answers(server, '/wallet/'), 200)
    assert.equal(await answers(chat), 200)
  } finally {
    started.child.kill('SIGINT')
    await once(started.child, 'exit')
  }
  assert.equal(started.child.exitCode, 0)
  assert.deepEqual([await answers(server, '/healthz'), await answers(chat)], [0, 0])
})

test('without Electron’s binary and without a display, one line says where the wallet is', async () => {
  const started = await launch([], { ELECTRON_OVERRIDE_DIST_PATH: join(dataDir, 'no-electron-here') })
  try {
    await until(started, 'Ctrl-C ends everything')
    assert.match(
      started.said(),
      /Electron’s binary is not here, so open this in a browser: http:\/\/127\.0\.0\.1:\d+\/wallet/,
    )
  } finally {
    started.child.kill('SIGTERM')
    await once(started.child, 'exit')
  }
})

test('a port in use is named, with the setting that changes it', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  const port = typeof address === 'object' && address ? address.port : 0
  try {
    const started = await launch(['--no-open'], { QUOTA_PORT: String(port) })
    await once(started.child, 'exit')
    assert.equal(started.child.exitCode, 1)
    assert.match(started.said(), new RegExp(`Port ${port} is in use .*QUOTA_PORT=`))
  } finally {
    other.close()
  }
})

test('a server that cannot start takes everything down and its reason is shown', async () => {
  const started = await launch(['--no-open'], { QUOTA_HOLD_TTL_S: 'soon' })
  await once(started.child, 'exit')
  assert.equal(started.child.exitCode, 1)
  assert.match(started.said(), /QUOTA_HOLD_TTL_S/)
  assert.equal(await answers(started.ports.server, '/healthz'), 0)
})

test('an old Node is told in words what is needed, before it stumbles', async () => {
  // The check has to run on a Node that knows neither TypeScript nor newer syntax, so its text is held to ES2015.
  const script = readFileSync(join(ROOT, 'server/needs-node-24.cjs'), 'utf8')
  assert.doesNotMatch(script, /\?\.|\?\?|=>|\bimport\b|\bawait\b/)
  const pretend = "Object.defineProperty(process, 'versions', { value: { node: '18.20.0' } });"
  const child = spawn(process.execPath, ['-e', `${pretend}\n${script}`], { stdio: ['ignore', 'ignore', 'pipe'] })
  let text = ''
  child.stderr.on('data', (piece) => {
    text += piece
  })
  await once(child, 'close')
  assert.equal(child.exitCode, 1)
  assert.match(text, /needs Node 24 or newer; this is Node 18\.20\.0/)
})
