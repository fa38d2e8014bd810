// The clock of oidc-provider, and how it relates to ours.
// owns: the difference between the two. never: a time that is kept.
// always true: oidc-provider reads the process's clock and cannot be given another; what it keeps is kept on our
// clock (deps.now), and moved to its clock when it reads it back. So a shifted clock ages codes, tokens and sessions,
// while an id_token or a DPoP proof, which other machines check, stays on real time.

import type { Deps } from '../deps.ts'

/** Our clock minus the process's, in milliseconds. */
export function skewMs(deps: Pick<Deps, 'now'>): number {
  return deps.now() - Date.now()
}
