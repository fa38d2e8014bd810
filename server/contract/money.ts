// Money as integers.
// owns: the schemas of amounts. never: floats that hold money. always true: the arithmetic is in amounts.ts, for all.

import { z } from 'zod'

export { dollars, MICROS_PER_DOLLAR, microsFromDollarText, PICOS_PER_MICRO } from './amounts.ts'

/** A positive, safe count of micro-dollars. */
export const Micros = z.int().positive()
/** Zero or more micro-dollars. */
export const MicrosOrZero = z.int().nonnegative()
