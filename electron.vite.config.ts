// How the wallet is built: three folders in, three folders out.
// owns: entries and formats. never: behaviour. always true: one renderer build serves both shells, at the path /wallet/
// of the server's origin and of app://wallet alike.

import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'electron-vite'
import { SHELL_CALLS, SHELL_EVENTS } from './server/contract/shell.ts'
import { BASE } from './src-main/settings.ts'

export default defineConfig({
  main: {
    // The key that proves a new version (src-main/update-proof.ts): a program built without one never updates itself.
    define: { UPDATE_PUBLIC_KEY: JSON.stringify(process.env.QUOTA_UPDATE_PUBLIC_KEY ?? '') },
    // Everything that main needs is in its own files: an installed wallet has no node_modules.
    build: {
      externalizeDeps: false,
      rollupOptions: { input: 'src-main/main.ts', output: { format: 'es', entryFileNames: 'main.js' } },
    },
  },
  preload: {
    // A sandboxed preload cannot be an ES module, and needs no more of the contract than its members' names.
    define: {
      SHELL_CALL_NAMES: JSON.stringify(Object.keys(SHELL_CALLS)),
      SHELL_EVENT_NAMES: JSON.stringify(SHELL_EVENTS),
    },
    build: {
      externalizeDeps: false,
      rollupOptions: { input: 'src-main/preload.ts', output: { format: 'cjs', entryFileNames: 'preload.cjs' } },
    },
  },
  renderer: {
    root: 'src-renderer',
    // electron-vite sets a relative base, which breaks pages deeper than one level (/wallet/interaction/…); this comes after it.
    plugins: [{ name: 'wallet-base', config: () => ({ base: BASE }) }, react(), tailwindcss()],
    build: { rollupOptions: { input: 'src-renderer/index.html' }, assetsInlineLimit: 0, minify: true },
    worker: { format: 'es' }, // they are started as modules; the statement's waits for the words of its language
  },
})
