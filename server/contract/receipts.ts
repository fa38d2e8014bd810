// A receipt is one signed charge, and this page recomputes it.
// owns: the payload of a receipt, as a schema. never: keys, signatures, the clock.
// always true: server, wallet and SDK compute a charge with the same functions (charge.ts), in integers, offline.

import { z } from 'zod'
import { UNIT_KINDS } from './charge.ts'

export { baseMicros, disagreement, markupMicros } from './charge.ts'

/** See charge.ts for what each counts. */
export const UnitKind = z.enum(UNIT_KINDS)
export type UnitKind = z.infer<typeof UnitKind>

/** Counts per kind; a kind that does not occur is left out. */
export const Units = z.partialRecord(UnitKind, z.int().nonnegative())
export type Units = z.infer<typeof Units>

/** Price of one unit in pico-dollars, as decimal text. */
export const UnitPrices = z.partialRecord(UnitKind, z.string().regex(/^\d{1,18}$/))
export type UnitPrices = z.infer<typeof UnitPrices>

/** The payload of a receipt, a compact JWS (EdDSA, Ed25519; RFC 7515, RFC 8037). Amounts are micros. */
export const ReceiptPayload = z.object({
  v: z.literal(1),
  iss: z.string(),
  iat: z.int(),
  jti: z.string(),
  sub: z.string(),
  app: z.string(),
  connection: z.string().nullable(),
  route: z.string(),
  model: z.string(),
  price_version: z.string(),
  units: Units,
  unit_prices: UnitPrices,
  base: z.int().nonnegative(),
  markup_bps: z.int().nonnegative(),
  markup: z.int().nonnegative(),
  granted: z.int().nonnegative(),
  total: z.int().nonnegative(),
  estimated: z.boolean(),
  rev: z.int().positive(),
  prev: z.string().nullable(),
})
export type ReceiptPayload = z.infer<typeof ReceiptPayload>

/** Public price table of one version: model → unit prices, at `/v1/prices/{version}`. */
export const PriceTable = z.object({
  version: z.string(),
  models: z.record(z.string(), UnitPrices),
})
export type PriceTable = z.infer<typeof PriceTable>
