// Names of apps, for rows that hold only an id.
// owns: that look-up. never: the network. always true: an unknown app is shown by its id, not left out.

import type { View } from '../fold.ts'
import { cleanName } from '../format.ts'

/** The person's own name for an app, else the app's; several connections of one app share it. */
export function appNames(view: View | undefined): (app: string) => string {
  const names = new Map<string, string>()
  for (const c of view?.connections ?? []) {
    if (!names.has(c.app.id) || c.status === 'active') names.set(c.app.id, cleanName(c.name ?? c.app.name))
  }
  return (app) => names.get(app) ?? app
}
