// Every module that declares procedures, so that the writer's thread knows them.
// owns: this list. never: logic. always true: a module missing here fails at its first commit, by name.

import './ledger/chain.ts'
import './ledger/leases.ts'
import './receipts/keys.ts'
import './receipts/receipts.ts'
import './connections/credentials.ts'
