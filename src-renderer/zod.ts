// Zod without generated code.
// owns: one switch. never: schemas. always true: it is the first import of main.tsx, so that no schema is built before
// it; the pages' CSP forbids eval, which zod would otherwise try.

import { z } from 'zod'

z.config({ jitless: true })
