// Settings.
// owns: the profile form, the order of the sections. never: tokens. always true: what is the account's own is said to be
// elsewhere, and where.

import { Link } from '@tanstack/react-router'
import { ExternalLink } from 'lucide-react'
import { type FormEvent, type ReactNode, useState } from 'react'
import type { Profile } from '../../server/contract/records.ts'
import { enqueue } from '../db-outbox.ts'
import type { Shown } from '../fold.ts'
import { useView } from '../live.ts'
import { useWallet } from '../session.ts'
import { shell } from '../shell/shell.ts'
import { inputLook, PageTitle } from '../ui/bits.tsx'
import { Button, buttonLook } from '../ui/button.tsx'
import { say } from '../words.ts'
import { Servers } from './servers.tsx'
import { Accounts } from './settings-accounts.tsx'
import { YourData } from './settings-data.tsx'
import { OnThisDevice, ThisDevice } from './settings-device.tsx'

export function Settings() {
  const view = useView()
  const [removed, setRemoved] = useState(0) // servers; their accounts have gone from the list with them
  return (
    <>
      <PageTitle>{say('Settings')}</PageTitle>
      <div className="max-w-2xl space-y-4">
        <Section title={say('Profile')}>
          {view?.profile ? (
            <ProfileForm key={view.profile.version} profile={view.profile} />
          ) : (
            <div className="skeleton h-56" />
          )}
        </Section>
        <YourAccount />
        <OnThisDevice />
        <YourData />
        <Accounts key={removed} />
        {shell.kind === 'desktop' && <Servers onRemoved={() => setRemoved((n) => n + 1)} />}
        <ThisDevice />
        <Section title={say('For developers')}>
          <p className="mb-4 text-sm text-muted">
            {say('Register apps, take keys, give grants, and see what you earn.')}
          </p>
          <Link to="/developer" className={buttonLook()}>
            {say('Open the developer console')}
          </Link>
        </Section>
      </div>
    </>
  )
}

export function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="card p-5 sm:p-6" aria-label={title}>
      <h2 className="mb-4 font-semibold tracking-tight">{title}</h2>
      {children}
    </section>
  )
}

const WEEK_STARTS = [
  ['monday', say('Monday')],
  ['sunday', say('Sunday')],
  ['saturday', say('Saturday')],
] as const

function ProfileForm({ profile }: { profile: Shown<Profile> }) {
  const { db } = useWallet()
  const [saved, setSaved] = useState(false)
  const zones = zonesWith(profile.time_zone)
  const save = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const name = String(form.get('name')).trim()
    const args = {
      ...(name && name !== profile.name && { name }),
      ...(form.get('zone') !== profile.time_zone && { time_zone: String(form.get('zone')) }),
      ...(form.get('week') !== profile.week_start && { week_start: form.get('week') as Profile['week_start'] }),
    }
    if (Object.keys(args).length > 0) await enqueue(db, 'profile.set', args)
    setSaved(true)
  }
  return (
    <form onSubmit={save} onChange={() => setSaved(false)} className="space-y-4">
      <Field label={say('E-mail')} id="email">
        <input id="email" className={inputLook} value={profile.email} disabled readOnly />
      </Field>
      <Field label={say('Name')} id="name">
        <input
          id="name"
          name="name"
          className={inputLook}
          defaultValue={profile.name ?? ''}
          maxLength={80}
          autoComplete="name"
        />
      </Field>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={say('Time zone')} id="zone" hint={say('Limits start again by its calendar.')}>
          <select id="zone" name="zone" className={inputLook} defaultValue={profile.time_zone}>
            {zones.map((zone) => (
              <option key={zone}>{zone}</option>
            ))}
          </select>
        </Field>
        <Field label={say('The week starts on')} id="week">
          <select id="week" name="week" className={inputLook} defaultValue={profile.week_start}>
            {WEEK_STARTS.map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </Field>
      </div>
      <div className="flex items-center gap-3">
        <Button look="main" type="submit">
          {say('Save changes')}
        </Button>
        <span role="status" className="text-sm text-muted">
          {saved ? (profile.pending ? say('Kept; it is sent when the server can be reached.') : say('Saved.')) : ''}
        </span>
      </div>
    </form>
  )
}

function Field({ label, id, hint, children }: { label: string; id: string; hint?: string; children: ReactNode }) {
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {label}
      </label>
      {children}
      {hint && <p className="mt-1.5 text-xs text-muted">{hint}</p>}
    </div>
  )
}

function zonesWith(zone: string): string[] {
  const zones = Intl.supportedValuesOf('timeZone')
  return zones.includes(zone) ? zones : [zone, ...zones]
}

/** Account changes need the sign-in of a browser, which the wallet's own token is not. */
function YourAccount() {
  const { api } = useWallet()
  const desktop = shell.kind === 'desktop'
  const label = (
    <>
      {say('Open your account page')}
      {desktop && <ExternalLink className="size-4" aria-hidden />}
    </>
  )
  return (
    <Section title={say('Security and data')}>
      <p className="mb-4 text-sm text-muted">
        {desktop
          ? say(
              'Password, passkeys, authenticator app, where you are signed in, export and deletion are on your account page, which opens in your browser. The wallet’s own access can change none of these: that page asks for your own sign-in.',
            )
          : say(
              'Password, passkeys, authenticator app, where you are signed in, export and deletion are on your account page. The wallet’s own access can change none of these: that page asks for your own sign-in.',
            )}
      </p>
      {desktop ? (
        <Button onClick={() => shell.open(`${api.origin}/wallet/account`)}>{label}</Button>
      ) : (
        <Link to="/account" className={buttonLook()}>
          {label}
        </Link>
      )}
    </Section>
  )
}
