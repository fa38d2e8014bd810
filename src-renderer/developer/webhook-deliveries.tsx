// What was sent to a webhook, and what it answered.
// owns: the list, sending again, the test event. never: a webhook's settings. always true: a body is shown as it was sent.

import { useState } from 'react'
import { Deliveries, type Delivery, DeliveryDetail, type Webhook } from '../../server/contract/developers.ts'
import { when } from '../format.ts'
import { useNow } from '../live.ts'
import { useTry } from '../screens/account-page.tsx'
import { fromServer } from '../server-words.ts'
import { useWallet } from '../session.ts'
import { Badge, type Tone, When, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { counted, say } from '../words.ts'
import { Answer } from './bits.tsx'
import { useRemote } from './remote.ts'

const STATES: Record<Delivery['status'], readonly [words: string, tone: Tone]> = {
  waiting: [say('Waiting'), 'plain'],
  delivered: [say('Delivered'), 'good'],
  failed: [say('Given up'), 'bad'],
}

export function DeliveriesDialog({ of, onClose }: { of: Webhook; onClose: () => void }) {
  const { api } = useWallet()
  const { busy, wrong, attempt } = useTry()
  const path = `/developers/webhooks/${of.id}`
  const deliveries = useRemote(`${path}/deliveries?limit=50`, Deliveries)
  const act = (at: string) =>
    attempt(async () => {
      await api.post(at, {})
      await deliveries.reload()
    })
  return (
    <Dialog title={say('Deliveries')} onClose={onClose} side>
      <p className="mb-4 text-sm break-all text-muted">{of.url}</p>
      <div className="mb-4 flex flex-wrap gap-2">
        <Button disabled={busy} onClick={() => act(`${path}/test`)}>
          {say('Send a test event')}
        </Button>
        <Button look="quiet" disabled={busy} onClick={deliveries.reload}>
          {say('Look again')}
        </Button>
      </div>
      {wrong && <Wrong>{wrong}</Wrong>}
      <Answer of={deliveries} apart>
        {({ deliveries: rows }) =>
          rows.length === 0 ? (
            <p className="text-sm text-muted">{say('Nothing was sent yet.')}</p>
          ) : (
            <ul className="divide-y divide-line">
              {rows.map((one) => (
                <Line
                  key={one.id}
                  of={one}
                  path={`${path}/deliveries/${one.id}`}
                  busy={busy}
                  onReplay={() => act(`${path}/deliveries/${one.id}/replay`)}
                />
              ))}
            </ul>
          )
        }
      </Answer>
    </Dialog>
  )
}

function Line({ of, path, busy, onReplay }: { of: Delivery; path: string; busy: boolean; onReplay: () => void }) {
  const now = useNow()
  const [open, setOpen] = useState(false)
  const [words, tone] = STATES[of.status]
  return (
    <li className="py-3 text-sm">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <span className="flex flex-wrap items-center gap-2">
          <Badge tone={tone}>{words}</Badge>
          <code className="text-[0.8rem] font-medium">{of.type}</code>
        </span>
        <When at={Date.parse(of.created_at)} now={now} className="text-muted" />
      </div>
      <p className="mt-1 text-muted">
        {counted('{n} try', '{n} tries', of.tries)}
        {of.response_status !== null && ` · ${say('answered {status}', { status: of.response_status })}`}
        {of.duration_ms !== null && ` ${say('in {count} ms', { count: of.duration_ms })}`}
        {of.error && of.response_status === null && ` · ${fromServer(of.error)}`}
        {of.tries > 0 &&
          of.next_try_at &&
          ` · ${say('again at {time}', { time: when(Date.parse(of.next_try_at), now) })}`}
      </p>
      <div className="mt-2 flex gap-2">
        <Button className="h-8" onClick={() => setOpen(!open)} aria-expanded={open}>
          {open ? say('Hide') : say('Body')}
        </Button>
        {of.status !== 'waiting' && (
          <Button className="h-8" disabled={busy} onClick={onReplay}>
            {say('Send again')}
          </Button>
        )}
      </div>
      {open && <Body path={path} />}
    </li>
  )
}

function Body({ path }: { path: string }) {
  const detail = useRemote(path, DeliveryDetail)
  return (
    <div className="mt-2">
      <Answer of={detail} height="h-24" apart>
        {({ body }) => (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
          <pre tabIndex={0} className="max-h-64 overflow-auto rounded-lg bg-sunken p-3 text-xs">
            {indented(body)}
          </pre>
        )}
      </Answer>
    </div>
  )
}

function indented(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2)
  } catch {
    return body
  }
}
