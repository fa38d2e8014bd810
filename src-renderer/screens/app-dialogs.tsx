// Changing an app's limit or name, and disconnecting it.
// owns: the three dialogs. never: the server. always true: the button names the amount, lowering never waits for
// anything, and raising names the version the person saw when the dialog opened.

import { Plus } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import type { Cap, Connection, Period } from '../../server/contract/records.ts'
import { enqueue } from '../db-outbox.ts'
import { loosens } from '../fold.ts'
import { cleanName, limitWords } from '../format.ts'
import { Say } from '../say.tsx'
import { useWallet } from '../session.ts'
import { inputLook } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { capOf, type Draft, draftOf, LimitFields } from '../ui/limit-fields.tsx'
import { say } from '../words.ts'

type Props = { connection: Connection; onClose: () => void }
const nameOf = (c: Connection): string => cleanName(c.name ?? c.app.name)

const PERIODS: Period[] = ['day', 'week', 'month', 'total']

export function LimitDialog({ connection, onClose }: Props) {
  const { db } = useWallet()
  // What the person saw when it opened: a raise is refused if that is not what holds any more.
  const [seen] = useState(connection)
  const [drafts, setDrafts] = useState<Draft[]>(() => seen.caps.map(draftOf))
  const caps = drafts.map(capOf)
  const whole = caps.every((cap) => cap !== null) ? (caps as Cap[]) : null
  const raises = whole !== null && loosens(seen.caps, whole)
  const save = async () => {
    if (!whole) return
    await enqueue(db, 'connection.set_caps', { connection_id: seen.id, caps: whole }, raises ? seen.version : undefined)
    onClose()
  }
  return (
    <Dialog title={say('Limit of {name}', { name: nameOf(seen) })} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        <Drafts drafts={drafts} onChange={setDrafts} />
        <p className="mt-3 text-sm text-muted">
          {raises
            ? say(
                'Raising is checked against what holds now. If another device changed it meanwhile, you are asked again.',
              )
            : say('Lowering always applies. What is already spent stays spent.')}
        </p>
        <Button
          look="main"
          size="large"
          type="submit"
          className="mt-5 w-full"
          disabled={!whole || unchanged(seen, whole)}
        >
          {saveWords(seen, whole, raises)}
        </Button>
      </form>
    </Dialog>
  )
}

/** One to four limits, each period at most once. */
function Drafts({ drafts, onChange }: { drafts: Draft[]; onChange: (drafts: Draft[]) => void }) {
  const [free, ...others] = PERIODS.filter((p) => !drafts.some((d) => d.period === p))
  const open = (draft: Draft) => PERIODS.filter((p) => p === draft.period || p === free || others.includes(p))
  return (
    <>
      <div className="space-y-5">
        {drafts.map((draft, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a limit keeps its place and its focus while its period changes
          <div key={i}>
            <LimitFields
              draft={draft}
              onChange={(next) => onChange(drafts.map((d) => (d === draft ? next : d)))}
              periods={open(draft)}
            />
            {drafts.length > 1 && (
              <Button
                look="quiet"
                className="-ms-3 mt-1 h-8 text-muted!"
                onClick={() => onChange(drafts.filter((_, j) => j !== i))}
              >
                {say('Remove this limit')}
              </Button>
            )}
          </div>
        ))}
      </div>
      {free && (
        <Button
          look="quiet"
          className="mt-2 -ms-3 text-accent!"
          onClick={() => onChange([...drafts, { text: '1', period: free }])}
        >
          <Plus className="size-4" aria-hidden /> {say('Add another limit')}
        </Button>
      )}
    </>
  )
}

function unchanged(c: Connection, caps: Cap[]): boolean {
  return (
    c.caps.length === caps.length &&
    c.caps.every((old) => caps.some((cap) => cap.period === old.period && cap.amount === old.amount))
  )
}

function saveWords(c: Connection, caps: Cap[] | null, raises: boolean): string {
  const [cap] = caps ?? []
  if (!caps || !cap || caps.length > 1 || unchanged(c, caps)) return say('Save limits')
  if (c.caps.length === 1 && c.caps[0]?.period === cap.period)
    return raises
      ? say('Raise limit to {limit}', { limit: limitWords(cap) })
      : say('Lower limit to {limit}', { limit: limitWords(cap) })
  return say('Set limit to {limit}', { limit: limitWords(cap) })
}

export function RenameDialog({ connection, onClose }: Props) {
  const { db } = useWallet()
  const [name, setName] = useState(connection.name ?? connection.app.name)
  const trimmed = name.trim()
  return (
    <Dialog title={say('Rename')} onClose={onClose}>
      <form
        onSubmit={async (event) => {
          event.preventDefault()
          if (!trimmed) return
          await enqueue(db, 'connection.rename', { connection_id: connection.id, name: trimmed })
          onClose()
        }}
      >
        <label className="mb-1.5 block text-sm font-medium" htmlFor="app-name">
          {say('Your name for it')}
        </label>
        <input
          id="app-name"
          className={inputLook}
          value={name}
          maxLength={80}
          onChange={(event) => setName(event.target.value)}
        />
        <p className="mt-2 text-sm text-muted">
          <Say
            words="Only you see it. The app calls itself {name}."
            name={<bdi>{cleanName(connection.app.name)}</bdi>}
          />
        </p>
        <Button look="main" size="large" type="submit" className="mt-5 w-full" disabled={!trimmed}>
          {say('Save name')}
        </Button>
      </form>
    </Dialog>
  )
}

export function DisconnectDialog({ connection, onClose }: Props) {
  const { db } = useWallet()
  const name = nameOf(connection)
  return (
    <Confirm
      title={say('Disconnect {app}?', { app: name })}
      button={say('Disconnect {app}', { app: name })}
      onClose={onClose}
      onConfirm={() => enqueue(db, 'connection.revoke', { connection_id: connection.id })}
    >
      {say(
        'Its next call is refused, and calls that are running end within a second; you pay only for what was delivered. Its activity stays in your log. To use it again, connect it anew.',
      )}
    </Confirm>
  )
}

type ConfirmProps = {
  title: string
  button: string
  /** What not doing it is called. */
  keep?: string
  children: ReactNode
  onClose: () => void
  onConfirm: () => Promise<void>
}

/** Asks once before something that cannot be taken back. */
export function Confirm({ title, button, keep = say('Keep'), children, onClose, onConfirm }: ConfirmProps) {
  const [busy, setBusy] = useState(false)
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="text-sm text-muted">{children}</div>
      <div className="mt-6 flex flex-wrap justify-end gap-2">
        <Button onClick={onClose}>{keep}</Button>
        <Button
          look="danger"
          disabled={busy}
          onClick={async () => {
            setBusy(true)
            await onConfirm()
            onClose()
          }}
        >
          {button}
        </Button>
      </div>
    </Dialog>
  )
}
