// Somebody asks to spend: what they ask, and the person's answer.
// owns: the consent form, used by the consent page and by a signed-in wallet. never: sending the answer.
// always true: the limit on the button is the limit that is sent, and no request is allowed without one.

import { BadgeCheck, Check, CircleAlert } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import {
  type Cap,
  type CapState,
  type Connection,
  type ConsentRequest,
  DEFAULT_CAP,
} from '../../server/contract/records.ts'
import { cleanName, count, limitWords, money, percent } from '../format.ts'
import { Badge, Face } from './bits.tsx'
import { Button } from './button.tsx'
import { capOf, draftOf, LimitFields } from './limit-fields.tsx'

type Props = {
  request: Pick<ConsentRequest, 'client' | 'scopes' | 'requested_cap' | 'match'>
  estimate?: { model: string; calls: number; credits_per_call: number } | null
  current?: Connection | null
  busy: boolean
  onAllow: (cap: Cap) => void
  onDeny: () => void
  heading?: 'h1' | 'h3'
}

export function RequestForm({ request, estimate, current, busy, onAllow, onDeny, heading: Heading = 'h1' }: Props) {
  const { client, scopes, requested_cap: asked, match } = request
  const held = current?.caps[0]
  const [draft, setDraft] = useState(() => draftOf(held ?? asked ?? DEFAULT_CAP))
  const cap = capOf(draft)
  const name = cleanName(client.name)
  const spends = scopes.includes('credits.spend')
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (cap) onAllow(cap)
      }}
    >
      <div className="flex items-center gap-4">
        <Face name={name} id={client.id} logo={client.logo_uri} size="size-14 text-2xl" />
        <div className="min-w-0">
          <Heading className="text-xl leading-tight font-semibold tracking-tight text-balance">
            Let <bdi>{name}</bdi> {spends ? 'spend from your wallet?' : 'connect to your wallet?'}
          </Heading>
          <div className="mt-1.5">
            <Domain domain={client.verified_domain} />
          </div>
        </div>
      </div>
      {match && (
        <p className="mt-5 rounded-lg bg-sunken px-3 py-2 text-sm">
          The app shows the number <strong className="nums text-base">{match}</strong>. If it shows another one, deny
          this.
        </p>
      )}
      <Permissions scopes={scopes} markupBps={client.markup_bps} />
      <LimitFields draft={draft} onChange={setDraft} />
      <p className="mt-3 text-sm text-muted">
        {estimate && cap
          ? `Enough for about ${count(Math.floor(cap.amount / estimate.credits_per_call))} calls of ${estimate.model}, at ${money(estimate.credits_per_call)} each.`
          : 'The limit holds, whatever the app does.'}{' '}
        {limitNote(held, asked)}
      </p>
      <div className="mt-5 grid gap-2">
        <Button look="main" size="large" type="submit" disabled={busy || !cap}>
          {cap ? `Allow up to ${limitWords(cap)}` : 'Allow'}
        </Button>
        <Button look="plain" size="large" disabled={busy} onClick={onDeny}>
          Deny
        </Button>
      </div>
    </form>
  )
}

/** What the limit already in the field is, and that it is the person's to choose. */
function limitNote(held: CapState | undefined, asked: Cap | null): string {
  if (held) return `It replaces your limit of ${limitWords(held)}.`
  if (asked) return 'The app suggested this limit; you can set another.'
  return 'You can change it or stop the app at any time.'
}

function Permissions({ scopes, markupBps }: { scopes: string[]; markupBps: number }) {
  return (
    <ul className="my-5 space-y-2 text-sm">
      {scopes.map((scope) => (
        <Item key={scope}>{scopeWords(scope)}</Item>
      ))}
      <Item>
        {markupBps === 0
          ? 'Costs what the model costs, without a markup'
          : `Adds a markup of ${percent(markupBps)} to what the model costs`}
      </Item>
    </ul>
  )
}

function Domain({ domain }: { domain: string | null }) {
  return domain ? (
    <Badge tone="good" icon={BadgeCheck} title="This app has proved that it belongs to this domain.">
      <bdi>{domain}</bdi>
    </Badge>
  ) : (
    <Badge tone="warn" icon={CircleAlert} title="Nobody has proved who is behind this app. Anyone can choose any name.">
      Unverified
    </Badge>
  )
}

function Item({ children }: { children: ReactNode }) {
  return (
    <li className="flex gap-2.5">
      <Check className="mt-0.5 size-4 shrink-0 text-muted" aria-hidden />
      <span>{children}</span>
    </li>
  )
}

const SCOPES: Record<string, string> = {
  openid: 'Recognise you when you come back',
  profile: 'See your name',
  email: 'See your e-mail address',
  'credits.read': 'See how much it may spend',
  'credits.spend': 'Pay for AI calls from your balance, up to your limit',
  offline_access: 'Stay connected until you disconnect it',
}

/** A scope in plain words; one this wallet does not know is shown by its name rather than hidden. */
function scopeWords(scope: string): string {
  return SCOPES[scope] ?? `Something this wallet does not know: ${scope}`
}
