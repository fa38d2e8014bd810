// "Is it really you?": the question before a change, and the change again after it.
// owns: the dialog. never: the change. always true: the server decides when it is asked; closing it changes nothing.

import { startAuthentication } from '@simplewebauthn/browser'
import { Fingerprint } from 'lucide-react'
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { ApiFailure, ownPage } from '../api.ts'
import { inputLook, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { say } from '../words.ts'
import { Cancelled, useTry } from './account-page.tsx'

/** Does something that may ask for a fresh proof; then asks the person, and does it again. */
export type Guarded = <T>(work: () => Promise<T>) => Promise<T>
type Question = { methods: string[]; end: (proven: boolean) => void }

export function useStepUp({ email }: { email: string }): { guarded: Guarded; question: ReactNode } {
  const [asked, setAsked] = useState<Question | null>(null)
  const guarded: Guarded = async (work) => {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof ApiFailure) || error.code !== 'step_up_required') throw error
      const methods = (error.details?.methods ?? []) as string[]
      const proven = await new Promise<boolean>((end) => setAsked({ methods, end }))
      setAsked(null)
      if (!proven) throw new Cancelled()
      return work()
    }
  }
  return { guarded, question: asked && <Proof {...asked} email={email} /> }
}

function Proof({ methods, end, email }: Question & { email: string }) {
  const { busy, wrong, attempt } = useTry()
  const [by, setBy] = useState<'password' | 'totp'>('password')
  const prove = async (body: object) => {
    if (await attempt(() => ownPage('/account/step-up', body))) end(true)
  }
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    void prove({ [by]: String(new FormData(event.currentTarget).get('proof')).replaceAll(' ', '') })
  }
  const submitPassword = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    void prove({ password: String(new FormData(event.currentTarget).get('proof')) })
  }
  const withPasskey = () =>
    attempt(async () => {
      const { options } = (await ownPage('/account/step-up/options', {})) as { options: PasskeyQuestion }
      await ownPage('/account/step-up', { passkey: await startAuthentication({ optionsJSON: options }) })
    }).then((proven) => proven && end(true))
  return (
    <Dialog title={say('Confirm that it is you')} onClose={() => end(false)}>
      <p className="mb-4 text-sm text-muted">
        {say('This change asks for it. It then holds for five minutes on this device.')}
      </p>
      <form onSubmit={by === 'password' ? submitPassword : submit} noValidate className="space-y-4">
        <input type="text" name="username" autoComplete="username" value={email} readOnly hidden />
        {by === 'password' ? <PasswordField /> : <CodeField />}
        {wrong && <Wrong>{wrong}</Wrong>}
        <div className="grid gap-2">
          <Button look="main" size="large" type="submit" disabled={busy}>
            {say('Confirm')}
          </Button>
          {methods.includes('passkey') && (
            <Button size="large" disabled={busy} onClick={withPasskey}>
              <Fingerprint className="size-4" aria-hidden />
              {say('Use a passkey')}
            </Button>
          )}
          {methods.includes('totp') && (
            <Button look="quiet" onClick={() => setBy(by === 'password' ? 'totp' : 'password')}>
              {by === 'password' ? say('Use a code instead') : say('Use the password instead')}
            </Button>
          )}
        </div>
      </form>
    </Dialog>
  )
}

type PasskeyQuestion = Parameters<typeof startAuthentication>[0]['optionsJSON']

function PasswordField() {
  const id = useId()
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {say('Password')}
      </label>
      <input
        id={id}
        name="proof"
        type="password"
        autoComplete="current-password"
        maxLength={1024}
        className={inputLook}
      />
    </div>
  )
}

/** Six digits of an authenticator app. */
export function CodeField({ name = 'proof' }: { name?: string }) {
  const id = useId()
  const field = useRef<HTMLInputElement>(null)
  // It is the one thing to do now, and comes after another step that had the focus.
  useEffect(() => field.current?.focus(), [])
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {say('Code of your authenticator app')}
      </label>
      <input
        ref={field}
        id={id}
        name={name}
        inputMode="numeric"
        autoComplete="one-time-code"
        maxLength={7}
        placeholder="123 456"
        className={`${inputLook} nums`}
      />
    </div>
  )
}
