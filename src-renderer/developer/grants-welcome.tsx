// The welcome grant of an app, and the most that one user gets.
// owns: the form. never: the giving (the server gives it when somebody connects).
// always true: an empty field means none.

import { type FormEvent, useState } from 'react'
import type { App } from '../../server/contract/api.ts'
import { GrantSettings } from '../../server/contract/developers.ts'
import { amountOf, typed } from '../format.ts'
import { useTry } from '../screens/account-page.tsx'
import { useWallet } from '../session.ts'
import { Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { say } from '../words.ts'
import { Answer, Card, Field } from './bits.tsx'
import { useRemote } from './remote.ts'

export function WelcomeCard({ app }: { app: App }) {
  const path = `/developers/apps/${app.id}/grant-settings`
  const settings = useRemote(path, GrantSettings)
  return (
    <Card title={say('Welcome grant')}>
      <Answer of={settings}>
        {(of) => <Form key={JSON.stringify(of)} of={of} path={path} reload={settings.reload} />}
      </Answer>
    </Card>
  )
}

function Form({ of, path, reload }: { of: GrantSettings; path: string; reload: () => Promise<void> }) {
  const { api } = useWallet()
  const { busy, wrong, setWrong, attempt } = useTry()
  const [saved, setSaved] = useState(false)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const settings = settingsOf(new FormData(event.currentTarget))
    if (settings === null) return setWrong(say('Write amounts in dollars, such as 0.50, and days as a whole number.'))
    void attempt(async () => {
      await api.put(path, settings)
      setSaved(true)
      await reload()
    })
  }
  return (
    <form onSubmit={submit} onChange={() => setSaved(false)} className="space-y-4">
      <Field
        label={say('For each new user, in dollars')}
        name="welcome"
        inputMode="decimal"
        defaultValue={of.welcome ? typed(of.welcome.amount) : ''}
        hint={say('Given out of your pool when somebody connects for the first time.')}
      />
      <Field
        label={say('It expires after days')}
        name="days"
        inputMode="numeric"
        defaultValue={String(of.welcome?.expires_after_days ?? '')}
      />
      <Field
        label={say('The most for one user, in dollars')}
        name="most"
        inputMode="decimal"
        defaultValue={of.per_user_max ? typed(of.per_user_max) : ''}
        hint={say('Of all grants of this app together.')}
      />
      {wrong && <Wrong>{wrong}</Wrong>}
      <div className="flex items-center gap-3">
        <Button type="submit" disabled={busy}>
          {say('Save')}
        </Button>
        <span role="status" className="text-sm text-muted">
          {saved ? say('Saved.') : ''}
        </span>
      </div>
    </form>
  )
}

/** Null when a field is neither empty nor what it should be. */
function settingsOf(form: FormData): GrantSettings | null {
  const [welcome, days, most] = ['welcome', 'days', 'most'].map((name) => String(form.get(name)).trim())
  const amount = welcome ? amountOf(welcome) : undefined
  const perUser = most ? amountOf(most) : undefined
  const whole = days ? Number(days) : undefined
  if (amount === null || perUser === null || (whole !== undefined && !(Number.isInteger(whole) && whole > 0)))
    return null
  return {
    welcome: amount === undefined ? null : { amount, expires_after_days: whole ?? null },
    per_user_max: perUser ?? null,
  }
}
