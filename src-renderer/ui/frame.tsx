// The frame around the screens.
// owns: navigation, the freshness mark, the test-money mark. never: a screen. always true: the same five places, at the
// side on wide windows and below on narrow ones; the developers’ console beside them, or behind Settings where it is narrow.

import { Link, Outlet } from '@tanstack/react-router'
import { Code, House, LayoutGrid, List, Plus, Settings, Snowflake } from 'lucide-react'
import type { Profile } from '../../server/contract/records.ts'
import { Alerts } from '../alerts.tsx'
import { enqueue } from '../db-outbox.ts'
import { useView, useWarmLog } from '../live.ts'
import { useWallet } from '../session.ts'
import { say } from '../words.ts'
import { Badge, Banner } from './bits.tsx'
import { Button } from './button.tsx'
import { Palette, PaletteButton } from './palette.tsx'
import { SyncBanners, SyncMark } from './sync-mark.tsx'

const PLACES = [
  { to: '/', label: say('Home'), icon: House },
  { to: '/activity', label: say('Activity'), icon: List },
  { to: '/apps', label: say('Apps'), icon: LayoutGrid },
  { to: '/add-money', label: say('Add money'), icon: Plus },
  { to: '/settings', label: say('Settings'), icon: Settings },
] as const

export function Frame() {
  const view = useView()
  const profile = view?.profile ?? null
  useWarmLog()
  return (
    <div className="min-h-dvh md:grid md:grid-cols-[14rem_1fr]">
      <a
        href="#main"
        className="sr-only z-20 rounded-lg bg-accent px-4 py-2 text-on-accent focus:not-sr-only focus:absolute focus:top-2 focus:left-2"
      >
        {say('Skip to content')}
      </a>
      <header className="flex h-14 items-center justify-between gap-3 px-4 md:hidden">
        <Mark small />
        <span className="flex min-w-0 items-center gap-2">
          {profile?.livemode === false && <Sandbox />}
          <SyncMark />
        </span>
      </header>
      <Side profile={profile} />
      <main id="main" tabIndex={-1} className="min-w-0 px-4 pt-2 pb-28 outline-none md:px-8 md:py-8 lg:px-10">
        <div className="mx-auto w-full max-w-5xl 2xl:max-w-6xl">
          <div className="space-y-2 empty:hidden [&:not(:empty)]:mb-5">
            {profile?.frozen && <FrozenBanner version={profile.version} />}
            <SyncBanners />
            <Alerts />
          </div>
          <Outlet />
        </div>
      </main>
      <Bottom />
      <Palette />
    </div>
  )
}

const SIDE_LINK =
  'flex h-10 items-center gap-3 rounded-lg px-3 text-[0.9rem] text-muted hover:bg-sunken hover:text-ink aria-[current=page]:bg-sunken aria-[current=page]:font-medium aria-[current=page]:text-ink'

function Side({ profile }: { profile: Profile | null }) {
  return (
    <aside className="sticky top-0 hidden h-dvh flex-col border-e border-line px-3 py-5 md:flex">
      <div className="px-3">
        <Mark />
      </div>
      <div className="mt-5">
        <PaletteButton />
      </div>
      <nav aria-label={say('Wallet')} className="mt-4 space-y-0.5">
        {PLACES.map(({ to, label, icon: Icon }) => (
          <Link key={to} to={to} activeOptions={{ exact: to === '/', includeSearch: false }} className={SIDE_LINK}>
            <Icon className="size-[1.125rem]" aria-hidden />
            {label}
          </Link>
        ))}
        <Link to="/developer" activeOptions={{ includeSearch: false }} className={`${SIDE_LINK} mt-4`}>
          <Code className="size-[1.125rem]" aria-hidden />
          {say('Developer')}
        </Link>
      </nav>
      <div className="mt-auto space-y-3 px-3">
        {profile?.livemode === false && <Sandbox />}
        {profile && (
          <p className="truncate text-sm" title={profile.email}>
            {profile.name ?? profile.email}
          </p>
        )}
        <SyncMark />
      </div>
    </aside>
  )
}

function Bottom() {
  return (
    <nav
      aria-label={say('Wallet')}
      className="fixed inset-x-0 bottom-0 z-10 grid grid-cols-[repeat(5,auto)] border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] md:hidden"
    >
      {PLACES.map(({ to, label, icon: Icon }) => (
        <Link
          key={to}
          to={to}
          activeOptions={{ exact: to === '/', includeSearch: false }}
          className="flex h-16 flex-col items-center justify-center gap-1 text-[0.7rem] text-muted -outline-offset-4 aria-[current=page]:font-medium aria-[current=page]:text-accent"
        >
          <Icon className="size-5" aria-hidden />
          {label}
        </Link>
      ))}
    </nav>
  )
}

/** The symbol and the name; `small` where there may be room for the symbol alone. */
export function Mark({ small = false }: { small?: boolean }) {
  return (
    <span className="flex shrink-0 items-center gap-2.5 font-semibold tracking-tight whitespace-nowrap">
      <svg viewBox="0 0 32 32" className="size-6 text-accent" aria-hidden fill="none">
        <rect width="32" height="32" rx="9" fill="currentColor" />
        <path
          d="M8 12.5h16M8 12.5v8a3 3 0 0 0 3 3h10a3 3 0 0 0 3-3v-8M8 12.5l2.2-3.3a2 2 0 0 1 1.7-.9h8.2a2 2 0 0 1 1.7.9l2.2 3.3"
          className="stroke-bg"
          strokeWidth="2"
          strokeLinejoin="round"
        />
        <circle cx="19.5" cy="18" r="1.7" className="fill-bg" />
      </svg>
      <span className={small ? 'max-[24rem]:sr-only' : ''}>Quota Wallet</span>
    </span>
  )
}

const Sandbox = () => (
  <Badge tone="warn" title={say('This server runs without a payment provider: its money is not real.')}>
    {say('Test money')}
  </Badge>
)

function FrozenBanner({ version }: { version: number }) {
  const { db } = useWallet()
  return (
    <Banner
      tone="warn"
      icon={Snowflake}
      action={
        <Button className="h-8" onClick={() => enqueue(db, 'wallet.unfreeze', {}, version)}>
          {say('Allow spending again')}
        </Button>
      }
    >
      {say('All spending is stopped. No app can use your balance until you allow it again.')}
    </Banner>
  )
}
