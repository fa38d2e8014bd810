// The procedures that tests of identity alone call.
// owns: stand-ins for the callers of identity's tx functions. never: logic.
// always true: tests of identity do not wait for the folders above it.

import { procedure } from '../../server/db/db.ts'
import { revokeGrantsOf } from '../../server/identity/models.ts'
import { setFrozen } from '../../server/identity/users.ts'

export const revoke = procedure('test.revoke', (tx, args: { userId: string; clientId: string }) =>
  revokeGrantsOf(tx, args),
)
export const freeze = procedure('test.freeze', (tx, args: { userId: string; frozen: boolean }) =>
  setFrozen(tx, args.userId, args.frozen),
)
