// Electron's module as a type.
// owns: one name. never: a value (only the real binary and the stand-in have that). always true: it is the npm package's own.

import type * as electron from 'electron'

export type Electron = typeof electron
