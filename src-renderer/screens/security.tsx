// The security part of the account page.
// owns: the address, the password, and the order of the parts. never: the parts of other files.
// always true: what could lock somebody out asks for a fresh proof first, by the server's word.

import { MailWarning } from 'lucide-react'
import { type FormEvent, useId, useState } from 'react'
import type { Security } from '../../server/contract/api.ts'
import { ownPage } from '../api.ts'
import { Banner, inputLook, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { say } from '../words.ts'
import { Part, useTry } from './account-page.tsx'
import { Devices } from './security-devices.tsx'
import { Passkeys } from './security-passkeys.tsx'
import { type Guarded, useStepUp } from './security-step-up.tsx'
import { Authenticator } from './security-totp.tsx'

/** What every part gets: the state as it stands, a way to read it again, and one to ask with a fresh proof. */
export type PartProps = { security: Security; reload: () => Promise<void>; guarded: Guarded }

export function SecurityParts({ security, reload }: { security: Security; reload: () => Promise<void> }) {
  const { guarded, question } = useStepUp(security)
  const props = { security, reload, guarded }
  return (
    <>
      {!security.email_verified && <Unproven />}
      <Password {...props} />
      <Passkeys {...props} />
      <Authenticator {...props} />
      <Devices reload={reload} />
      <Email {...props} />
      {question}
    </>
  )
}

function Unproven() {
  const [sent, setSent] = useState(false)
  const { busy, wrong, attempt } = useTry()
  const send = async () => setSent(await attempt(() => ownPage('/account/email/verify', {})))
  return (
    <Banner
      tone="warn"
      icon={MailWarning}
      action={
        !sent && (
          <Button disabled={busy} onClick={send}>
            {say('Send the mail again')}
          </Button>
        )
      }
    >
      {sent
        ? say('Sent. Open the link in it within an hour.')
        : (wrong ??
          say(
            'Your e-mail address is not confirmed yet. Open the link in the mail that we sent you, so that you can set a new password if you lose yours.',
          ))}
    </Banner>
  )
}

const PASSWORD_MIN = 8

function Password({ security, guarded }: PartProps) {
  const id = useId()
  const [open, setOpen] = useState(false)
  const [done, setDone] = useState(false)
  const { busy, wrong, setWrong, attempt } = useTry()
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const body = { current_password: String(form.get('current')), password: String(form.get('next')) }
    if (body.password.length < PASSWORD_MIN)
      return setWrong(say('Choose a password of at least {min} characters.', { min: PASSWORD_MIN }))
    const changed = await attempt(() => guarded(() => ownPage('/account/password', body)))
    setDone(changed)
    setOpen(!changed)
  }
  return (
    <Part title={say('Password')}>
      <p className="text-sm text-muted">
        {done
          ? say('Changed. Every other device and app was signed out.')
          : say('Changing it signs out every other device and app. Connections and limits stay.')}
      </p>
      {open ? (
        <form onSubmit={submit} noValidate className="mt-4 space-y-4">
          <input type="text" name="username" autoComplete="username" value={security.email} readOnly hidden />
          <Field id={`${id}-current`} name="current" label={say('Current password')} complete="current-password" />
          <Field id={`${id}-next`} name="next" label={say('New password')} complete="new-password" />
          {wrong && <Wrong>{wrong}</Wrong>}
          <div className="flex gap-2">
            <Button look="main" type="submit" disabled={busy}>
              {say('Change password')}
            </Button>
            <Button onClick={() => setOpen(false)}>{say('Cancel')}</Button>
          </div>
        </form>
      ) : (
        <Button className="mt-4" onClick={() => setOpen(true)}>
          {say('Change password')}
        </Button>
      )}
    </Part>
  )
}

function Field({ id, name, label, complete }: { id: string; name: string; label: string; complete: string }) {
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {label}
      </label>
      <input
        id={id}
        name={name}
        type="password"
        autoComplete={complete}
        required
        maxLength={1024}
        className={inputLook}
      />
    </div>
  )
}

function Email({ security, guarded }: PartProps) {
  const id = useId()
  const [sentTo, setSentTo] = useState<string | null>(null)
  const { busy, wrong, attempt } = useTry()
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const email = String(new FormData(event.currentTarget).get('email')).trim()
    if (await attempt(() => guarded(() => ownPage('/account/email', { email })))) setSentTo(email)
  }
  return (
    <Part title={say('E-mail address')}>
      <p className="text-sm break-words text-muted">
        {sentTo === null
          ? say('It is {email}. A new one is used once you open the link that is sent to it.', {
              email: security.email,
            })
          : say('If {email} is free, a link is on its way to it. Until you open it, nothing changes.', {
              email: sentTo,
            })}
      </p>
      {sentTo === null && (
        <form onSubmit={submit} noValidate className="mt-4 flex flex-wrap items-end gap-2">
          <div className="min-w-0 flex-1 basis-56">
            <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
              {say('New address')}
            </label>
            <input id={id} name="email" type="email" autoComplete="email" maxLength={254} className={inputLook} />
          </div>
          <Button type="submit" disabled={busy} className="h-11">
            {say('Send the link')}
          </Button>
          {wrong && (
            <div className="w-full">
              <Wrong>{wrong}</Wrong>
            </div>
          )}
        </form>
      )}
    </Part>
  )
}
