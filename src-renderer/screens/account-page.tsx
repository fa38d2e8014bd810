// The account page: a page of the server's own origin, where the sign-in of this browser is.
// owns: being signed in here, its two parts. never: the wallet's token or its local copy.
// always true: it works without the wallet; what is shown is what the server says now.

import { Link } from '@tanstack/react-router'
import { ArrowLeft, CloudOff } from 'lucide-react'
import { type ReactNode, useCallback, useEffect, useState } from 'react'
import { Account, Security } from '../../server/contract/api.ts'
import { ApiFailure, ownPage } from '../api.ts'
import { Empty } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Mark } from '../ui/frame.tsx'
import { say } from '../words.ts'
import { AccountData } from './account-data.tsx'
import { AccountTopup } from './account-topup.tsx'
import { Credentials } from './credentials.tsx'
import { SecurityParts } from './security.tsx'

type State =
  | { at: 'loading' | 'signed-out' }
  | { at: 'stuck'; message: string }
  | { at: 'open'; account: Account; security: Security }

export function AccountPage() {
  const [state, setState] = useState<State>({ at: 'loading' })
  const load = useCallback(async () => {
    try {
      const [account, security] = await Promise.all([ownPage('/account'), ownPage('/account/security')])
      setState({ at: 'open', account: Account.parse(account), security: Security.parse(security) })
    } catch (error) {
      const signedOut = error instanceof ApiFailure && error.code === 'unauthorized'
      setState(signedOut ? { at: 'signed-out' } : { at: 'stuck', message: sentenceOf(error) })
    }
  }, [])
  useEffect(() => void load(), [load])
  if (state.at === 'open')
    return (
      <Wide email={state.account.email}>
        <SecurityParts security={state.security} reload={load} />
        <AccountTopup account={state.account} />
        <AccountData account={state.account} />
      </Wide>
    )
  return (
    <Narrow>
      {state.at === 'loading' && (
        <div className="skeleton h-72" role="status" aria-label={say('Loading your account')} />
      )}
      {state.at === 'signed-out' && <Credentials reason={null} onDone={load} onDeny={null} />}
      {state.at === 'stuck' && (
        <div role="alert">
          <Empty
            icon={CloudOff}
            title={say('Your account cannot be shown')}
            action={<Button onClick={load}>{say('Try again')}</Button>}
          >
            {state.message}
          </Empty>
        </div>
      )}
    </Narrow>
  )
}

function Wide({ email, children }: { email: string; children: ReactNode }) {
  return (
    <main className="mx-auto w-full max-w-2xl px-4 py-6 sm:py-10">
      <div className="mb-8 flex flex-wrap items-center justify-between gap-3">
        <Mark />
        <Link to="/" className="inline-flex items-center gap-1.5 rounded text-sm text-muted hover:text-ink">
          <ArrowLeft className="size-4" aria-hidden />
          {say('Back to the wallet')}
        </Link>
      </div>
      <h1 className="text-2xl font-semibold tracking-tight">{say('Your account')}</h1>
      <p className="mt-1 mb-5 text-sm break-words text-muted">{email}</p>
      <div className="space-y-4">{children}</div>
    </main>
  )
}

/** A single card in the middle, for one question. */
export function Narrow({ children }: { children: ReactNode }) {
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-md flex-col justify-center px-4 py-8">
      <div className="mb-5">
        <Mark />
      </div>
      <div className="card p-5 shadow-card sm:p-6">{children}</div>
    </main>
  )
}

export function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="card p-5 sm:p-6" aria-label={title}>
      <h2 className="mb-1 font-semibold tracking-tight">{title}</h2>
      {children}
    </section>
  )
}

const SENTENCES: Record<string, string> = {
  offline: say('The server cannot be reached. Check your connection and try again.'),
  rate_limit_exceeded: say('That was tried too often. Wait a minute and try again.'),
  invalid_credentials: say('The password is wrong.'),
  invalid_second_factor: say('This code is wrong, or was used before. Wait for the next one.'),
  invalid_link: say('This link is not valid, or no longer. Ask for a new one.'),
  invalid_passkey: say('This passkey was not accepted.'),
  weak_password: say('Choose a password of at least 8 characters.'),
  payments_unavailable: say('The payment provider cannot be reached right now. Nothing was charged; try again later.'),
  mail_unavailable: say('This server cannot send mail. Ask whoever runs it.'),
}

/** What went wrong, in a sentence for a person. */
export function sentenceOf(error: unknown): string {
  if (error instanceof ApiFailure) return SENTENCES[error.code] ?? error.message
  // What the browser says when its passkey window is closed (Web Authentication Level 3, 5.1.4).
  if (error instanceof Error && error.name === 'NotAllowedError') return say('Nothing was chosen. Try again.')
  return error instanceof Error ? error.message : String(error)
}

/** A form's own state: busy, and what went wrong. */
export function useTry() {
  const [busy, setBusy] = useState(false)
  const [wrong, setWrong] = useState<string | null>(null)
  /** Answers whether it went well; a person's own "no" says nothing. */
  const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
    setBusy(true)
    setWrong(null)
    try {
      await work()
      return true
    } catch (error) {
      if (!(error instanceof Cancelled)) setWrong(sentenceOf(error))
      return false
    } finally {
      setBusy(false)
    }
  }
  return { busy, wrong, setWrong, attempt }
}

/** The person closed a question. */
export class Cancelled extends Error {}
