// The keys an app's servers call with.
// owns: making, changing over and ending keys. never: a key's text after it was shown.
// always true: who pays with a key is said in words beside it.

import { KeyRound, Plus } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { z } from 'zod'
import { type App, type BillingMode, Key, KeyRotated } from '../../server/contract/api.ts'
import { cleanName, count, date, when } from '../format.ts'
import { useNow } from '../live.ts'
import { useTry } from '../screens/account-page.tsx'
import { Confirm } from '../screens/app-dialogs.tsx'
import { useWallet } from '../session.ts'
import { Badge, Empty, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { say } from '../words.ts'
import { Answer, Choice, choicesOf, Field, type Once, OnceDialog } from './bits.tsx'
import { Apps } from './overview.tsx'
import { useRemote } from './remote.ts'

const KeyList = z.object({ keys: z.array(Key) })
const Created = z.object({ key: Key, secret: z.string() })
const RATE_DEFAULT = '600'

const MODES: Record<BillingMode, { words: string; pays: string }> = {
  user: { words: say('User pays'), pays: say('Each call names a user, whose wallet pays') },
  developer: { words: say('You pay'), pays: say('Calls come out of your own balance') },
  test: { words: say('Test'), pays: say('The sandbox model answers; no real money') },
}

type Doing = { key: Key; what: 'rotate' | 'revoke' | 'rate' } | null

export function Keys() {
  const keys = useRemote('/developers/keys', KeyList)
  const apps = useRemote('/developers/apps', Apps)
  const [adding, setAdding] = useState(false)
  const [doing, setDoing] = useState<Doing>(null)
  const [once, setOnce] = useState<Once | null>(null)
  const list = apps.data?.apps ?? []
  const shown = async (secret: string, key: Key) => {
    setAdding(false)
    setDoing(null)
    setOnce({ title: say('Key {name}', { name: key.name }), lines: [[say('Secret key'), secret]] })
    await keys.reload()
  }
  const add = (
    <Button look="main" disabled={list.length === 0} onClick={() => setAdding(true)}>
      <Plus className="size-4" aria-hidden /> {say('Make a key')}
    </Button>
  )
  return (
    <div className="space-y-4">
      {(keys.data?.keys.length ?? 0) > 0 && <div className="flex justify-end">{add}</div>}
      <Answer of={keys}>
        {({ keys: rows }) =>
          rows.length === 0 ? (
            <section className="card">
              <Empty icon={KeyRound} title={say('No key yet')} action={add}>
                {list.length === 0
                  ? say('Register an app first; a key belongs to one.')
                  : say('A key lets your server call models, and says who pays for them.')}
              </Empty>
            </section>
          ) : (
            <ul className="card divide-y divide-line">
              {rows.map((key) => (
                <KeyLine key={key.id} of={key} apps={list} onDo={(what) => setDoing({ key, what })} />
              ))}
            </ul>
          )
        }
      </Answer>
      {adding && <NewKey apps={list} onMade={shown} onClose={() => setAdding(false)} />}
      {doing?.what === 'rotate' && <Rotate of={doing.key} onMade={shown} onClose={() => setDoing(null)} />}
      {doing?.what === 'rate' && <Rate of={doing.key} reload={keys.reload} onClose={() => setDoing(null)} />}
      {doing?.what === 'revoke' && <Revoke of={doing.key} reload={keys.reload} onClose={() => setDoing(null)} />}
      {once && <OnceDialog {...once} onClose={() => setOnce(null)} />}
    </div>
  )
}

type LineProps = { of: Key; apps: App[]; onDo: (what: NonNullable<Doing>['what']) => void }

function KeyLine({ of, apps, onDo }: LineProps) {
  const now = useNow()
  const app = apps.find(({ id }) => id === of.app_id)
  const mode = MODES[of.billing_mode]
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-6 gap-y-3 px-5 py-4">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-2">
          <span className="truncate font-medium">{of.name}</span>
          <span title={mode.pays}>
            <Badge tone={of.billing_mode === 'user' ? 'good' : of.billing_mode === 'test' ? 'warn' : 'plain'}>
              {mode.words}
            </Badge>
          </span>
          {of.revokes_at && (
            <Badge tone="warn">{say('Ends {day}', { day: date(Date.parse(of.revokes_at), now) })}</Badge>
          )}
        </p>
        <p className="mt-1 text-sm text-muted">
          <code>{of.prefix}…</code> · {app ? cleanName(app.name) : of.app_id} ·{' '}
          {say('{count} calls a minute', { count: count(of.rate_limit_per_min) })} ·{' '}
          {of.last_used_at
            ? say('last used {time}', { time: when(Date.parse(of.last_used_at), now) })
            : say('never used')}
        </p>
      </div>
      <div className="flex flex-wrap gap-2">
        <Button onClick={() => onDo('rate')} aria-label={say('Change {name}', { name: of.name })}>
          {say('Change')}
        </Button>
        {!of.revokes_at && (
          <Button onClick={() => onDo('rotate')} aria-label={say('Replace {name}', { name: of.name })}>
            {say('Replace')}
          </Button>
        )}
        <Button look="quiet" onClick={() => onDo('revoke')} aria-label={say('End {name}', { name: of.name })}>
          {say('End')}
        </Button>
      </div>
    </li>
  )
}

