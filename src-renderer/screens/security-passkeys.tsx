// Passkeys: adding and removing them.
// owns: the list. never: keys (the browser and the server keep their halves).
// always true: where the address of the server allows none, that is said instead.

import { browserSupportsWebAuthn, startRegistration } from '@simplewebauthn/browser'
import { Fingerprint } from 'lucide-react'
import { type FormEvent, useId, useState } from 'react'
import type { Passkey } from '../../server/contract/api.ts'
import { ownPage } from '../api.ts'
import { when } from '../format.ts'
import { inputLook, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { say } from '../words.ts'
import { Part, useTry } from './account-page.tsx'
import type { PartProps } from './security.tsx'

type Options = Parameters<typeof startRegistration>[0]['optionsJSON']

export function Passkeys({ security, reload, guarded }: PartProps) {
  const { busy, wrong, attempt } = useTry()
  const add = (name: string) =>
    attempt(async () => {
      const { options } = (await guarded(() => ownPage('/account/passkeys/options', {}))) as { options: Options }
      const passkey = await startRegistration({ optionsJSON: options })
      await guarded(() => ownPage('/account/passkeys', { name, passkey }))
      await reload()
    })
  const remove = (id: string) =>
    attempt(async () => {
      await guarded(() => ownPage(`/account/passkeys/${id}`, {}, 'DELETE'))
      await reload()
    })
  const possible = security.passkeys_possible && browserSupportsWebAuthn()
  return (
    <Part title={say('Passkeys')}>
      <p className="text-sm text-muted">
        {possible
          ? say(
              'Sign in with your fingerprint, your face or your device’s PIN, without a password. The desktop wallet signs in through a page in your browser, so they work for it too.',
            )
          : say(
              'Passkeys are bound to a name. They work once this server is reached by one, rather than by a bare address.',
            )}
      </p>
      {security.passkeys.length > 0 && (
        <ul className="mt-4 divide-y divide-line">
          {security.passkeys.map((key) => (
            <Row key={key.id} passkey={key} busy={busy} onRemove={() => remove(key.id)} />
          ))}
        </ul>
      )}
      {possible && <AddForm busy={busy} onAdd={add} />}
      {wrong && (
        <div className="mt-3">
          <Wrong>{wrong}</Wrong>
        </div>
      )}
    </Part>
  )
}

function Row({ passkey, busy, onRemove }: { passkey: Passkey; busy: boolean; onRemove: () => void }) {
  const now = Date.now()
  const used = passkey.last_used_at
    ? say('Last used {time}', { time: when(Date.parse(passkey.last_used_at), now) })
    : say('Added {time}, not used yet', { time: when(Date.parse(passkey.created_at), now) })
  return (
    <li className="flex items-center gap-3 py-3">
      <Fingerprint className="size-5 shrink-0 text-muted" aria-hidden />
      <div className="min-w-0 flex-1 text-sm">
        <p className="truncate font-medium">
          <bdi>{passkey.name}</bdi>
        </p>
        <p className="text-muted">{used}</p>
      </div>
      <Button disabled={busy} aria-label={say('Remove {name}', { name: passkey.name })} onClick={onRemove}>
        {say('Remove')}
      </Button>
    </li>
  )
}

function AddForm({ busy, onAdd }: { busy: boolean; onAdd: (name: string) => Promise<boolean> }) {
  const id = useId()
  const [name, setName] = useState(say('This device'))
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (name.trim()) await onAdd(name.trim())
  }
  return (
    <form onSubmit={submit} className="mt-4 flex flex-wrap items-end gap-2">
      <div className="min-w-0 flex-1 basis-48">
        <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
          {say('Name of the new passkey')}
        </label>
        <input
          id={id}
          value={name}
          onChange={(event) => setName(event.target.value)}
          maxLength={60}
          required
          className={inputLook}
        />
      </div>
      <Button type="submit" disabled={busy} className="h-11">
        {say('Add a passkey')}
      </Button>
    </form>
  )
}
