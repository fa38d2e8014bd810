// The SDK's cases in Node, from its sources, and in a browser, from what is published, on a page of another origin.
// (`npm run test:runtimes` runs the same in Bun, Deno and an edge runtime.)

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Browser, chromium, type Page } from '@playwright/test'
import { ensureChromium } from '../support/chromium.ts'
import { type Server, startServer } from '../support/server.ts'
import { bundle, servePages } from './bundle.ts'
import { CASES, type World } from './suite.ts'
import { makeWorld } from './world.ts'

let server: Server
before(async () => {
  server = await startServer({ env: { QUOTA_SANDBOX_TOKEN_MS: '0' } })
})
after(() => server.stop())

describe('Node', () => {
  let world: World
  before(async () => {
    world = await makeWorld(server, 'http://127.0.0.1:7998/callback')
  })
  for (const { name, where, run } of CASES) if (where !== 'page') test(name, () => run(world))
})

describe('Chromium', () => {
  let browser: Browser
  let page: Page
  let pages: Awaited<ReturnType<typeof servePages>>
  let world: World
  before(async () => {
    const { path } = await ensureChromium(() => undefined)
    const script = await bundle(new URL('./suite.ts', import.meta.url).pathname)
    pages = await servePages({ '/suite.js': script, '/': '<!doctype html><title>SDK</title>' })
    world = await makeWorld(server, `${pages.url}/callback`)
    browser = await chromium.launch({ executablePath: path, args: ['--no-sandbox'] })
    page = await browser.newPage()
    await page.goto(pages.url)
  })
  after(async () => {
    await browser?.close()
    await pages?.close()
  })
  for (const [index, { name, where }] of CASES.entries()) {
    if (where === 'server') continue
    test(name, async () => {
      const told = await page.evaluate(
        async ([path, at, given]) => {
          const { CASES: cases } = await import(path)
          return cases[at].run(given).then(
            () => null,
            (error: Error) => error.stack ?? String(error),
          )
        },
        ['/suite.js', index, world] as const,
      )
      assert.equal(told, null, String(told))
    })
  }
})
