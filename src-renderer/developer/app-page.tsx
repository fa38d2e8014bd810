// One app, as its developer sees it.
// owns: the arrangement, archiving. never: a form of its own (app-settings.tsx, app-parts.tsx).
// always true: what an app asks people is shown as they will see it.

import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { ArrowLeft } from 'lucide-react'
import { useState } from 'react'
import { z } from 'zod'
import { App } from '../../server/contract/api.ts'
import { cleanName } from '../format.ts'
import { Confirm } from '../screens/app-dialogs.tsx'
import { useWallet } from '../session.ts'
import { Badge, Face } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { say } from '../words.ts'
import { DomainCard, SecretCard, UsersCard } from './app-parts.tsx'
import { SettingsCard } from './app-settings.tsx'
import { Answer, Card, CopyLine } from './bits.tsx'
import { WelcomeCard } from './grants-welcome.tsx'
import { useRemote } from './remote.ts'

export const OneApp = z.object({ app: App })

export function AppPage() {
  const { id } = useParams({ from: '/framed/developer/apps/$id' })
  const found = useRemote(`/developers/apps/${encodeURIComponent(id)}`, OneApp)
  return (
    <div className="space-y-4">
      <Link to="/developer/apps" className="inline-flex items-center gap-1.5 rounded text-sm text-muted hover:text-ink">
        <ArrowLeft className="size-4" aria-hidden /> {say('All apps')}
      </Link>
      <Answer of={found} height="h-96">
        {({ app }) => <Whole app={app} reload={found.reload} />}
      </Answer>
    </div>
  )
}

function Whole({ app, reload }: { app: App; reload: () => Promise<void> }) {
  const archived = app.archived_at != null
  return (
    <>
      <header className="flex flex-wrap items-center gap-4">
        <Face name={app.name} id={app.id} logo={app.logo_uri} size="size-12 text-xl" />
        <h2 className="min-w-0 truncate text-xl font-semibold tracking-tight">
          <bdi>{cleanName(app.name)}</bdi>
        </h2>
        {archived && <Badge tone="warn">{say('Archived')}</Badge>}
      </header>
      <div className="grid items-start gap-4 lg:grid-cols-[1.2fr_1fr] *:min-w-0">
        <div className="space-y-4">
          {!archived && <SettingsCard key={JSON.stringify(app)} app={app} reload={reload} />}
          <UsersCard app={app} />
        </div>
        <div className="space-y-4">
          <Card title={say('Names it goes by')}>
            <div className="space-y-3">
              <CopyLine label={say('Client ID')} text={app.client_id} />
              <CopyLine label={say('App ID')} text={app.id} />
            </div>
          </Card>
          {!archived && (
            <>
              {app.type === 'confidential' && <SecretCard app={app} reload={reload} />}
              <DomainCard app={app} reload={reload} />
              <WelcomeCard app={app} />
              <ArchiveCard app={app} />
            </>
          )}
        </div>
      </div>
    </>
  )
}

function ArchiveCard({ app }: { app: App }) {
  const { api } = useWallet()
  const navigate = useNavigate()
  const [asked, setAsked] = useState(false)
  const archive = async () => {
    await api.remove(`/developers/apps/${app.id}`)
    await navigate({ to: '/developer/apps' })
  }
  return (
    <Card title={say('Archive')}>
      <p className="mb-4 text-sm text-muted">
        {say('Its keys and its people’s tokens stop working at once. Its figures and earnings stay.')}
      </p>
      <Button onClick={() => setAsked(true)}>{say('Archive this app')}</Button>
      {asked && (
        <Confirm
          title={say('Archive {app}?', { app: cleanName(app.name) })}
          button={say('Archive it')}
          onClose={() => setAsked(false)}
          onConfirm={archive}
        >
          {say('Calls that are running end within a second. An archived app cannot be brought back.')}
        </Confirm>
      )}
    </Card>
  )
}
