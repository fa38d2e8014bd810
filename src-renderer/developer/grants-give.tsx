// Giving grants: to one user, or to many from a file.
// owns: the two dialogs. never: a sum of money that was not typed or read here.
// always true: a file is checked by the server before anything is given; the button then names how many and how much.

import { type ChangeEvent, type FormEvent, useState } from 'react'
import type { App } from '../../server/contract/api.ts'
import { GrantsGiven as Given, GrantsBulkErrors, type GrantsGiven } from '../../server/contract/developers.ts'
import { ApiFailure } from '../api.ts'
import { amountOf, money } from '../format.ts'
import { Say } from '../say.tsx'
import { useTry } from '../screens/account-page.tsx'
import { fromServer } from '../server-words.ts'
import { useWallet } from '../session.ts'
import { Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { counted, say } from '../words.ts'
import { Choice, choicesOf, Field } from './bits.tsx'

type Props = { apps: App[]; onDone: () => Promise<void>; onClose: () => void }
const DAY_MS = 86_400_000

const EXPIRIES = [
  ['', say('Never')],
  ['7', say('After a week')],
  ['30', say('After 30 days')],
  ['90', say('After 90 days')],
] as const

export function GiveDialog({ apps, onDone, onClose }: Props) {
  const { api } = useWallet()
  const { busy, wrong, setWrong, attempt } = useTry()
  const [key] = useState(() => crypto.randomUUID())
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const amount = amountOf(String(form.get('amount')))
    if (amount === null) return setWrong(say('Write an amount in dollars, such as 5 or 0.50.'))
    const days = Number(form.get('expires'))
    const note = String(form.get('note')).trim()
    const body = {
      app_id: String(form.get('app')),
      external_user_id: String(form.get('user')).trim(),
      amount,
      ...(note && { description: note }),
      ...(days > 0 && { expires_at: new Date(Date.now() + days * DAY_MS).toISOString() }),
    }
    const same = `${key}-${body.app_id}-${body.external_user_id}-${amount}`.slice(0, 255)
    void attempt(async () => {
      await api.post('/developers/grants', body, { 'idempotency-key': same.replace(/[^\x21-\x7e]/g, '_') })
      await onDone()
    })
  }
  return (
    <Dialog title={say('Give a grant')} onClose={onClose}>
      <form onSubmit={submit} className="space-y-4">
        <Choice label={say('App')} name="app" options={choicesOf(apps)} />
        <Field
          label={say('User')}
          name="user"
          required
          hint={say('Your app’s own name for them. They need no wallet yet; it waits for them.')}
        />
        <Field label={say('Amount in dollars')} name="amount" inputMode="decimal" required placeholder={say('5.00')} />
        <Choice label={say('It expires')} name="expires" options={EXPIRIES} />
        <Field
          label={say('What for')}
          name="note"
          maxLength={500}
          placeholder={say('Welcome')}
          hint={say('The user reads it.')}
        />
        {wrong && <Wrong>{wrong}</Wrong>}
        <Button look="main" size="large" type="submit" className="w-full" disabled={busy}>
          {say('Give it')}
        </Button>
      </form>
    </Dialog>
  )
}

type Fault = { line: number; message: string }

/** A file, what the server says of it, and the giving. */
function useBulk(app: string, onDone: () => Promise<void>) {
  const { api } = useWallet()
  const { busy, wrong, attempt } = useTry()
  const [csv, setCsv] = useState('')
  const [checked, setChecked] = useState<GrantsGiven | null>(null)
  const [faults, setFaults] = useState<Fault[]>([])
  const [key] = useState(() => crypto.randomUUID())
  const anew = (text = csv) => {
    setChecked(null)
    setFaults([])
    setCsv(text)
  }
  const ask = async (dry_run: boolean) => {
    setFaults([])
    const headers: Record<string, string> = dry_run ? {} : { 'idempotency-key': key }
    try {
      const given = Given.parse(await api.post('/developers/grants/bulk', { app_id: app, csv, dry_run }, headers))
      if (dry_run) setChecked(given)
      else await onDone()
    } catch (error) {
      const lines = error instanceof ApiFailure ? GrantsBulkErrors.safeParse(error.details) : null
      setFaults(lines?.success ? lines.data.lines : [])
      throw error
    }
  }
  return { busy, wrong, csv, checked, faults, anew, ask: () => attempt(() => ask(checked === null)) }
}

export function BulkDialog({ apps, onDone, onClose }: Props) {
  const [app, setApp] = useState(apps[0]?.id ?? '')
  const { busy, wrong, csv, checked, faults, anew, ask } = useBulk(app, onDone)
  const read = async (event: ChangeEvent<HTMLInputElement>) => anew((await event.target.files?.[0]?.text()) ?? '')
  const choose = (one: string) => {
    setApp(one)
    anew()
  }
  return (
    <Dialog title={say('Give grants from a file')} onClose={onClose}>
      <div className="space-y-4">
        <Choice label={say('App')} options={choicesOf(apps)} value={app} onChange={choose} />
        <label className="block text-sm font-medium">
          {say('CSV file')}
          <input
            type="file"
            accept=".csv,text/csv"
            onChange={read}
            className="mt-1.5 block w-full text-sm font-normal"
          />
        </label>
        <Columns />
        <Faults of={faults} />
        {wrong && faults.length === 0 && <Wrong>{wrong}</Wrong>}
        <Button look="main" size="large" className="w-full" disabled={busy || csv === ''} onClick={ask}>
          {checked
            ? counted('Give {n} grant, {sum} in all', 'Give {n} grants, {sum} in all', checked.grants, {
                sum: money(checked.total_credits),
              })
            : say('Check the file')}
        </Button>
      </div>
    </Dialog>
  )
}

const Columns = () => (
  <p className="text-sm text-muted">
    <Say
      words="Its first line names the columns: {needed} in dollars, and if you want {more}. All of its lines are given, or none."
      needed={<code>external_user_id,amount</code>}
      more={<code>description,expires_at</code>}
    />
  </p>
)

function Faults({ of }: { of: Fault[] }) {
  if (of.length === 0) return null
  return (
    <ul role="alert" className="space-y-1 rounded-lg bg-bad-soft px-3 py-2 text-sm text-bad">
      {of.map(({ line, message }) => (
        <li key={line}>{say('Line {line}: {message}', { line, message: fromServer(message) })}</li>
      ))}
    </ul>
  )
}
