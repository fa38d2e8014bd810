// The authenticator app: adding it by its QR code, its recovery codes, removing it.
// owns: these steps. never: a secret beyond the step that shows it. always true: recovery codes are shown once, and
// the step ends only when the person says that they are kept.

import { Smartphone } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { RecoveryCodes, TotpStart } from '../../server/contract/api.ts'
import { ownPage } from '../api.ts'
import { Badge, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { counted, say } from '../words.ts'
import { Part, useTry } from './account-page.tsx'
import type { PartProps } from './security.tsx'
import { QrCode } from './security-qr.tsx'
import { CodeField } from './security-step-up.tsx'

type Step = { at: 'scan'; secret: string; uri: string } | { at: 'codes'; codes: string[] } | null

export function Authenticator({ security, reload, guarded }: PartProps) {
  const [step, setStep] = useState<Step>(null)
  const { busy, wrong, attempt } = useTry()
  const start = () =>
    attempt(async () => {
      const started = TotpStart.parse(await guarded(() => ownPage('/account/totp', {})))
      setStep({ at: 'scan', ...started })
    })
  const renew = () =>
    attempt(async () => {
      const { recovery_codes } = RecoveryCodes.parse(await guarded(() => ownPage('/account/recovery-codes', {})))
      setStep({ at: 'codes', codes: recovery_codes })
    })
  const remove = () =>
    attempt(async () => {
      await guarded(() => ownPage('/account/totp', {}, 'DELETE'))
      await reload()
    })
  const close = async () => {
    setStep(null)
    await reload()
  }
  return (
    <Part title={say('Authenticator app')}>
      <p className="text-sm text-muted">
        {security.totp
          ? say('Signing in with your password asks for a code of your authenticator app.')
          : say('Asks for a code of an app on your phone when you sign in with your password.')}
      </p>
      {security.totp ? (
        <IsOn left={security.recovery_codes_left} busy={busy} onRenew={renew} onRemove={remove} />
      ) : (
        <Button className="mt-4" disabled={busy} onClick={start}>
          {say('Add an authenticator app')}
        </Button>
      )}
      {wrong && (
        <div className="mt-3">
          <Wrong>{wrong}</Wrong>
        </div>
      )}
      {step?.at === 'scan' && (
        <Scan {...step} guarded={guarded} onDone={(codes) => setStep({ at: 'codes', codes })} onClose={close} />
      )}
      {step?.at === 'codes' && <Codes codes={step.codes} onClose={close} />}
    </Part>
  )
}

type IsOnProps = { left: number; busy: boolean; onRenew: () => void; onRemove: () => void }

function IsOn({ left, busy, onRenew, onRemove }: IsOnProps) {
  return (
    <>
      <p className="mt-3 flex flex-wrap items-center gap-2 text-sm">
        <Badge tone="good" icon={Smartphone}>
          {say('On')}
        </Badge>
        <Badge tone={left < 3 ? 'warn' : 'plain'}>
          {counted('{n} recovery code left', '{n} recovery codes left', left)}
        </Badge>
      </p>
      <div className="mt-4 flex flex-wrap gap-2">
        <Button disabled={busy} onClick={onRenew}>
          {say('New recovery codes')}
        </Button>
        <Button disabled={busy} look="quiet" className="text-bad!" onClick={onRemove}>
          {say('Remove the app')}
        </Button>
      </div>
    </>
  )
}

type ScanProps = {
  secret: string
  uri: string
  guarded: PartProps['guarded']
  onDone: (codes: string[]) => void
  onClose: () => void
}

function Scan({ secret, uri, guarded, onDone, onClose }: ScanProps) {
  const { busy, wrong, attempt } = useTry()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const totp = String(new FormData(event.currentTarget).get('code')).replaceAll(' ', '')
    void attempt(async () => {
      const answer = await guarded(() => ownPage('/account/totp/confirm', { totp }))
      onDone(RecoveryCodes.parse(answer).recovery_codes)
    })
  }
  return (
    <Dialog title={say('Add an authenticator app')} onClose={onClose}>
      <form onSubmit={submit} noValidate className="space-y-4">
        <p className="text-sm text-muted">{say('Scan this with the app, then enter the code that it shows.')}</p>
        <QrCode text={uri} label={say('QR code for your authenticator app')} />
        <p className="text-center text-sm text-muted">
          {say('No camera? Enter this key:')}
          <code className="mt-1 block text-xs font-medium break-all text-ink select-all">
            {secret.match(/.{1,4}/g)?.join(' ')}
          </code>
        </p>
        <CodeField name="code" />
        {wrong && <Wrong>{wrong}</Wrong>}
        <Button look="main" size="large" type="submit" disabled={busy} className="w-full">
          {say('Turn it on')}
        </Button>
      </form>
    </Dialog>
  )
}

function Codes({ codes, onClose }: { codes: string[]; onClose: () => void }) {
  const text = `${codes.join('\n')}\n`
  return (
    <Dialog title={say('Keep your recovery codes')} onClose={onClose}>
      <p className="text-sm text-muted">
        {say(
          'Each signs you in once if you lose your phone. They are not shown again: keep them where you keep other important papers.',
        )}
      </p>
      <ul
        aria-label={say('Recovery codes')}
        className="nums my-4 grid gap-x-6 gap-y-1.5 rounded-lg bg-sunken p-4 font-mono text-sm sm:grid-cols-2"
      >
        {codes.map((code) => (
          <li key={code} className="select-all">
            {code}
          </li>
        ))}
      </ul>
      <div className="grid gap-2">
        <a
          href={`data:text/plain;charset=utf-8,${encodeURIComponent(text)}`}
          download="quota-wallet-recovery-codes.txt"
          className="inline-flex h-11 items-center justify-center rounded-lg border border-line font-medium hover:bg-sunken"
        >
          {say('Save as a file')}
        </a>
        <Button look="main" size="large" onClick={onClose}>
          {say('I have kept them')}
        </Button>
      </div>
    </Dialog>
  )
}
