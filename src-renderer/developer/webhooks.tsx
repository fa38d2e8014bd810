// Where the server tells a developer what happened.
// owns: the list of webhooks, making and changing one. never: a delivery (webhook-deliveries.tsx).
// always true: a secret is shown once; one that turned itself off says why.

import { Webhook as Icon, Plus } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import type { App } from '../../server/contract/api.ts'
import {
  WEBHOOK_EVENTS,
  type Webhook,
  Webhooks as WebhookList,
  WebhookWithSecret,
} from '../../server/contract/developers.ts'
import { amountOf, date, money, typed } from '../format.ts'
import { useNow } from '../live.ts'
import { Say } from '../say.tsx'
import { useTry } from '../screens/account-page.tsx'
import { Confirm } from '../screens/app-dialogs.tsx'
import { useWallet } from '../session.ts'
import { Badge, Empty, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { counted, say } from '../words.ts'
import { Answer, Choice, choicesOf, Field, type Once, OnceDialog } from './bits.tsx'
import { Apps } from './overview.tsx'
import { useRemote } from './remote.ts'
import { DeliveriesDialog } from './webhook-deliveries.tsx'

type Open = { what: 'edit' | 'deliveries' | 'remove'; of: Webhook } | { what: 'new' } | null

export function Webhooks() {
  const hooks = useRemote('/developers/webhooks', WebhookList)
  const apps = useRemote('/developers/apps', Apps)
  const [open, setOpen] = useState<Open>(null)
  const [once, setOnce] = useState<Once | null>(null)
  const close = () => setOpen(null)
  const add = (
    <Button look="main" onClick={() => setOpen({ what: 'new' })}>
      <Plus className="size-4" aria-hidden /> {say('Add a webhook')}
    </Button>
  )
  const shown = async ({ webhook, secret }: Made) => {
    setOnce({ title: say('The secret of this webhook'), lines: [[say('Signing secret'), secret]], note: webhook.url })
    close()
    await hooks.reload()
  }
  return (
    <div className="space-y-4">
      {(hooks.data?.webhooks.length ?? 0) > 0 && <div className="flex justify-end">{add}</div>}
      <Answer of={hooks}>
        {({ webhooks }) =>
          webhooks.length === 0 ? (
            <section className="card">
              <Empty icon={Icon} title={say('No webhook yet')} action={add}>
                {say(
                  'The server tells your own server when somebody connects, when a balance runs low, when a payout is paid.',
                )}
              </Empty>
            </section>
          ) : (
            <ul className="card divide-y divide-line">
              {webhooks.map((hook) => (
                <Line key={hook.id} hook={hook} onOpen={(what) => setOpen({ what, of: hook })} />
              ))}
            </ul>
          )
        }
      </Answer>
      {open?.what === 'new' && <NewHook apps={apps.data?.apps ?? []} onMade={shown} onClose={close} />}
      {open?.what === 'edit' && <EditHook of={open.of} reload={hooks.reload} onSecret={shown} onClose={close} />}
      {open?.what === 'deliveries' && <DeliveriesDialog of={open.of} onClose={close} />}
      {open?.what === 'remove' && <Remove of={open.of} reload={hooks.reload} onClose={close} />}
      {once && <OnceDialog {...once} onClose={() => setOnce(null)} />}
    </div>
  )
}

type Made = ReturnType<typeof WebhookWithSecret.parse>

const WHY: Record<NonNullable<Webhook['disabled_reason']>, string> = {
  developer: say('You turned it off.'),
  failing: say('It turned itself off: three days without a success.'),
  gone: say('It turned itself off: your server answered 410.'),
  overrun: say('It turned itself off: too many events waited.'),
}

function stateOf({ status, failing_since }: Webhook, now: number): string {
  if (status === 'disabled') return say('Off')
  return failing_since ? say('Failing since {day}', { day: date(Date.parse(failing_since), now) }) : say('On')
}

function Line({ hook, onOpen }: { hook: Webhook; onOpen: (what: 'edit' | 'deliveries' | 'remove') => void }) {
  const now = useNow()
  const off = hook.status === 'disabled'
  const byHand = hook.disabled_reason === 'developer'
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-6 gap-y-3 px-5 py-4">
      <div className="min-w-0 flex-1 basis-72">
        <p className="flex flex-wrap items-center gap-2">
          <code className="truncate text-sm font-medium" title={hook.url}>
            {hook.url}
          </code>
          <Badge tone={off ? (byHand ? 'plain' : 'bad') : hook.failing_since ? 'warn' : 'good'}>
            {stateOf(hook, now)}
          </Badge>
        </p>
        <p className="mt-1 text-sm text-muted">
          {hook.events.length === WEBHOOK_EVENTS.length ? say('Every event') : hook.events.join(', ')}
          {hook.low_balance_threshold !== null &&
            ` · ${say('low below {sum}', { sum: money(hook.low_balance_threshold) })}`}
          {hook.waiting > 0 && ` · ${counted('{n} event waiting', '{n} events waiting', hook.waiting)}`}
        </p>
        {hook.disabled_reason && (
          <p className={`mt-1 text-sm ${byHand ? 'text-muted' : 'text-bad'}`}>{WHY[hook.disabled_reason]}</p>
        )}
      </div>
      <div className="flex flex-wrap gap-2">
        <Button onClick={() => onOpen('deliveries')}>{say('Deliveries')}</Button>
        <Button onClick={() => onOpen('edit')}>{say('Change')}</Button>
        <Button look="quiet" onClick={() => onOpen('remove')}>
          {say('Remove')}
        </Button>
      </div>
    </li>
  )
}

