// Says in plain words that Node 24 is needed, before an older Node stumbles over TypeScript.
// owns: one check. never: anything that Node 12 cannot read. always true: on Node 24 or newer it says nothing.
'use strict'

var found = process.versions.node
if (Number(found.split('.')[0]) < 24) {
  console.error(`Quota Wallet needs Node 24 or newer; this is Node ${found}.`)
  console.error('On Linux and Windows (x64) `npm ci` brings it along; elsewhere install it from https://nodejs.org.')
  process.exit(1)
}

require('./compile-cache.cjs') // after the check: an old Node could not read it
