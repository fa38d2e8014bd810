// Where the person is signed in, and signing out there.
// owns: the list. never: a token. always true: the device in hand is marked, and comes with what signing it out means.

import { AppWindow, Globe, MonitorSmartphone } from 'lucide-react'
import { useCallback, useEffect, useState } from 'react'
import { type SignedInDevice, SignedInDevices } from '../../server/contract/api.ts'
import { ownPage } from '../api.ts'
import { when } from '../format.ts'
import { Badge, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { say } from '../words.ts'
import { Part, useTry } from './account-page.tsx'

const ICONS = { browser: Globe, wallet: MonitorSmartphone, app: AppWindow }
const KINDS = { browser: say('Browser'), wallet: say('Wallet on a device'), app: say('App') }

export function Devices({ reload }: { reload: () => Promise<void> }) {
  const [devices, setDevices] = useState<SignedInDevice[] | null>(null)
  const { busy, wrong, attempt } = useTry()
  const load = useCallback(async () => {
    setDevices(SignedInDevices.parse(await ownPage('/account/sessions')).sessions)
  }, [])
  useEffect(() => {
    void load().catch(() => setDevices([]))
  }, [load])
  const signOut = (device: SignedInDevice) =>
    attempt(async () => {
      await ownPage(`/account/sessions/${device.id}`, {}, 'DELETE')
      await (device.current ? reload() : load())
    })
  return (
    <Part title={say('Signed in')}>
      <p className="text-sm text-muted">
        {say(
          'Signing out takes effect at once. An app that is signed out keeps its connection and its limit, and asks you again.',
        )}
      </p>
      {devices === null ? (
        <div className="skeleton mt-4 h-24" />
      ) : (
        <ul className="mt-2 divide-y divide-line" aria-label={say('Devices')}>
          {devices.map((device) => (
            <Row key={device.id} device={device} busy={busy} onSignOut={() => signOut(device)} />
          ))}
        </ul>
      )}
      {wrong && <Wrong>{wrong}</Wrong>}
    </Part>
  )
}

function Row({ device, busy, onSignOut }: { device: SignedInDevice; busy: boolean; onSignOut: () => void }) {
  const Icon = ICONS[device.kind]
  const now = Date.now()
  return (
    <li className="flex items-center gap-3 py-3">
      <Icon className="size-5 shrink-0 text-muted" aria-hidden />
      <div className="min-w-0 flex-1 text-sm">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1 font-medium">
          <bdi className="break-words">{device.name}</bdi>
          {device.current && <Badge tone="good">{say('This one')}</Badge>}
        </p>
        <p className="text-muted">
          {KINDS[device.kind]} · {say('used {time}', { time: when(Date.parse(device.last_used_at), now) })}
          {device.address && ` · ${device.address}`}
        </p>
      </div>
      <Button disabled={busy} aria-label={say('Sign out {device}', { device: device.name })} onClick={onSignOut}>
        {say('Sign out')}
      </Button>
    </li>
  )
}
