// The developers' console: its frame and its places.
// owns: the row of places. never: what is in them. always true: a person without an app is told what to do first.

import { Link, Outlet, useLocation } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { PageTitle } from '../ui/bits.tsx'
import { say } from '../words.ts'
import { Failures } from './failures.tsx'

const PLACES = [
  { to: '/developer', label: say('Overview') },
  { to: '/developer/apps', label: say('Apps') },
  { to: '/developer/keys', label: say('Keys') },
  { to: '/developer/grants', label: say('Grants') },
  { to: '/developer/payouts', label: say('Payouts') },
  { to: '/developer/webhooks', label: say('Webhooks') },
  { to: '/developer/refused', label: say('Refused calls') },
] as const

export function Console() {
  const row = useRef<HTMLUListElement>(null)
  const at = useLocation({ select: ({ pathname }) => pathname })
  // On a phone the row is wider than the screen: the place one is at is to be seen.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `at` says when to look
  useEffect(() => {
    row.current?.querySelector('[aria-current=page]')?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [at])
  return (
    <>
      <PageTitle>{say('Developer')}</PageTitle>
      <nav aria-label={say('Developer')} className="-mx-4 mb-6 overflow-x-auto px-4 md:mx-0 md:px-0">
        <ul ref={row} className="flex w-max gap-1 border-b border-line md:w-auto">
          {PLACES.map(({ to, label }) => (
            <li key={to}>
              <Link
                to={to}
                activeOptions={{ exact: to === '/developer', includeSearch: false }}
                className="-mb-px flex h-10 items-center border-b-2 border-transparent px-3 text-sm text-muted -outline-offset-2 hover:text-ink aria-[current=page]:border-accent aria-[current=page]:font-medium aria-[current=page]:text-ink"
              >
                {label}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <Failures>
        <Outlet />
      </Failures>
    </>
  )
}
