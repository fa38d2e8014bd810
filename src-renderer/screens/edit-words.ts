// A pending edit in words.
// owns: one sentence for each. never: the edit. always true: an edit this version does not know is named, not hidden.

import type { Cap } from '../../server/contract/records.ts'
import type { Pending } from '../db.ts'
import type { View } from '../fold.ts'
import { cleanName, limitWords } from '../format.ts'
import { say } from '../words.ts'

/** "Limit of Sketchpad to $8 a month". */
export function editWords({ name, args }: Pending, view: View | undefined): string {
  const connection = view?.connections.find((c) => c.id === args.connection_id)
  const app = connection ? cleanName(connection.name ?? connection.app.name) : say('an app')
  if (name === 'connection.set_caps') {
    const limits = (args.caps as Cap[]).map(limitWords).join(` ${say('and')} `)
    return say('Limit of {app} to {limits}', { app, limits })
  }
  if (name === 'connection.pause') return say('Pause {app}', { app })
  if (name === 'connection.resume') return say('Resume {app}', { app })
  if (name === 'connection.revoke') return say('Disconnect {app}', { app })
  if (name === 'connection.rename') return say('Rename {app}', { app })
  if (name === 'wallet.freeze') return say('Stop all spending')
  if (name === 'wallet.unfreeze') return say('Allow spending again')
  if (name === 'receipt.annotate') return say('Note on a receipt')
  if (name === 'profile.set') return say('Change of your profile')
  if (name === 'notice.dismiss') return say('Put a notice away')
  if (name === 'request.answer') return say('Answer to a request')
  return name
}
