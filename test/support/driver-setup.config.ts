// Before the specs: a build that is not older than its sources.
// owns: that one check. never: servers or browsers. always true: QUOTA_DESKTOP_APP names a program that is built already.

import { buildIfStale } from '../../src-main/built.ts'

export default function setup(): void {
  if (!process.env.QUOTA_DESKTOP_APP) buildIfStale()
}
