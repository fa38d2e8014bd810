// How fresh the copy is.
// owns: the one mark, and the banners for when it is not fresh. never: syncing. always true: "offline" says since when.

import { Link } from '@tanstack/react-router'
import { CloudOff, History, KeyRound, ShieldAlert, TriangleAlert, X } from 'lucide-react'
import { setMeta } from '../db.ts'
import { count, plural, when } from '../format.ts'
import { useCursor, useMeta, useNow, useWrong } from '../live.ts'
import { signIn, useWallet } from '../session.ts'
import { Banner } from './bits.tsx'
import { Button, buttonLook } from './button.tsx'

/** One line: a dot and a few words. */
export function SyncMark() {
  const status = useMeta('status')
  const entries = useCursor()?.entries ?? 0
  const now = useNow()
  const state = status?.state ?? 'connecting'
  const words = {
    connecting: 'Connecting…',
    filling: `Fetching history · ${count(entries)}`,
    live: 'Up to date',
    offline: `Offline since ${when(status?.contact ?? status?.since ?? now, now)}`,
    paused: 'Signed out',
    failing: 'Not up to date',
  }[state]
  const dot =
    state === 'live' ? 'bg-accent' : state === 'filling' || state === 'connecting' ? 'bg-accent/40' : 'bg-warn'
  return (
    <span role="status" aria-label="Sync" className="flex min-w-0 items-center gap-2 text-xs text-muted">
      <span aria-hidden className={`size-2 shrink-0 rounded-full ${dot}`} />
      <span className="nums truncate">{words}</span>
    </span>
  )
}

/** What a person has to know before trusting the figures below. */
export function SyncBanners() {
  const { sync } = useWallet()
  const status = useMeta('status')
  const now = useNow()
  if (!status) return null
  const asOf = status.contact ? when(status.contact, now) : null
  const retry = (
    <Button onClick={() => sync.now()} className="h-8">
      Try now
    </Button>
  )
  return (
    <>
      {status.state === 'offline' && (
        <Banner tone="warn" icon={CloudOff} action={retry}>
          Offline since {asOf ?? when(status.since, now)}. You see everything as it was then; changes you make are sent
          later.
        </Banner>
      )}
      {status.state === 'failing' && (
        <Banner tone="warn" icon={TriangleAlert} alert action={retry}>
          Not up to date{asOf && ` since ${asOf}`}: {status.message} The wallet keeps trying.
        </Banner>
      )}
      {status.state === 'paused' && (
        <Banner
          tone="warn"
          icon={KeyRound}
          alert
          action={
            <Button look="main" className="h-8" onClick={() => signIn('sign-in')}>
              Sign in
            </Button>
          }
        >
          You are signed out. {asOf && `You see everything as it was at ${asOf}. `}Nothing is lost; sign in to go on.
        </Banner>
      )}
      <RebuiltBanner />
      <WrongBanner />
    </>
  )
}

function RebuiltBanner() {
  const { db } = useWallet()
  const rebuilt = useMeta('rebuilt')
  const now = useNow()
  if (!rebuilt) return null
  return (
    <Banner
      tone="warn"
      icon={History}
      alert
      action={
        <Button look="quiet" className="h-8" aria-label="Dismiss" onClick={() => setMeta(db, 'rebuilt', null)}>
          <X className="size-4" aria-hidden />
        </Button>
      }
    >
      The server’s records were put back to an earlier state, so this copy was rebuilt {when(rebuilt.at, now)}. It held{' '}
      {plural(rebuilt.entries, 'entry', 'entries')} before; the newest are kept on this device as evidence. Compare your
      balance, and ask the operator if something is missing.
    </Banner>
  )
}

function WrongBanner() {
  const wrong = useWrong()
  const first = wrong?.[0]
  if (!first) return null
  return (
    <Banner
      tone="bad"
      icon={ShieldAlert}
      alert
      action={
        <Link to="/activity" search={{ entry: first.rev }} className={`${buttonLook()} h-8`}>
          Look at it
        </Link>
      }
    >
      <strong className="font-semibold">
        {wrong.length === 1 ? 'A receipt does' : `${count(wrong.length)} receipts do`} not check out.
      </strong>{' '}
      This device recomputes every charge, and the server’s figures differ. Do not rely on them until it is explained.
    </Banner>
  )
}
