// What identity knows of a person, gone.
// owns: the order of it. never: money, connections (account/ does those first).
// always true: afterwards no credential of theirs works, and their address is free.

import type { Tx } from '../db/db.ts'
import { endEverywhere } from './devices.ts'
import { endMailTokens } from './mail-tokens.ts'
import { dropPasskeys } from './passkeys.ts'
import { eraseTotp } from './totp.ts'
import { removePerson } from './users.ts'

/** Ends and forgets everything of a person here, within the caller's commit. */
export async function forgetPerson(tx: Tx, userId: string): Promise<void> {
  await endEverywhere(tx, userId, null)
  await eraseTotp(tx, userId)
  await dropPasskeys(tx, userId)
  await endMailTokens(tx, userId)
  await removePerson(tx, userId)
}
