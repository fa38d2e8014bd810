// How a person's account is secured, and where they are signed in, as documents.
// owns: these two readings. never: a secret, a change. always true: nothing in them helps anybody to sign in.

import type { z } from 'zod'
import type { Passkey, SignedInDevice } from '../contract/api.ts'
import type { Deps } from '../deps.ts'
import { type DeviceRow, deviceName, devicesOf } from './devices.ts'
import { type Directory, WALLET_CLIENT_ID } from './directory.ts'
import { passkeysOf, passkeysPossible } from './passkeys.ts'
import { RECENT_MS, type Session } from './sessions.ts'
import { hasTotp, recoveryCodesLeft } from './totp.ts'
import { isVerified } from './users.ts'

type Ports = Pick<Deps, 'db' | 'publicUrl'>
type Secured = {
  email_verified: boolean
  totp: boolean
  recovery_codes_left: number
  passkeys: z.infer<typeof Passkey>[]
  passkeys_possible: boolean
}

export async function securityOf({ db, publicUrl }: Ports, userId: string): Promise<Secured> {
  return {
    email_verified: await isVerified(db, userId),
    totp: await hasTotp(db, userId),
    recovery_codes_left: await recoveryCodesLeft(db, userId),
    passkeys: await passkeysOf(db, userId),
    passkeys_possible: passkeysPossible(publicUrl),
  }
}

/** Until when a session may change what is secured; null when it has to be confirmed first. */
export function recentUntil({ now }: Pick<Deps, 'now'>, session: Session): string | null {
  const until = session.recentAt + RECENT_MS
  return until > now() ? new Date(until).toISOString() : null
}

/** Where a person is signed in; an app's sign-in bears the app's name. */
export async function listDevices(
  deps: Pick<Deps, 'db' | 'now'>,
  directory: Pick<Directory, 'client'>,
  session: Pick<Session, 'userId' | 'device'>,
): Promise<SignedInDevice[]> {
  const listed: SignedInDevice[] = []
  for (const row of await devicesOf(deps.db, session.userId, deps.now()))
    listed.push({
      id: row.id,
      kind: row.kind,
      name: (await appName(directory, row)) ?? deviceName(row),
      address: row.address,
      created_at: new Date(row.created_at).toISOString(),
      last_used_at: new Date(row.last_used_at).toISOString(),
      current: row.id === session.device,
    })
  return listed
}

async function appName(directory: Pick<Directory, 'client'>, { client_id: id }: DeviceRow): Promise<string | null> {
  if (id === null || id === WALLET_CLIENT_ID) return null
  return (await directory.client(id))?.name ?? 'A deleted app'
}
