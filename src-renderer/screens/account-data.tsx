// The data part of the account page: taking everything along, and leaving.
// owns: the export link, the typed confirmation. never: a deletion that was not typed.
// always true: money that would be lost is named to the last micro-dollar before it is.

import { Download } from 'lucide-react'
import { type FormEvent, useId, useState } from 'react'
import { type Account, NotEmptyDetails } from '../../server/contract/api.ts'
import { ApiFailure, ownPage } from '../api.ts'
import { accountsKept, deleteDb, openDb } from '../db.ts'
import { exact } from '../format.ts'
import { inputLook, Wrong } from '../ui/bits.tsx'
import { Button, buttonLook } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { counted, say } from '../words.ts'
import { Part, useTry } from './account-page.tsx'
import { useStepUp } from './security-step-up.tsx'

export function AccountData({ account }: { account: Account }) {
  const [leaving, setLeaving] = useState(false)
  return (
    <>
      <Part title={say('Your data')}>
        <p className="text-sm text-muted">
          {say('One JSON file with your profile, devices, apps, connections, top-ups, notes and every signed receipt.')}
        </p>
        <a href="/account/export" download className={`${buttonLook()} mt-4`}>
          <Download className="size-4" aria-hidden />
          {say('Export everything')}
        </a>
      </Part>
      <Part title={say('Delete this account')}>
        <p className="text-sm text-muted">
          {say(
            'Your name, address, notes and sign-ins are erased, and every app is disconnected. Receipts and the books stay, under a number that no longer says who you were.',
          )}
        </p>
        <Button className="mt-4 text-bad!" onClick={() => setLeaving(true)}>
          {say('Delete account')}
        </Button>
      </Part>
      {leaving && <Leave account={account} onClose={() => setLeaving(false)} />}
    </>
  )
}

function Leave({ account, onClose }: { account: Account; onClose: () => void }) {
  const id = useId()
  const [typed, setTyped] = useState('')
  const [forfeit, setForfeit] = useState(account.balance)
  const [agreed, setAgreed] = useState(false)
  const { busy, wrong, attempt } = useTry()
  const { guarded, question } = useStepUp(account)
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const gone = await attempt(async () => {
      try {
        await guarded(() => ownPage('/account', { forfeit }, 'DELETE'))
      } catch (error) {
        const left = error instanceof ApiFailure && error.code === 'account_not_empty' ? error.details : null
        const details = NotEmptyDetails.safeParse(left)
        if (!details.success) throw error
        setForfeit(details.data.balance)
        setAgreed(false)
        throw new ApiFailure('account_not_empty', whatIsLeft(details.data))
      }
      await forgetHere(account.id)
    })
    if (gone) location.assign('/wallet/')
  }
  const ready = typed.trim().toLowerCase() === account.email && (forfeit === 0 || agreed)
  return (
    <Dialog title={say('Delete this account?')} onClose={onClose}>
      <form onSubmit={submit} noValidate className="space-y-4 text-sm">
        <p className="text-muted">{say('This cannot be undone. Export your data first if you want to keep it.')}</p>
        {forfeit > 0 && <GiveUp amount={forfeit} agreed={agreed} onChange={setAgreed} />}
        <div>
          <label htmlFor={id} className="mb-1.5 block font-medium">
            {say('Type your e-mail address to confirm')}
          </label>
          <input
            id={id}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            autoComplete="off"
            spellCheck={false}
            className={inputLook}
          />
        </div>
        {wrong && <Wrong>{wrong}</Wrong>}
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={onClose}>{say('Keep my account')}</Button>
          <Button look="danger" type="submit" disabled={busy || !ready}>
            {say('Delete it')}
          </Button>
        </div>
      </form>
      {question}
    </Dialog>
  )
}

function GiveUp({
  amount,
  agreed,
  onChange,
}: {
  amount: number
  agreed: boolean
  onChange: (agreed: boolean) => void
}) {
  return (
    <label className="flex items-start gap-3 rounded-lg bg-bad-soft p-3 text-bad">
      <input
        type="checkbox"
        checked={agreed}
        onChange={(event) => onChange(event.target.checked)}
        className="mt-0.5 size-4 shrink-0 accent-current"
      />
      {say('I give up my balance of {sum}. It is not paid back.', { sum: exact(amount) })}
    </label>
  )
}

function whatIsLeft({ balance, held, pool, earnings, apps, payments }: NotEmptyDetails): string {
  if (held > 0) return say('{sum} is reserved by running calls. Try again when they have ended.', { sum: exact(held) })
  if (pool > 0) return say('Your grant pool holds {sum}. Withdraw it first.', { sum: exact(pool) })
  if (earnings !== 0) return say('You have earnings of {sum}. Have them paid out first.', { sum: exact(earnings) })
  if (apps > 0)
    return counted('You publish {n} app. Delete them first.', 'You publish {n} apps. Delete them first.', apps)
  if (payments > 0) return say('A payment is under way. Try again when its money has arrived, or when it has failed.')
  return say('Your balance is {sum} now. Look again at what you give up.', { sum: exact(balance) })
}

/** The copy that the wallet kept in this browser goes too. */
async function forgetHere(id: string): Promise<void> {
  localStorage.removeItem('quota.account')
  const origin = location.origin
  if ((await accountsKept(origin)).includes(id)) await deleteDb(await openDb(origin, id))
}
