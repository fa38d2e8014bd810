// The other ways of signing in: a code after the password, and a passkey instead of it.
// owns: these two steps. never: the password beyond the step that needs it again.
// always true: the page says what it asks for, and how to go on without the phone.

import { browserSupportsWebAuthn, startAuthentication } from '@simplewebauthn/browser'
import { Fingerprint } from 'lucide-react'
import { type FormEvent, useId, useState } from 'react'
import { ownPage } from '../api.ts'
import { inputLook, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { say } from '../words.ts'
import { useTry } from './account-page.tsx'
import { CodeField } from './security-step-up.tsx'

export type Given = { email: string; password: string }
type Options = Parameters<typeof startAuthentication>[0]['optionsJSON']

/** Asks for the second factor of somebody whose password was right. */
export function SecondFactor({
  given,
  onDone,
  onBack,
}: {
  given: Given
  onDone: () => Promise<void>
  onBack: () => void
}) {
  const id = useId()
  const [by, setBy] = useState<'totp' | 'recovery_code'>('totp')
  const { busy, wrong, attempt } = useTry()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const code = String(new FormData(event.currentTarget).get('code')).replaceAll(' ', '')
    void attempt(async () => {
      await ownPage('/auth/login', { ...given, [by]: code })
      await onDone()
    })
  }
  return (
    <form onSubmit={submit} noValidate key={by}>
      <h1 className="text-xl font-semibold tracking-tight">{say('One more step')}</h1>
      <p className="mt-1 mb-5 text-sm text-muted">
        {by === 'totp'
          ? say('Your account asks for a code of your authenticator app.')
          : say('Enter one of the recovery codes that you kept. It is used up by this.')}
      </p>
      {by === 'totp' ? (
        <CodeField name="code" />
      ) : (
        <>
          <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
            {say('Recovery code')}
          </label>
          <input id={id} name="code" autoComplete="off" spellCheck={false} maxLength={64} className={inputLook} />
        </>
      )}
      {wrong && (
        <div className="mt-4">
          <Wrong>{wrong}</Wrong>
        </div>
      )}
      <div className="mt-6 grid gap-2">
        <Button look="main" size="large" type="submit" disabled={busy}>
          {say('Sign in')}
        </Button>
        <Button look="quiet" onClick={() => setBy(by === 'totp' ? 'recovery_code' : 'totp')}>
          {by === 'totp' ? say('Use a recovery code') : say('Use the authenticator app')}
        </Button>
        <Button look="quiet" onClick={onBack}>
          {say('Back')}
        </Button>
      </div>
    </form>
  )
}

/** Whether this page may use passkeys: they are bound to a name, so not at a bare address. */
const possible = (): boolean =>
  browserSupportsWebAuthn() && !/^[\d.]+$/.test(location.hostname) && !location.hostname.startsWith('[')

export function PasskeyButton({
  onDone,
  onWrong,
}: {
  onDone: () => Promise<void>
  onWrong: (said: string | null) => void
}) {
  const { busy, wrong, attempt } = useTry()
  if (!possible()) return null
  const go = async () => {
    onWrong(null)
    await attempt(async () => {
      const { options } = (await ownPage('/auth/passkey/options', {})) as { options: Options }
      await ownPage('/auth/passkey', { passkey: await startAuthentication({ optionsJSON: options }) })
      await onDone()
    })
  }
  return (
    <>
      <Button size="large" disabled={busy} onClick={go}>
        <Fingerprint className="size-4" aria-hidden />
        {say('Use a passkey')}
      </Button>
      {wrong && <Wrong>{wrong}</Wrong>}
    </>
  )
}
