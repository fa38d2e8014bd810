// What an app is called, where it sends people back to, what it adds and what it may call.
// owns: the form, and a look at what people will be asked. never: the answer to it.
// always true: only what was changed is sent; raising the markup says that people are asked anew.

import { type FormEvent, useState } from 'react'
import type { App } from '../../server/contract/api.ts'
import { DEFAULT_CAP } from '../../server/contract/records.ts'
import { local, percent } from '../format.ts'
import { useTry } from '../screens/account-page.tsx'
import { useWallet } from '../session.ts'
import { Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { RequestForm } from '../ui/request-form.tsx'
import { counted, say } from '../words.ts'
import { bpsOf, linesOf } from './apps.tsx'
import { Card, Field } from './bits.tsx'

type Props = { app: App; reload: () => Promise<void> }
type Changes = Partial<Pick<App, 'name' | 'logo_uri' | 'redirect_uris' | 'allowed_scopes' | 'markup_bps' | 'models'>>

const SCOPES = [
  ['profile', say('Their name')],
  ['email', say('Their e-mail address')],
  ['credits.read', say('What they could spend here')],
  ['credits.spend', say('Spending, within their limit')],
  ['offline_access', say('Working while they are away')],
] as const

export function SettingsCard({ app, reload }: Props) {
  const { api } = useWallet()
  const { busy, wrong, setWrong, attempt } = useTry()
  const [saved, setSaved] = useState(false)
  const [preview, setPreview] = useState(false)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const changes = changesOf(app, new FormData(event.currentTarget))
    if (changes === null) return setWrong(say('Write the markup as a percentage, such as 20 or 12.5.'))
    if (Object.keys(changes).length === 0) return setSaved(true)
    void attempt(async () => {
      await api.patch(`/developers/apps/${app.id}/settings`, changes)
      await reload()
      setSaved(true)
    })
  }
  const look = (
    <Button className="h-8" onClick={() => setPreview(true)}>
      {say('What people see')}
    </Button>
  )
  return (
    <Card title={say('Settings')} aside={look}>
      <form onSubmit={submit} onChange={() => setSaved(false)} className="space-y-4">
        <Fields app={app} />
        {wrong && <Wrong>{wrong}</Wrong>}
        <div className="flex items-center gap-3">
          <Button look="main" type="submit" disabled={busy}>
            {say('Save changes')}
          </Button>
          <span role="status" className="text-sm text-muted">
            {saved ? say('Saved.') : ''}
          </span>
        </div>
      </form>
      {preview && <Preview app={app} onClose={() => setPreview(false)} />}
    </Card>
  )
}

function Fields({ app }: { app: App }) {
  const [markup, setMarkup] = useState(local(String(app.markup_bps / 100)))
  const raises = (bpsOf(markup) ?? 0) > app.markup_bps
  return (
    <>
      <Field label={say('Name')} name="name" defaultValue={app.name} required maxLength={80} />
      <Field
        label={say('Picture')}
        name="logo"
        defaultValue={app.logo_uri ?? ''}
        hint={say('The address of a square picture, or nothing: then its first letter stands for it.')}
        maxLength={2000}
      />
      <Field
        label={say('Redirect addresses')}
        name="uris"
        rows={Math.max(2, app.redirect_uris.length)}
        defaultValue={app.redirect_uris.join('\n')}
        hint={say('One to a line.')}
      />
      <Scopes allowed={app.allowed_scopes} />
      <div onChange={(event) => setMarkup((event.target as HTMLInputElement).value)}>
        <Field
          label={say('Markup in percent')}
          name="markup"
          inputMode="decimal"
          defaultValue={markup}
          hint={
            raises
              ? counted(
                  'People who have agreed to {markup} keep it for {n} day, and are then asked anew.',
                  'People who have agreed to {markup} keep it for {n} days, and are then asked anew.',
                  app.markup_notice_days,
                  { markup: percent(app.markup_bps) },
                )
              : say('On top of what the model provider charges. All of it is yours.')
          }
        />
      </div>
      <Field
        label={say('Models')}
        name="models"
        rows={2}
        defaultValue={app.models?.join('\n') ?? ''}
        placeholder="openai/gpt-4o-mini"
        hint={say('One to a line, by their names in /v1/models. Nothing: every model of this server.')}
      />
    </>
  )
}

function Scopes({ allowed }: { allowed: readonly string[] }) {
  return (
    <fieldset>
      <legend className="mb-1.5 text-sm font-medium">{say('What it may ask for')}</legend>
      <div className="grid gap-2 sm:grid-cols-2">
        {SCOPES.map(([scope, words]) => (
          <label key={scope} className="flex items-start gap-2.5 text-sm">
            <input
              type="checkbox"
              name="scope"
              value={scope}
              defaultChecked={allowed.includes(scope)}
              className="mt-0.5 size-4 shrink-0 accent-accent"
            />
            <span>
              {words} <code className="block text-xs text-muted">{scope}</code>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}

/** What differs from the app as it is; null when the markup is no percentage. */
function changesOf(app: App, form: FormData): Changes | null {
  const markup = bpsOf(form.get('markup'))
  if (markup === null) return null
  const chosen = form.getAll('scope').map(String)
  const models = linesOf(form.get('models'))
  const wanted = {
    name: String(form.get('name')).trim(),
    logo_uri: String(form.get('logo')).trim() || null,
    redirect_uris: linesOf(form.get('uris')),
    allowed_scopes: [...app.allowed_scopes.filter((s) => !known(s) || chosen.includes(s)), ...added(app, chosen)],
    markup_bps: markup,
    models: models.length > 0 ? models : null,
  }
  const before: Record<string, unknown> = { ...app, models: app.models ?? null }
  const different = Object.entries(wanted).filter(([k, v]) => JSON.stringify(v) !== JSON.stringify(before[k]))
  return Object.fromEntries(different)
}

const known = (scope: string): boolean => SCOPES.some(([one]) => one === scope)
const added = (app: App, chosen: string[]): string[] => chosen.filter((scope) => !app.allowed_scopes.includes(scope))

function Preview({ app, onClose }: { app: App; onClose: () => void }) {
  const client = {
    id: app.id,
    name: app.name,
    logo_uri: app.logo_uri,
    verified_domain: app.verified_domain ?? null,
    markup_bps: app.markup_bps,
  }
  return (
    <Dialog title={say('What people see')} onClose={onClose}>
      <RequestForm
        request={{ client, scopes: app.allowed_scopes, requested_cap: DEFAULT_CAP, match: null }}
        side="page"
        heading="h3"
        busy={false}
        loadModels={async () => []}
        onAllow={onClose}
        onDeny={onClose}
      />
    </Dialog>
  )
}
