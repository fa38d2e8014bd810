// The servers of this program: one is open at a time, and another is a step away.
// owns: their list, adding one by its address, going over to one, removing one with all that is kept of it.
// never: two at once (the shell begins the page anew). always true: what would be lost is named before it goes.

import { type FormEvent, useEffect, useId, useRef, useState } from 'react'
import type { ServerAnswer } from '../../server/contract/shell.ts'
import { copiesKept, placeOf } from '../db.ts'
import { Say } from '../say.tsx'
import { forgetServer } from '../session.ts'
import { shell } from '../shell/shell.ts'
import { Badge, inputLook, Summary, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { counted, say } from '../words.ts'
import { Confirm } from './app-dialogs.tsx'
import { Section } from './settings.tsx'

type Known = Awaited<ReturnType<typeof shell.servers>>

const WRONG: Record<Exclude<ServerAnswer, 'done'>, string> = {
  'no-address': say('This is not an address. It looks like wallet.example.com.'),
  insecure: say('A server on another machine has to be reached by https.'),
  unreachable: say('Nothing answers at this address. Check it, and your connection.'),
  untrusted: say('This device does not trust the certificate of this server.'),
  'no-server': say('What answers at this address is not a Quota Wallet server.'),
  'too-many': say('There are as many servers as this program keeps. Remove one first.'),
  fixed: say('This wallet has one server.'),
}

export const Servers = ({ onRemoved }: { onRemoved: () => void }) => (
  <Section title={say('Servers')}>
    <p className="mb-3 text-sm text-muted">
      {say(
        'One server is open at a time; each has its own sign-in, and its own copy on this device. Changes that were not sent yet wait in that copy until you come back.',
      )}
    </p>
    <ServerList onRemoved={onRemoved} />
  </Section>
)

/** The same before anybody is signed in, where the only server may be the wrong one. */
export function OtherServer() {
  const [host, setHost] = useState('')
  useEffect(() => {
    shell.apiOrigin().then((origin) => setHost(placeOf(origin)))
  }, [])
  if (shell.kind !== 'desktop') return null
  return (
    <details className="text-sm">
      <Summary className="mx-auto w-fit rounded text-muted">
        <span>
          <Say words="Server: {host}" host={<span className="break-all">{host}</span>} />
        </span>
      </Summary>
      <div className="mt-3 text-start">
        <ServerList />
      </div>
    </details>
  )
}

function ServerList({ onRemoved }: { onRemoved?: () => void }) {
  const [servers, setServers] = useState<Known | null>(null)
  const [going, setGoing] = useState<string | null>(null)
  const [wrong, setWrong] = useState<ServerAnswer | null>(null)
  const read = () => shell.servers().then(setServers)
  // biome-ignore lint/correctness/useExhaustiveDependencies: read once; every change reads it again
  useEffect(() => void read(), [])
  const list = useFocusAfter(going !== null)
  /** @returns whether it was done */
  const change = async (act: 'add' | 'choose' | 'remove', address: string) => {
    const answer = await shell.changeServer(act, address).catch((): ServerAnswer => 'unreachable')
    setWrong(answer === 'done' ? null : answer)
    await read()
    return answer === 'done'
  }
  return (
    <>
      <ul ref={list} tabIndex={-1} aria-label={say('Servers')} className="divide-y divide-line text-sm outline-none">
        {servers?.known.map((origin) => (
          <li key={origin} className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1 py-2.5">
            <span className="min-w-0 font-medium break-all">{placeOf(origin)}</span>
            {origin === servers.chosen ? (
              <Badge tone="good">{say('Open')}</Badge>
            ) : (
              <span className="flex gap-1">
                <Button
                  className="h-8"
                  aria-label={say('Switch to {host}', { host: placeOf(origin) })}
                  onClick={() => change('choose', origin)}
                >
                  {say('Switch')}
                </Button>
                <Button
                  look="quiet"
                  className="h-8 text-bad!"
                  aria-label={say('Remove {host}', { host: placeOf(origin) })}
                  onClick={() => setGoing(origin)}
                >
                  {say('Remove')}
                </Button>
              </span>
            )}
          </li>
        ))}
      </ul>
      <AddServer onAdd={(address) => change('add', address)} />
      {wrong && wrong !== 'done' && <Wrong>{WRONG[wrong]}</Wrong>}
      {going && (
        <RemoveServer
          origin={going}
          onClose={() => setGoing(null)}
          onRemove={() => change('remove', going).then(onRemoved)}
        />
      )}
    </>
  )
}

/** For a list: it has the focus after a question whose own button is gone with what it was about, rather than the page. */
function useFocusAfter(isAsking: boolean) {
  const list = useRef<HTMLUListElement>(null)
  const wasAsking = useRef(false)
  useEffect(() => {
    if (wasAsking.current && !isAsking && document.activeElement === document.body) list.current?.focus()
    wasAsking.current = isAsking
  }, [isAsking])
  return list
}

function AddServer({ onAdd }: { onAdd: (address: string) => Promise<boolean> }) {
  const [address, setAddress] = useState('')
  const [busy, setBusy] = useState(false)
  const id = useId()
  const add = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    if (await onAdd(address)) setAddress('')
    setBusy(false)
  }
  return (
    <form onSubmit={add} className="mt-2 mb-2">
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {say('Address of another server')}
      </label>
      <div className="flex flex-wrap gap-2">
        <input
          id={id}
          className={`${inputLook} min-w-52 flex-1`}
          value={address}
          onChange={(event) => setAddress(event.target.value)}
          placeholder="wallet.example.com"
          maxLength={2000}
          spellCheck={false}
          autoCapitalize="none"
          required
        />
        <Button type="submit" className="h-11" disabled={busy}>
          {busy ? say('Asking…') : say('Add server')}
        </Button>
      </div>
    </form>
  )
}

type Removing = { origin: string; onClose: () => void; onRemove: () => Promise<void> }

function RemoveServer({ origin, onClose, onRemove }: Removing) {
  const [copies, setCopies] = useState<Awaited<ReturnType<typeof copiesKept>> | null>(null)
  const host = placeOf(origin)
  useEffect(() => {
    copiesKept().then((all) => setCopies(all.filter((copy) => copy.host === host)))
  }, [host])
  if (!copies) return null
  const unsent = copies.filter((copy) => copy.unsent > 0)
  return (
    <Confirm
      title={say('Remove {host}?', { host })}
      button={say('Remove it from this device')}
      onClose={onClose}
      onConfirm={async () => {
        await forgetServer(origin)
        await onRemove()
      }}
    >
      <p>
        {say(
          'You are signed out there, and what this device keeps of it is deleted. Your account and your money stay with that server.',
        )}
      </p>
      {unsent.map((copy) => (
        <p key={copy.name} className="mt-2 font-medium text-bad">
          {counted(
            '{n} change of {account} was not sent, and is lost.',
            '{n} changes of {account} were not sent, and are lost.',
            copy.unsent,
            { account: copy.email ?? copy.account },
          )}
        </p>
      ))}
    </Confirm>
  )
}
