// Where the page begins.
// owns: mounting, the service worker. never: anything else. always true: zod's switch is the first thing that runs.

import './zod.ts'
import './styles.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { keepPagesOffline } from './offline.ts'

const root = document.getElementById('root')
if (root)
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  )
keepPagesOffline()
