// The apps of a developer: the list, and registering one.
// owns: the form of a new app. never: an app's own page. always true: a client secret is shown once.

import { Link } from '@tanstack/react-router'
import { BadgeCheck, ChevronRight, Plus, Rocket } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { z } from 'zod'
import { App } from '../../server/contract/api.ts'
import { cleanName, percent, when } from '../format.ts'
import { useNow } from '../live.ts'
import { useTry } from '../screens/account-page.tsx'
import { useWallet } from '../session.ts'
import { Badge, Empty, Face, Summary, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { say } from '../words.ts'
import { Answer, Choice, Field, type Once, OnceDialog } from './bits.tsx'
import { Apps as AppList } from './overview.tsx'
import { useRemote } from './remote.ts'

const Created = z.object({ app: App, client_secret: z.string().optional() })

export function Apps() {
  const apps = useRemote('/developers/apps', AppList)
  const archived = useRemote('/developers/apps?archived=true', AppList)
  const [adding, setAdding] = useState(false)
  const [once, setOnce] = useState<Once | null>(null)
  const add = (
    <Button look="main" onClick={() => setAdding(true)}>
      <Plus className="size-4" aria-hidden /> {say('Register an app')}
    </Button>
  )
  const made = async (found: z.infer<typeof Created>) => {
    setAdding(false)
    await apps.reload()
    if (found.client_secret) setOnce(secretsOf(found.app, found.client_secret))
  }
  return (
    <div className="space-y-4">
      {(apps.data?.apps.length ?? 0) > 0 && <div className="flex justify-end">{add}</div>}
      <Answer of={apps}>
        {({ apps: rows }) =>
          rows.length === 0 ? (
            <section className="card">
              <Empty icon={Rocket} title={say('No app yet')} action={add}>
                {say(
                  'An app is what people see when they are asked to let it spend. It takes a name and an address to come back to.',
                )}
              </Empty>
            </section>
          ) : (
            <List apps={rows} />
          )
        }
      </Answer>
      {(archived.data?.apps.length ?? 0) > 0 && (
        <details>
          <Summary className="w-fit rounded font-medium text-muted">
            {say('Archived ({count})', { count: archived.data?.apps.length ?? 0 })}
          </Summary>
          <div className="mt-3">
            <List apps={archived.data?.apps ?? []} />
          </div>
        </details>
      )}
      {adding && <NewApp onMade={made} onClose={() => setAdding(false)} />}
      {once && <OnceDialog {...once} onClose={() => setOnce(null)} />}
    </div>
  )
}

export const secretsOf = (app: App, secret: string): Once => ({
  title: say('The secret of {app}', { app: cleanName(app.name) }),
  lines: [
    [say('Client ID'), app.client_id],
    [say('Client secret'), secret],
  ],
  note: say('you can make another one at any time.'),
})

function List({ apps }: { apps: App[] }) {
  const now = useNow()
  return (
    <ul className="card divide-y divide-line">
      {apps.map((app) => (
        <li key={app.id}>
          <Link
            to="/developer/apps/$id"
            params={{ id: app.id }}
            className="flex items-center gap-4 px-5 py-4 -outline-offset-2 hover:bg-sunken"
          >
            <Face name={app.name} id={app.id} logo={app.logo_uri} />
            <span className="min-w-0 flex-1">
              <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
                <bdi className="truncate font-medium">{cleanName(app.name)}</bdi>
                {app.verified_domain && (
                  <Badge tone="good" icon={BadgeCheck}>
                    {app.verified_domain}
                  </Badge>
                )}
                {app.archived_at && <Badge>{say('Archived')}</Badge>}
              </span>
              <span className="mt-0.5 block text-sm text-muted">
                {say('Markup {markup} · registered {time}', {
                  markup: percent(app.markup_bps),
                  time: when(Date.parse(app.created_at), now),
                })}
              </span>
            </span>
            <ChevronRight className="size-5 shrink-0 text-muted" aria-hidden />
          </Link>
        </li>
      ))}
    </ul>
  )
}

/** Addresses written one to a line. */
export const linesOf = (text: unknown): string[] =>
  String(text)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

/** A percentage as typed ("20", "12.5") in hundredths of a percent; null when it is none, or finer than that. */
export function bpsOf(text: unknown): number | null {
  const found = /^(\d{1,4})(?:[.,](\d{1,2}))?$/.exec(String(text).trim())
  return found ? Number(found[1]) * 100 + Number((found[2] ?? '').padEnd(2, '0')) : null
}

type Made = (made: z.infer<typeof Created>) => Promise<void>

function NewApp({ onMade, onClose }: { onMade: Made; onClose: () => void }) {
  const { api } = useWallet()
  const { busy, wrong, setWrong, attempt } = useTry()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const markup = bpsOf(form.get('markup'))
    if (markup === null) return setWrong(say('Write the markup as a percentage, such as 20 or 12.5.'))
    const body = {
      name: String(form.get('name')).trim(),
      type: String(form.get('type')),
      redirect_uris: linesOf(form.get('uris')),
      markup_bps: markup,
    }
    void attempt(async () => onMade(Created.parse(await api.post('/developers/apps', body))))
  }
  return (
    <Dialog title={say('Register an app')} onClose={onClose}>
      <form onSubmit={submit} className="space-y-4">
        <Field
          label={say('Name')}
          name="name"
          required
          maxLength={80}
          hint={say('People read it when they are asked.')}
        />
        <Choice
          label={say('Where it runs')}
          name="type"
          options={[
            ['confidential', say('On a server, which can keep a secret')],
            ['public', say('In browsers or on devices alone')],
          ]}
        />
        <Field
          label={say('Redirect addresses')}
          name="uris"
          rows={2}
          placeholder="https://example.com/callback"
          hint={say('One to a line; where people come back to. http is for 127.0.0.1 alone.')}
        />
        <Field
          label={say('Markup in percent')}
          name="markup"
          inputMode="decimal"
          defaultValue="20"
          hint={say('On top of what the model provider charges. All of it is yours.')}
        />
        {wrong && <Wrong>{wrong}</Wrong>}
        <Button look="main" size="large" type="submit" className="w-full" disabled={busy}>
          {say('Register')}
        </Button>
      </form>
    </Dialog>
  )
}
