// Sign-in and consent, as pages of the server's own origin.
// owns: the conversation of /oauth/interactions/{uid}. never: tokens, the local database. always true: every request
// carries the session cookie and the CSRF mark, and a person is sent on only to where the server says.

import { useParams } from '@tanstack/react-router'
import { CircleX } from 'lucide-react'
import { type ReactNode, useCallback, useEffect, useRef, useState } from 'react'
import { Interaction, type InteractionAnswer, InteractionReply } from '../../server/contract/api.ts'
import { ApiFailure, ownPage } from '../api.ts'
import { cleanName } from '../format.ts'
import { readModels } from '../model-list.ts'
import { Empty, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Mark } from '../ui/frame.tsx'
import { RequestForm } from '../ui/request-form.tsx'
import { say } from '../words.ts'
import { Credentials } from './credentials.tsx'

const OWN_CLIENT = 'quota-wallet'

type Step =
  | { at: 'loading' }
  | { at: 'leaving' }
  | { at: 'gone'; message: string; again: boolean }
  | { at: 'ask'; interaction: Interaction }

export function InteractionPage() {
  const { uid } = useParams({ from: '/interaction/$uid' })
  const { step, load, answer, busy, wrong } = useInteraction(uid)
  return (
    <Page>
      {step.at === 'loading' && <Skeleton />}
      {step.at === 'leaving' && (
        <p role="status" className="py-16 text-center text-sm text-muted">
          {say('Done. Taking you back… You can close this page if nothing happens.')}
        </p>
      )}
      {step.at === 'gone' && (
        <div role="alert">
          <Empty
            icon={CircleX}
            title={say('This request is over')}
            action={step.again && <Button onClick={load}>{say('Try again')}</Button>}
          >
            {step.message}
          </Empty>
        </div>
      )}
      {step.at === 'ask' && <Ask interaction={step.interaction} busy={busy} wrong={wrong} answer={answer} />}
    </Page>
  )
}

/** Where the conversation stands, and its two moves: ask again, and answer. */
function useInteraction(uid: string) {
  const path = `/oauth/interactions/${encodeURIComponent(uid)}`
  const [step, setStep] = useState<Step>({ at: 'loading' })
  const [busy, setBusy] = useState(false)
  const [wrong, setWrong] = useState<string | null>(null)
  // Once: our own answer and a look at the wallet's may come back together, and the address is good for one visit.
  const left = useRef(false)
  const leave = useCallback((address: string) => {
    if (left.current) return
    left.current = true
    setStep({ at: 'leaving' })
    goTo(address)
  }, [])
  const take = useCallback(
    (interaction: Interaction) => {
      if (interaction.redirect_to) leave(interaction.redirect_to)
      else if (!left.current) setStep({ at: 'ask', interaction })
    },
    [leave],
  )
  const load = useCallback(async () => {
    try {
      take(Interaction.parse(await ownPage(path)))
    } catch (error) {
      // One that is over stays over; the others may pass.
      const over = error instanceof ApiFailure && error.status === 404
      setStep({ at: 'gone', message: gone(error), again: !over })
    }
  }, [path, take])
  useEffect(() => void load(), [load])
  useAnswerElsewhere(path, step.at === 'ask' && Boolean(step.interaction.match), take)
  const answer = async (body: InteractionAnswer) => {
    setBusy(true)
    setWrong(null)
    try {
      leave(InteractionReply.parse(await ownPage(path, body)).redirect_to)
    } catch (error) {
      // Signed out meanwhile; or the wallet was faster, and the server says where to go on.
      if (error instanceof ApiFailure && (error.code === 'unauthorized' || error.status === 404)) await load()
      else setWrong(error instanceof Error ? error.message : String(error))
    }
    setBusy(false)
  }
  return { step, load, answer, busy, wrong }
}

const LOOK_EVERY_MS = 1000

/** While the wallet shows the request too: looks whether it was answered there, and goes on as the wallet said. */
function useAnswerElsewhere(path: string, shown: boolean, take: (interaction: Interaction) => void) {
  useEffect(() => {
    if (!shown) return
    let busy = false
    const timer = setInterval(async () => {
      if (busy) return
      busy = true
      // A look that fails is no answer: the page stays as it is, and the next look may succeed.
      const found = await ownPage(path).then(Interaction.parse, () => null)
      busy = false
      if (found && (found.redirect_to || !found.match)) take(found)
    }, LOOK_EVERY_MS)
    return () => clearInterval(timer)
  }, [path, shown, take])
}

type AskProps = {
  interaction: Interaction
  busy: boolean
  wrong: string | null
  answer: (body: InteractionAnswer) => Promise<void>
}

function Ask({ interaction, busy, wrong, answer }: AskProps) {
  const own = interaction.client.id === OWN_CLIENT
  const deny = () => answer({ decision: 'deny' })
  if (interaction.prompt === 'login') {
    return (
      <div className="space-y-4">
        <Credentials
          reason={own ? null : cleanName(interaction.client.name)}
          onDone={() => answer({ decision: 'continue' })}
          onDeny={own ? null : deny}
        />
        {wrong && <Wrong>{wrong}</Wrong>}
      </div>
    )
  }
  return (
    <RequestForm
      request={{ ...interaction, match: interaction.match ?? null }}
      current={interaction.current ?? null}
      side="page"
      busy={busy}
      wrong={wrong}
      loadModels={async () => readModels(await ownPage('/v1/models'))}
      onAllow={(terms) => answer({ decision: 'approve', ...terms })}
      onDeny={deny}
    />
  )
}

function Page({ children }: { children: ReactNode }) {
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-md flex-col justify-center px-4 py-8">
      <div className="mb-5">
        <Mark />
      </div>
      <div className="card p-5 shadow-card sm:p-6">{children}</div>
    </main>
  )
}

function Skeleton() {
  return (
    <div aria-busy="true" role="status" aria-label={say('Loading the request')}>
      <div className="flex items-center gap-4">
        <div className="skeleton size-14" />
        <div className="flex-1 space-y-2">
          <div className="skeleton h-5 w-3/4" />
          <div className="skeleton h-5 w-1/3" />
        </div>
      </div>
      <div className="skeleton mt-6 h-16" />
      <div className="skeleton mt-6 h-12" />
      <div className="skeleton mt-3 h-11" />
      <div className="skeleton mt-6 h-11" />
      <div className="skeleton mt-2 h-11" />
    </div>
  )
}

function gone(error: unknown): string {
  if (!(error instanceof ApiFailure))
    return say('The server’s answer could not be read. Go back to the app and start again.')
  if (error.code === 'offline') return say('The server cannot be reached. Check your connection and try again.')
  if (error.status === 404) return say('It has expired or was answered already. Go back to the app and start again.')
  return error.message
}

const NEVER = new Set(['javascript:', 'data:', 'blob:', 'vbscript:', 'file:'])

/** Leaves for where the server says; an app's own scheme is allowed, one that would run here is not. */
function goTo(address: string): void {
  const url = new URL(address, location.href)
  if (NEVER.has(url.protocol)) throw new Error(say('The app’s return address is not allowed.'))
  location.assign(url)
}
