// The procedures that a server of identity alone needs, for the writer's thread.
// owns: this list, and stand-ins for the callers of identity's tx functions. never: logic.
// always true: tests of identity do not wait for the folders above it.

import { procedure } from '../../server/db/db.ts'
import '../../server/identity/devices.ts'
import '../../server/identity/keys.ts'
import '../../server/identity/mail-tokens.ts'
import { revokeGrantsOf } from '../../server/identity/models.ts'
import '../../server/identity/passkeys.ts'
import '../../server/identity/password.ts'
import '../../server/identity/requests.ts'
import '../../server/identity/sessions.ts'
import '../../server/identity/totp.ts'
import { setFrozen } from '../../server/identity/users.ts'

export const revoke = procedure('test.revoke', (tx, args: { userId: string; clientId: string }) =>
  revokeGrantsOf(tx, args),
)
export const freeze = procedure('test.freeze', (tx, args: { userId: string; frozen: boolean }) =>
  setFrozen(tx, args.userId, args.frozen),
)
