// A lost password, and proving an address: pages that a link in a mail opens.
// owns: the forms. never: whether an address has an account (nobody is told).
// always true: opening a link does nothing by itself; a mail program that looks ahead uses nothing up.

import { Link, useSearch } from '@tanstack/react-router'
import { type FormEvent, type ReactNode, useId, useState } from 'react'
import { ownPage } from '../api.ts'
import { inputLook, Wrong } from '../ui/bits.tsx'
import { Button, buttonLook } from '../ui/button.tsx'
import { say } from '../words.ts'
import { Narrow, useTry } from './account-page.tsx'

const PASSWORD_MIN = 8

/** /reset: asks for the mail, or with a link's token for the new password. */
export function Recover() {
  const { token } = useSearch({ from: '/reset' })
  return <Narrow>{token ? <NewPassword token={token} /> : <AskForLink />}</Narrow>
}

function AskForLink() {
  const id = useId()
  const [sentTo, setSentTo] = useState<string | null>(null)
  const { busy, wrong, attempt } = useTry()
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const email = String(new FormData(event.currentTarget).get('email')).trim()
    if (await attempt(() => ownPage('/auth/reset', { email }))) setSentTo(email)
  }
  if (sentTo !== null)
    return (
      <Done title={say('Look into your mail')}>
        {say('If {email} has an account, a link is on its way. It works once, within an hour.', { email: sentTo })}
      </Done>
    )
  return (
    <form onSubmit={submit} noValidate>
      <Head title={say('Forgot your password?')}>
        {say('Enter your e-mail address. A link to set a new one is sent to it.')}
      </Head>
      <Label id={id}>{say('E-mail')}</Label>
      <input id={id} name="email" type="email" autoComplete="username" maxLength={254} className={inputLook} />
      <Foot wrong={wrong} busy={busy} button={say('Send the link')} />
    </form>
  )
}

function NewPassword({ token }: { token: string }) {
  const id = useId()
  const [done, setDone] = useState(false)
  const { busy, wrong, setWrong, attempt } = useTry()
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const password = String(new FormData(event.currentTarget).get('password'))
    if (password.length < PASSWORD_MIN)
      return setWrong(say('Choose a password of at least {min} characters.', { min: PASSWORD_MIN }))
    setDone(await attempt(() => ownPage('/auth/reset/confirm', { token, password })))
  }
  if (done)
    return (
      <Done title={say('Your password is set')}>
        {say('Every device and app was signed out. Sign in with the new password, here or in the desktop wallet.')}
      </Done>
    )
  return (
    <form onSubmit={submit} noValidate>
      <Head title={say('Set a new password')}>
        {say('It signs out every device and app. Connections and limits stay.')}
      </Head>
      <Label id={id}>{say('New password')}</Label>
      <input
        id={id}
        name="password"
        type="password"
        autoComplete="new-password"
        maxLength={1024}
        aria-describedby={`${id}-rule`}
        className={inputLook}
      />
      <p id={`${id}-rule`} className="mt-1.5 text-xs text-muted">
        {say('At least {min} characters.', { min: PASSWORD_MIN })}
      </p>
      <Foot wrong={wrong} busy={busy} button={say('Set password')} again />
    </form>
  )
}

/** /verify: proves an address, by a button. */
export function VerifyEmail() {
  const { token } = useSearch({ from: '/verify' })
  const [email, setEmail] = useState<string | null>(null)
  const { busy, wrong, attempt } = useTry()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void attempt(async () => {
      const answer = (await ownPage('/auth/verify', { token: token ?? '' })) as { email: string }
      setEmail(answer.email)
    })
  }
  return (
    <Narrow>
      {email === null ? (
        <form onSubmit={submit}>
          <Head title={say('Confirm your e-mail address')}>{say('One more step: say that the address is yours.')}</Head>
          <Foot wrong={wrong} busy={busy} button={say('Confirm')} />
        </form>
      ) : (
        <Done title={say('Confirmed')}>{say('{email} is the address of your account.', { email })}</Done>
      )}
    </Narrow>
  )
}

function Head({ title, children }: { title: string; children: string }) {
  return (
    <>
      <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
      <p className="mt-1 mb-5 text-sm text-muted">{children}</p>
    </>
  )
}

function Label({ id, children }: { id: string; children: string }) {
  return (
    <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
      {children}
    </label>
  )
}

type FootProps = { wrong: string | null; busy: boolean; button: string; again?: boolean }

function Foot({ wrong, busy, button, again = false }: FootProps) {
  return (
    <>
      {wrong && (
        <div className="mt-4">
          <Wrong>{wrong}</Wrong>
        </div>
      )}
      <div className="mt-6 grid gap-2">
        <Button look="main" size="large" type="submit" disabled={busy}>
          {button}
        </Button>
        {again && wrong && (
          <Link to="/reset" search={{}} className={buttonLook('plain', 'large')}>
            {say('Ask for a new link')}
          </Link>
        )}
      </div>
    </>
  )
}

function Done({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div role="status">
      <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
      <p className="mt-1 mb-6 text-sm break-words text-muted">{children}</p>
      <Link to="/account" className={`${buttonLook('main', 'large')} w-full`}>
        {say('Go to your account')}
      </Link>
    </div>
  )
}
