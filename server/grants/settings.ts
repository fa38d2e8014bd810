// How an app grants by itself.
// owns: grant_settings. never: a grant.
// always true: what one user has been given in an app never exceeds the most that the app's settings allow, counted from
// the first grant on, whatever became of it.

import { ownApp } from '../connections/apps.ts'
import { type ExternalRow, externalsOf, lockExternal } from '../connections/external.ts'
import type { GrantSettings } from '../contract/developers.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'

type Row = { welcome_amount: number | null; welcome_days: number | null; per_user_max: number | null }
const NONE: Row = { welcome_amount: null, welcome_days: null, per_user_max: null }

/** The settings of an app; none are the default. */
export async function grantSettings(reader: Reader, appId: string): Promise<GrantSettings> {
  const row = await rowOf(reader, appId)
  return {
    welcome: row.welcome_amount === null ? null : { amount: row.welcome_amount, expires_after_days: row.welcome_days },
    per_user_max: row.per_user_max,
  }
}

/** Replaces the settings of an app. @throws Fault `not_found` */
export const setGrantSettings = procedure(
  'grants.settings',
  async (tx: Tx, given: { publisherId: string; appId: string; settings: GrantSettings }): Promise<GrantSettings> => {
    const { publisherId, appId, settings } = given
    await ownApp(tx, publisherId, appId)
    const values = [
      settings.welcome?.amount ?? null,
      settings.welcome?.expires_after_days ?? null,
      settings.per_user_max,
    ]
    await tx.run(
      `INSERT INTO grant_settings (app_id, welcome_amount, welcome_days, per_user_max) VALUES (?, ?, ?, ?)
       ON CONFLICT (app_id) DO UPDATE SET welcome_amount = excluded.welcome_amount, welcome_days = excluded.welcome_days,
       per_user_max = excluded.per_user_max`,
      [appId, ...values],
    )
    return grantSettings(tx, appId)
  },
)

/**
 * Refuses a grant that would bring its user above the app's most.
 * @throws Fault `grant_limit_exceeded` with details {limit, given, required}
 */
export async function requireWithin(tx: Tx, external: ExternalRow, amount: number): Promise<void> {
  const { per_user_max: most } = await rowOf(tx, external.app_id)
  if (most === null) return
  await lockExternal(tx, external.id) // two grants to one user at once come one after the other
  const given = await givenTo(tx, external)
  if (given + amount > most) throw fault('grant_limit_exceeded', { details: { limit: most, given, required: amount } })
}

/** What a user was given in this app so far: a person under all the names that the app has for them. Micros. */
async function givenTo(tx: Tx, external: ExternalRow): Promise<number> {
  const linked = external.user_id === null ? [external] : await externalsOf(tx, external.user_id)
  let sum = 0
  for (const { id, app_id } of linked) {
    if (app_id !== external.app_id) continue
    const row = await tx.get<{ sum: number }>(
      'SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS sum FROM grants WHERE external_id = ?',
      [id],
    )
    sum += row?.sum ?? 0
  }
  return sum
}

async function rowOf(reader: Reader, appId: string): Promise<Row> {
  const row = await reader.get<Row>(
    'SELECT welcome_amount, welcome_days, per_user_max FROM grant_settings WHERE app_id = ?',
    [appId],
  )
  return row ?? NONE
}
