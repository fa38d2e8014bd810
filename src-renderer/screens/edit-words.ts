// A pending edit in words.
// owns: one sentence for each. never: the edit. always true: an edit this version does not know is named, not hidden.

import type { Cap } from '../../server/contract/records.ts'
import type { Pending } from '../db.ts'
import type { View } from '../fold.ts'
import { cleanName, limitWords } from '../format.ts'

/** "Limit of Sketchpad to $8 a month". */
export function editWords({ name, args }: Pending, view: View | undefined): string {
  const connection = view?.connections.find((c) => c.id === args.connection_id)
  const app = connection ? cleanName(connection.name ?? connection.app.name) : 'an app'
  if (name === 'connection.set_caps') return `Limit of ${app} to ${(args.caps as Cap[]).map(limitWords).join(' and ')}`
  if (name === 'connection.pause') return `Pause ${app}`
  if (name === 'connection.resume') return `Resume ${app}`
  if (name === 'connection.revoke') return `Disconnect ${app}`
  if (name === 'connection.rename') return `Rename ${app}`
  if (name === 'wallet.freeze') return 'Stop all spending'
  if (name === 'wallet.unfreeze') return 'Allow spending again'
  if (name === 'receipt.annotate') return 'Note on a receipt'
  if (name === 'profile.set') return 'Change of your profile'
  if (name === 'notice.dismiss') return 'Put a notice away'
  if (name === 'request.answer') return 'Answer to a request'
  return name
}
