// How the wallet's specs run: the same files in both shells.
// owns: the two projects. never: what a spec does. always true: a file's specs come one after the other; one that
// fails is tried once more, aloud (decision 86).

import { defineConfig } from '@playwright/test'

const PICTURES = '**/pictures.spec.ts'
/** They look at what both shells have alike: what pages draw, and what Chromium does to a copy. */
const BROWSER_ONLY = ['**/screens.spec.ts', '**/developer-access.spec.ts', '**/device.spec.ts', PICTURES]

export default defineConfig({
  testDir: 'test/wallet',
  outputDir: 'test-results',
  globalSetup: './test/support/driver-setup.config.ts',
  fullyParallel: false,
  workers: process.env.QUOTA_ELECTRON === 'real' ? 1 : 2, // one waits for its pages while the other draws
  retries: 1,
  timeout: 120_000,
  expect: { timeout: 20_000 }, // a slow machine may take its time; what has to be quick says so itself
  snapshotPathTemplate: 'test/wallet/screens/{arg}{ext}',
  updateSnapshots: 'none', // support-picture.ts draws them
  forbidOnly: !!process.env.CI,
  reporter: [['list']],
  projects: [
    {
      name: 'browser',
      testIgnore: ['**/desktop*.spec.ts', ...(process.env.QUOTA_SCREENSHOTS === '1' ? [] : [PICTURES])],
    },
    { name: 'desktop', testIgnore: BROWSER_ONLY },
  ],
})
