// Signing in, or creating an account.
// owns: the two forms. never: what follows. always true: a password stays in the form and the one request.

import { Link } from '@tanstack/react-router'
import { type FormEvent, useId, useState } from 'react'
import { ApiFailure, ownPage } from '../api.ts'
import { Say } from '../say.tsx'
import { wantsNewAccount } from '../session.ts'
import { inputLook, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { say } from '../words.ts'
import { type Given, PasskeyButton, SecondFactor } from './security-sign-in.tsx'

const PASSWORD_MIN = 8
const TOO_SHORT = say('Choose a password of at least {min} characters.', { min: PASSWORD_MIN })

type Props = {
  /** The app that asked for it, or null when the person came by themselves. */
  reason: string | null
  onDone: () => Promise<void>
  onDeny: (() => void) | null
}

export function Credentials({ reason, onDone, onDeny }: Props) {
  const [creating, setCreating] = useState(wantsNewAccount)
  const [busy, setBusy] = useState(false)
  const [wrong, setWrong] = useState<string | null>(null)
  const [half, setHalf] = useState<Given | null>(null)
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const body = { email: String(form.get('email')).trim(), password: String(form.get('password')) }
    if (creating && body.password.length < PASSWORD_MIN) return setWrong(TOO_SHORT)
    setBusy(true)
    setWrong(null)
    try {
      await ownPage(creating ? '/auth/register' : '/auth/login', body)
      if (creating) await setTimeZone()
      await onDone()
    } catch (error) {
      if (error instanceof ApiFailure && error.code === 'second_factor_required') setHalf(body)
      else setWrong(sentence(error))
    }
    setBusy(false)
  }
  if (half) return <SecondFactor given={half} onDone={onDone} onBack={() => setHalf(null)} />
  return (
    <form onSubmit={submit} noValidate>
      <h1 className="text-xl font-semibold tracking-tight">{creating ? say('Create your account') : say('Sign in')}</h1>
      <p className="mt-1 mb-5 text-sm text-muted">
        <Intro reason={reason} creating={creating} />
      </p>
      <Fields creating={creating} />
      {wrong && (
        <div className="mt-4">
          <Wrong>{wrong}</Wrong>
        </div>
      )}
      <div className="mt-6 grid gap-2">
        <Button look="main" size="large" type="submit" disabled={busy}>
          {creating ? say('Create account') : say('Sign in')}
        </Button>
        {!creating && <PasskeyButton onDone={onDone} onWrong={setWrong} />}
        {onDeny && (
          <Button size="large" onClick={onDeny}>
            {say('Deny')}
          </Button>
        )}
      </div>
      <OtherForm
        creating={creating}
        onSwitch={() => {
          setCreating(!creating)
          setWrong(null)
        }}
      />
    </form>
  )
}

function OtherForm({ creating, onSwitch }: { creating: boolean; onSwitch: () => void }) {
  return (
    <p className="mt-5 text-center text-sm text-muted">
      {creating ? say('You have an account?') : say('New here?')}{' '}
      <button
        type="button"
        className="rounded font-medium text-accent underline-offset-4 hover:underline"
        onClick={onSwitch}
      >
        {creating ? say('Sign in instead') : say('Create an account')}
      </button>
    </p>
  )
}

function Intro({ reason, creating }: { reason: string | null; creating: boolean }) {
  if (reason) {
    return (
      <Say
        words="{app} wants to connect to your wallet. You decide what it may spend in the next step."
        app={<bdi>{reason}</bdi>}
      />
    )
  }
  return creating ? say('It holds your balance, your limits and your receipts.') : say('Welcome back.')
}

function Fields({ creating }: { creating: boolean }) {
  const id = useId()
  return (
    <>
      <label htmlFor={`${id}-email`} className="mb-1.5 block text-sm font-medium">
        {say('E-mail')}
      </label>
      <input
        id={`${id}-email`}
        name="email"
        type="email"
        autoComplete="username"
        required
        maxLength={254}
        className={inputLook}
      />
      <label htmlFor={`${id}-password`} className="mt-4 mb-1.5 block text-sm font-medium">
        {say('Password')}
      </label>
      <input
        id={`${id}-password`}
        name="password"
        type="password"
        autoComplete={creating ? 'new-password' : 'current-password'}
        required
        maxLength={1024}
        aria-describedby={creating ? `${id}-rule` : undefined}
        className={inputLook}
      />
      {creating ? (
        <p id={`${id}-rule`} className="mt-1.5 text-xs text-muted">
          {say('At least {min} characters.', { min: PASSWORD_MIN })}
        </p>
      ) : (
        <p className="mt-2 text-end text-sm">
          <Link to="/reset" search={{}} className="rounded text-accent underline-offset-4 hover:underline">
            {say('Forgot password?')}
          </Link>
        </p>
      )}
    </>
  )
}

/** A new account's limits start again by this device's calendar; the person can change it in Settings. */
async function setTimeZone(): Promise<void> {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
  await ownPage('/account', { time_zone: timeZone }, 'PATCH').catch(() => {}) // not worth failing a sign-up for
}

const SENTENCES: Record<string, string> = {
  email_exists: say('There is an account with this e-mail already. Sign in instead.'),
  invalid_credentials: say('The e-mail or the password is wrong.'),
  rate_limit_exceeded: say('That was tried too often. Wait a minute and try again.'),
  offline: say('The server cannot be reached. Check your connection and try again.'),
}

function sentence(error: unknown): string {
  if (error instanceof ApiFailure) return SENTENCES[error.code] ?? error.message
  return error instanceof Error ? error.message : String(error)
}
