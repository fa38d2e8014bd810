// Every module that declares procedures, so that the writer's thread knows them.
// owns: this list. never: logic. always true: a module missing here fails at its first commit, by name.

import './ledger/chain.ts'
import './ledger/leases.ts'
import './proxy/hold.ts'
import './proxy/settle.ts'
import './receipts/keys.ts'
import './receipts/receipts.ts'
import './stamp.ts'
import './connections/credentials.ts'
import './grants/grants.ts'
import './connections/apps.ts'
import './connections/keys.ts'
import './connections/consent.ts'
