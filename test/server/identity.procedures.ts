// The procedures that a server of identity alone needs, for the writer's thread.
// owns: this list. never: logic. always true: tests of identity do not wait for the folders above it.

import '../../server/identity/keys.ts'
import '../../server/identity/models.ts'
import '../../server/identity/sessions.ts'
import '../../server/identity/users.ts'
