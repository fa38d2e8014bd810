// How fresh the copy is.
// owns: the one mark, and the banners for when it is not fresh. never: syncing. always true: "offline" says since when.

import { CloudOff, HardDrive, KeyRound, TriangleAlert } from 'lucide-react'
import { count, when } from '../format.ts'
import { useCursor, useMeta, useNow } from '../live.ts'
import { signIn, useWallet } from '../session.ts'
import { useTrouble } from '../trouble.ts'
import { say } from '../words.ts'
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
    connecting: say('Connecting…'),
    filling: say('Fetching history · {count}', { count: count(entries) }),
    live: say('Up to date'),
    offline: say('Offline since {time}', { time: when(status?.contact ?? status?.since ?? now, now) }),
    paused: say('Signed out'),
    failing: say('Not up to date'),
  }[state]
  const dot =
    state === 'live' ? 'bg-accent' : state === 'filling' || state === 'connecting' ? 'bg-accent/40' : 'bg-warn'
  return (
    <span role="status" aria-label={say('Sync')} className="flex min-w-0 items-center gap-2 text-xs text-muted">
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
  const reason = status.message ?? ''
  const retry = (
    <Button onClick={() => sync.now()} className="h-8">
      {say('Try now')}
    </Button>
  )
  return (
    <>
      {status.state === 'offline' && (
        <Banner tone="warn" icon={CloudOff} action={retry}>
          {say('Offline since {time}. You see everything as it was then; changes you make are sent later.', {
            time: asOf ?? when(status.since, now),
          })}
        </Banner>
      )}
      {status.state === 'failing' && !full && (
        <Banner tone="warn" icon={TriangleAlert} alert action={retry}>
          {asOf
            ? say('Not up to date since {time}: {reason} The wallet keeps trying.', { time: asOf, reason })
            : say('Not up to date: {reason} The wallet keeps trying.', { reason })}
        </Banner>
      )}
      {status.state === 'paused' && (
        <Banner
          tone="warn"
          icon={KeyRound}
          alert
          action={
            <Button look="main" className="h-8" onClick={() => signIn('sign-in')}>
              {say('Sign in')}
            </Button>
          }
        >
          {asOf
            ? say('You are signed out. You see everything as it was at {time}. Nothing is lost; sign in to go on.', {
                time: asOf,
              })
            : say('You are signed out. Nothing is lost; sign in to go on.')}
        </Banner>
      )}
      {full && (
        <Banner tone="bad" icon={HardDrive} alert action={retry}>
          <strong className="font-semibold">{say('The storage of this device is full.')}</strong>{' '}
          {say('New entries cannot be kept here; your balance and limits at the server are not affected.')}
          {lostEdit && ` ${say('Your last change was not kept, so it has not happened.')}`}{' '}
          {say('Free some space, then try again.')}
        </Banner>
      )}
      <RebuiltBanner />
      <WrongBanner />
    </>
  )
}