type Shown = (secret: string, key: Key) => Promise<void>

function NewKey({ apps, onMade, onClose }: { apps: App[]; onMade: Shown; onClose: () => void }) {
  const { api } = useWallet()
  const { busy, wrong, attempt } = useTry()
  const [mode, setMode] = useState<string>('user')
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const body = {
      app_id: String(form.get('app')),
      name: String(form.get('name')).trim(),
      billing_mode: mode,
      rate_limit_per_min: Number(form.get('rate')),
    }
    void attempt(async () => {
      const made = Created.parse(await api.post('/developers/keys', body))
      await onMade(made.secret, made.key)
    })
  }
  return (
    <Dialog title={say('Make a key')} onClose={onClose}>
      <form onSubmit={submit} className="space-y-4">
        <Field label={say('Name')} name="name" required maxLength={80} placeholder={say('Production')} />
        <Choice label={say('App')} name="app" options={choicesOf(apps)} />
        <Choice
          label={say('Who pays')}
          options={Object.entries(MODES).map(([one, { words, pays }]) => [one, `${words}: ${pays}`] as const)}
          value={mode}
          onChange={setMode}
        />
        <Field
          label={say('Calls a minute, at most')}
          name="rate"
          inputMode="numeric"
          defaultValue={RATE_DEFAULT}
          required
        />
        {wrong && <Wrong>{wrong}</Wrong>}
        <Button look="main" size="large" type="submit" className="w-full" disabled={busy}>
          {say('Make the key')}
        </Button>
      </form>
    </Dialog>
  )
}

const OVERLAPS = [
  ['86400', say('For a day')],
  ['604800', say('For a week')],
  ['3600', say('For an hour')],
  ['0', say('Not at all: it may be in the wrong hands')],
] as const

function Rotate({ of, onMade, onClose }: { of: Key; onMade: Shown; onClose: () => void }) {
  const { api } = useWallet()
  const { busy, wrong, attempt } = useTry()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const overlap_s = Number(new FormData(event.currentTarget).get('overlap'))
    void attempt(async () => {
      const made = KeyRotated.parse(await api.post(`/developers/keys/${of.id}/rotate`, { overlap_s }))
      await onMade(made.secret, made.key)
    })
  }
  return (
    <Dialog title={say('Replace {name}', { name: of.name })} onClose={onClose}>
      <form onSubmit={submit} className="space-y-4">
        <p className="text-sm text-muted">{say('You get a new key with the same settings.')}</p>
        <Choice label={say('The old key goes on working')} name="overlap" options={OVERLAPS} />
        {wrong && <Wrong>{wrong}</Wrong>}
        <Button look="main" size="large" type="submit" className="w-full" disabled={busy}>
          {say('Make the new key')}
        </Button>
      </form>
    </Dialog>
  )
}

type ChangeProps = { of: Key; reload: () => Promise<void>; onClose: () => void }

function Rate({ of, reload, onClose }: ChangeProps) {
  const { api } = useWallet()
  const { busy, wrong, attempt } = useTry()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const body = { name: String(form.get('name')).trim(), rate_limit_per_min: Number(form.get('rate')) }
    void attempt(async () => {
      await api.patch(`/developers/keys/${of.id}`, body)
      await reload()
      onClose()
    })
  }
  return (
    <Dialog title={say('Change {name}', { name: of.name })} onClose={onClose}>
      <form onSubmit={submit} className="space-y-4">
        <Field label={say('Name')} name="name" required maxLength={80} defaultValue={of.name} />
        <Field
          label={say('Calls a minute, at most')}
          name="rate"
          inputMode="numeric"
          defaultValue={String(of.rate_limit_per_min)}
          required
        />
        {wrong && <Wrong>{wrong}</Wrong>}
        <Button look="main" size="large" type="submit" className="w-full" disabled={busy}>
          {say('Save')}
        </Button>
      </form>
    </Dialog>
  )
}

function Revoke({ of, reload, onClose }: ChangeProps) {
  const { api } = useWallet()
  const end = async () => {
    await api.remove(`/developers/keys/${of.id}`)
    await reload()
  }
  return (
    <Confirm
      title={say('End {name}?', { name: of.name })}
      button={say('End this key')}
      onClose={onClose}
      onConfirm={end}
    >
      {say(
        'Calls with it are refused at once, and those that are running end within a second. It cannot be brought back.',
      )}
    </Confirm>
  )
}