function Events({ chosen }: { chosen: readonly string[] }) {
  return (
    <fieldset>
      <legend className="mb-1.5 text-sm font-medium">{say('Events')}</legend>
      <div className="grid gap-2 sm:grid-cols-2">
        {WEBHOOK_EVENTS.map((event) => (
          <label key={event} className="flex items-center gap-2.5 text-sm">
            <input
              type="checkbox"
              name="event"
              value={event}
              defaultChecked={chosen.includes(event)}
              className="size-4 accent-accent"
            />
            <code className="text-[0.8rem]">{event}</code>
          </label>
        ))}
      </div>
    </fieldset>
  )
}

/** Undefined when the amount is none. */
function given(form: FormData) {
  const low = String(form.get('low')).trim()
  const threshold = low === '' ? null : amountOf(low)
  if (low !== '' && threshold === null) return undefined
  const events = form.getAll('event').map(String)
  return { url: String(form.get('url')).trim(), events, low_balance_threshold: threshold }
}

const LOW = say('Dollars; tells when a charge brings a user’s balance below this. Empty: never.')
const BAD_AMOUNT = say('Write the amount in dollars, such as 1 or 0.50.')

type NewProps = { apps: App[]; onMade: (made: Made) => Promise<void>; onClose: () => void }

function NewHook({ apps, onMade, onClose }: NewProps) {
  const { api } = useWallet()
  const { busy, wrong, setWrong, attempt } = useTry()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const asked = given(form)
    if (asked === undefined) return setWrong(BAD_AMOUNT)
    const body = { ...asked, app_id: String(form.get('app')) || null }
    void attempt(async () => onMade(WebhookWithSecret.parse(await api.post('/developers/webhooks', body))))
  }
  const options = [['', say('All of them')] as const, ...choicesOf(apps)]
  return (
    <Dialog title={say('Add a webhook')} onClose={onClose}>
      <form onSubmit={submit} className="space-y-4">
        <Field
          label={say('Address')}
          name="url"
          inputMode="url"
          required
          placeholder="https://example.com/webhooks/quota"
        />
        <Choice label={say('Of which app')} name="app" options={options} />
        <Events chosen={WEBHOOK_EVENTS} />
        <Field label={say('Low balance')} name="low" inputMode="decimal" hint={LOW} />
        {wrong && <Wrong>{wrong}</Wrong>}
        <Button look="main" size="large" type="submit" className="w-full" disabled={busy}>
          {say('Add it')}
        </Button>
      </form>
    </Dialog>
  )
}

type EditProps = {
  of: Webhook
  reload: () => Promise<void>
  onSecret: (made: Made) => Promise<void>
  onClose: () => void
}

function EditHook({ of, reload, onSecret, onClose }: EditProps) {
  const { api } = useWallet()
  const { busy, wrong, setWrong, attempt } = useTry()
  const path = `/developers/webhooks/${of.id}`
  const change = (body: object) =>
    attempt(async () => {
      await api.patch(path, body)
      await reload()
      onClose()
    })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const asked = given(new FormData(event.currentTarget))
    if (asked === undefined) return setWrong(BAD_AMOUNT)
    void change(asked)
  }
  const rotate = () =>
    attempt(async () => onSecret(WebhookWithSecret.parse(await api.post(`${path}/rotate-secret`, {}))))
  const off = of.status === 'disabled'
  return (
    <Dialog title={say('Change this webhook')} onClose={onClose}>
      <form onSubmit={submit} className="space-y-4">
        <Field label={say('Address')} name="url" inputMode="url" required defaultValue={of.url} />
        <Events chosen={of.events} />
        <Field
          label={say('Low balance')}
          name="low"
          inputMode="decimal"
          hint={LOW}
          defaultValue={of.low_balance_threshold === null ? '' : typed(of.low_balance_threshold)}
        />
        {wrong && <Wrong>{wrong}</Wrong>}
        <Button look="main" size="large" type="submit" className="w-full" disabled={busy}>
          {say('Save')}
        </Button>
        <div className="flex flex-wrap gap-2 border-t border-line pt-4">
          <Button disabled={busy} onClick={rotate}>
            {say('New signing secret')}
          </Button>
          <Button disabled={busy} onClick={() => change({ status: off ? 'enabled' : 'disabled' })}>
            {off ? say('Turn it on') : say('Turn it off')}
          </Button>
        </div>
        <p className="text-sm text-muted">{say('After a new secret the old one signs beside it for a day.')}</p>
      </form>
    </Dialog>
  )
}

function Remove({ of, reload, onClose }: { of: Webhook; reload: () => Promise<void>; onClose: () => void }) {
  const { api } = useWallet()
  const remove = async () => {
    await api.remove(`/developers/webhooks/${of.id}`)
    await reload()
  }
  return (
    <Confirm title={say('Remove this webhook?')} button={say('Remove it')} onClose={onClose} onConfirm={remove}>
      <Say words="What waits for {url} is not sent any more." url={<code className="break-all">{of.url}</code>} />
    </Confirm>
  )
}
