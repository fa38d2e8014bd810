// How fresh the copy is.
// owns: the one mark, and the banners for when it is not fresh. never: syncing. always true: "offline" says since when.

import { CloudOff, HardDrive, KeyRound, TriangleAlert } from 'lucide-react'
import { count, when } from '../format.ts'
import { useCursor, useMeta, useNow } from '../live.ts'
import { signIn, useWallet } from '../session.ts'
import { useTrouble } from '../trouble.ts'
import { Banner } from './bits.tsx'
import { Button } from './button.tsx'
import { RebuiltBanner, WrongBanner } from './trust-banners.tsx'

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
  const { full, lostEdit } = useTrouble()
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
      {status.state === 'failing' && !full && (
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
      {full && (
        <Banner tone="bad" icon={HardDrive} alert action={retry}>
          <strong className="font-semibold">The storage of this device is full.</strong> New entries cannot be kept
          here; your balance and limits at the server are not affected.
          {lostEdit && ' Your last change was not kept, so it has not happened.'} Free some space, then try again.
        </Banner>
      )}
      <RebuiltBanner />
      <WrongBanner />
    </>
  )
}
