// The routes.
// owns: which screen an address shows. never: a screen. always true: addresses are the same in both shells.

import {
  createRootRoute,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  Outlet,
  RouterProvider,
} from '@tanstack/react-router'
import { Bug } from 'lucide-react'
import { useEffect } from 'react'
import { AppPage } from './developer/app-page.tsx'
import { Apps as DeveloperApps } from './developer/apps.tsx'
import { Console } from './developer/console.tsx'
import { Grants } from './developer/grants.tsx'
import { Keys } from './developer/keys.tsx'
import { Overview } from './developer/overview.tsx'
import { Payouts } from './developer/payouts.tsx'
import { Refused } from './developer/refused.tsx'
import { Webhooks } from './developer/webhooks.tsx'
import { AccountPage } from './screens/account-page.tsx'
import { Activity } from './screens/activity.tsx'
import { AddMoney } from './screens/add-money.tsx'
import { AppHistory } from './screens/app-history.tsx'
import { Apps } from './screens/apps.tsx'
import { Callback } from './screens/callback.tsx'
import { Home } from './screens/home.tsx'
import { InteractionPage } from './screens/interaction.tsx'
import { Recover, VerifyEmail } from './screens/recover.tsx'
import { Settings } from './screens/settings.tsx'
import { Stuck, Welcome } from './screens/welcome.tsx'
import { searchOf } from './search.ts'
import { start, useSession } from './session.ts'
import { basepath } from './shell/shell.ts'
import { useReturns } from './standing.ts'
import { Empty } from './ui/bits.tsx'
import { Button, buttonLook } from './ui/button.tsx'
import { Frame } from './ui/frame.tsx'
import { say } from './words.ts'

const root = createRootRoute({ component: Outlet, errorComponent: Broken, notFoundComponent: Nowhere })
const framed = createRoute({ getParentRoute: () => root, id: 'framed', component: Gate })

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

const developer = createRoute({ getParentRoute: () => framed, path: '/developer', component: Console })

/** The token of a link that came by mail. */
const linkIn = ({ token }: Record<string, unknown>): { token?: string } => (text(token) ? { token: String(token) } : {})

/** What the wallet asks its person to agree to on the account page. */
const termsIn = ({ 'top-up': terms }: Record<string, unknown>): { 'top-up'?: string } =>
  text(terms) ? { 'top-up': String(terms) } : {}

const routes = root.addChildren([
  createRoute({ getParentRoute: () => root, path: '/callback', component: Callback }),
  createRoute({ getParentRoute: () => root, path: '/interaction/$uid', component: InteractionPage }),
  createRoute({ getParentRoute: () => root, path: '/account', component: AccountPage, validateSearch: termsIn }),
  createRoute({ getParentRoute: () => root, path: '/reset', component: Recover, validateSearch: linkIn }),
  createRoute({ getParentRoute: () => root, path: '/verify', component: VerifyEmail, validateSearch: linkIn }),
  framed.addChildren([
    createRoute({ getParentRoute: () => framed, path: '/', component: Home }),
    createRoute({
      getParentRoute: () => framed,
      path: '/activity',
      component: Activity,
      validateSearch: searchOf,
    }),
    createRoute({ getParentRoute: () => framed, path: '/apps', component: Apps }),
    createRoute({ getParentRoute: () => framed, path: '/apps/$id', component: AppHistory }),
    createRoute({
      getParentRoute: () => framed,
      path: '/add-money',
      component: AddMoney,
      validateSearch: ({ topup }: Record<string, unknown>): { topup?: string } =>
        text(topup) ? { topup: String(topup) } : {},
    }),
    createRoute({ getParentRoute: () => framed, path: '/settings', component: Settings }),
    developer.addChildren([
      createRoute({ getParentRoute: () => developer, path: '/', component: Overview }),
      createRoute({ getParentRoute: () => developer, path: '/apps', component: DeveloperApps }),
      createRoute({ getParentRoute: () => developer, path: '/apps/$id', component: AppPage }),
      createRoute({ getParentRoute: () => developer, path: '/keys', component: Keys }),
      createRoute({ getParentRoute: () => developer, path: '/grants', component: Grants }),
      createRoute({ getParentRoute: () => developer, path: '/payouts', component: Payouts }),
      createRoute({ getParentRoute: () => developer, path: '/webhooks', component: Webhooks }),
      createRoute({ getParentRoute: () => developer, path: '/refused', component: Refused }),
    ]),
  ]),
])

export const router = createRouter({ routeTree: routes, basepath, scrollRestoration: true })

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

export function App() {
  return <RouterProvider router={router} />
}

/** Shows the wallet when there is one open, else what stands in its way. */
function Gate() {
  const session = useSession()
  useEffect(() => {
    if (useSession.getState().phase === 'starting') void start()
  }, [])
  useReturns()
  if (session.phase === 'open') return <Frame />
  if (session.phase === 'signed-out') return <Welcome />
  if (session.phase === 'stuck') return <Stuck reason={session.reason} message={session.message} />
  return (
    <p role="status" className="sr-only">
      {say('Opening your wallet…')}
    </p>
  )
}

function Broken({ error }: ErrorComponentProps) {
  return (
    <main className="grid min-h-dvh place-items-center" role="alert">
      <Empty
        icon={Bug}
        title={say('This screen broke')}
        action={
          <Button look="main" onClick={() => location.reload()}>
            {say('Reload')}
          </Button>
        }
      >
        {say('Your money and your records are not affected.')} ({error instanceof Error ? error.message : String(error)}
        )
      </Empty>
    </main>
  )
}

function Nowhere() {
  return (
    <main className="grid min-h-dvh place-items-center">
      <Empty
        icon={Bug}
        title={say('There is nothing here')}
        action={
          <a href={basepath} className={buttonLook('main')}>
            {say('Go to the wallet')}
          </a>
        }
      >
        {say('The address may be old or mistyped.')}
      </Empty>
    </main>
  )
}
