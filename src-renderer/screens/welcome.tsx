// Before anybody is signed in, and when nothing can be shown.
// owns: the first screen, and the two ways a start can fail. never: forms (sign-in is a page of the server's origin).
// always true: each failure says what to do.

import { Check, CloudOff, Database } from 'lucide-react'
import { useState } from 'react'
import { signIn, start } from '../session.ts'
import { shell } from '../shell/shell.ts'
import { Empty, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Mark } from '../ui/frame.tsx'
import { say } from '../words.ts'
import { OtherServer } from './servers.tsx'

const PROMISES = [
  [say('You set the limit'), say('Every app gets its own: so much a day, a week, a month or in total.')],
  [say('It holds'), say('The most a call can cost is set aside before it runs. No app spends past its limit.')],
  [say('You can check the bill'), say('Each charge is signed, and recomputed here on your device.')],
]

export function Welcome() {
  const [busy, setBusy] = useState(false)
  const [wrong, setWrong] = useState<string | null>(null)
  const go = async (first: 'sign-in' | 'create') => {
    setBusy(true)
    setWrong(null)
    await signIn(first).catch(() => setWrong(say('The server cannot be reached. Check your connection and try again.')))
    setBusy(false)
  }
  return (
    <main className="mx-auto flex min-h-dvh max-w-md flex-col justify-center px-6 py-12">
      <Mark />
      <h1 className="mt-10 text-3xl leading-tight font-semibold tracking-tight text-balance">
        {say('One balance for the AI in all your apps')}
      </h1>
      <ul className="mt-8 space-y-5">
        {PROMISES.map(([title, text]) => (
          <li key={title} className="flex gap-3">
            <Check className="mt-0.5 size-5 shrink-0 text-accent" aria-hidden />
            <span>
              <span className="font-medium">{title}</span>
              <span className="block text-sm text-muted">{text}</span>
            </span>
          </li>
        ))}
      </ul>
      <div className="mt-10 grid gap-2.5">
        {wrong && <Wrong>{wrong}</Wrong>}
        <Button look="main" size="large" disabled={busy} onClick={() => go('create')}>
          {say('Create account')}
        </Button>
        <Button size="large" disabled={busy} onClick={() => go('sign-in')}>
          {say('Sign in')}
        </Button>
        {busy && shell.kind === 'desktop' && (
          <p role="status" className="text-center text-sm text-muted">
            {say('Go on in your browser. This window follows by itself.')}
          </p>
        )}
        <OtherServer />
      </div>
    </main>
  )
}

export function Stuck({ reason, message }: { reason: 'unreachable' | 'storage'; message: string }) {
  return (
    <main className="grid min-h-dvh place-items-center" role="alert">
      {reason === 'unreachable' ? (
        <Empty
          icon={CloudOff}
          title={say('The server cannot be reached')}
          action={
            <div className="space-y-4">
              <Button look="main" onClick={() => start(true)}>
                {say('Try again')}
              </Button>
              <OtherServer />
            </div>
          }
        >
          {say(
            'There is no copy of your wallet on this device yet, so there is nothing to show without it. Check your connection.',
          )}
        </Empty>
      ) : (
        <Empty
          icon={Database}
          title={say('Your records cannot be kept here')}
          action={
            <Button look="main" onClick={() => location.reload()}>
              {say('Try again')}
            </Button>
          }
        >
          {say(
            'This browser does not let the wallet keep a copy on this device; a private window or a full disk does that.',
          )}{' '}
          ({message})
        </Empty>
      )}
    </main>
  )
}
