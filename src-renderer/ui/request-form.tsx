// Somebody asks to spend: what they ask, and the person's answer.
// owns: the consent form, used by the consent page and by a signed-in wallet. never: sending the answer.
// always true: the limit on the button is the limit that is sent, and no request is allowed without one; limits that held
// before hold on unless the person changes them here.

import { BadgeCheck, Check, CircleAlert, type LucideIcon, Percent } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import {
  type Cap,
  type CapState,
  type Connection,
  type ConsentRequest,
  DEFAULT_CAP,
  type Estimate,
} from '../../server/contract/records.ts'
import { cleanName, limitWords, money, percent, resetWords } from '../format.ts'
import { type Model, withMarkup } from '../model-list.ts'
import { Say } from '../say.tsx'
import { counted, say } from '../words.ts'
import { Badge, Face, Wrong } from './bits.tsx'
import { Button } from './button.tsx'
import { capOf, draftOf, LimitFields } from './limit-fields.tsx'
import { type FinerTerms, finerOf, finerTerms, MoreLimits } from './more-limits.tsx'
import { WhatChanged } from './what-changed.tsx'

export type Terms = { caps: Cap[] } & FinerTerms

type Props = {
  request: Pick<ConsentRequest, 'client' | 'scopes' | 'requested_cap' | 'match' | 'estimate' | 'calendar'>
  current?: Connection | null
  /** On which side of the same request this is; each names the other. */
  side: 'page' | 'wallet'
  busy: boolean
  /** Why the last answer did not get through. */
  wrong?: string | null
  loadModels: () => Promise<Model[]>
  onAllow: (terms: Terms) => void
  onDeny: () => void
  heading?: 'h1' | 'h3'
}

export function RequestForm(props: Props) {
  const { request, side, busy, wrong = null, loadModels, onAllow, onDeny, heading: Heading = 'h1' } = props
  const { client, scopes, requested_cap: asked, match, estimate, calendar } = request
  const current = standing(props.current ?? null)
  const [held, ...others] = current?.caps ?? []
  const [draft, setDraft] = useState(() => draftOf(held ?? asked ?? DEFAULT_CAP))
  const [finer, setFiner] = useState(() => finerOf(current))
  const [models, setModels] = useState<Model[]>([])
  const cap = capOf(draft)
  const kept = others.filter((other) => other.period !== draft.period)
  const more = finerTerms(finer)
  const name = cleanName(client.name)
  const spends = scopes.includes(SPENDS)
  const load = async () => {
    const list = await loadModels()
    setModels(list)
    return list
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (cap && more) onAllow({ caps: [cap, ...kept.map(({ amount, period }) => ({ amount, period }))], ...more })
      }}
    >
      <div className="flex items-center gap-4">
        <Face name={name} id={client.id} logo={client.logo_uri} size="size-14 text-2xl" />
        <div className="min-w-0">
          <Heading className="text-xl leading-tight font-semibold tracking-tight text-balance">
            <Question app={<bdi>{name}</bdi>} spends={spends} />
          </Heading>
          <div className="mt-1.5">
            <Domain domain={client.verified_domain} />
          </div>
        </div>
      </div>
      {match && <Digits digits={match} side={side} />}
      {current && <WhatChanged current={current} scopes={scopes} markupBps={client.markup_bps} words={scopeWords} />}
      <Permissions scopes={scopes} markupBps={client.markup_bps} />
      <LimitFields draft={draft} onChange={setDraft} />
      <div className="mt-3 space-y-1 text-sm text-muted">
        <p>
          {cap ? chats(cap, pricedBy(finer.models, models, client.markup_bps) ?? estimate ?? null) : ''}{' '}
          {limitNote(held, asked)}
        </p>
        {cap && calendar && <p>{resetWords(cap.period, calendar)}</p>}
        {kept.length > 0 && <p>{say('Beside it, as before: {limits}.', { limits: listed(kept) })}</p>}
      </div>
      <MoreLimits finer={finer} onChange={setFiner} loadModels={load} />
      <Answers cap={cap} ready={!busy && cap !== null && more !== null} busy={busy} wrong={wrong} onDeny={onDeny} />
    </form>
  )
}

type AnswersProps = Pick<Props, 'busy' | 'onDeny'> & { cap: Cap | null; ready: boolean; wrong: string | null }

/** Yes and no, always in view; what went wrong with the last one stands by them. */
const Answers = ({ cap, ready, busy, wrong, onDeny }: AnswersProps) => (
  <div className="actions mt-5 grid gap-2 sm:grid-cols-[1fr_auto]">
    {wrong && (
      <div className="sm:col-span-2">
        <Wrong>{wrong}</Wrong>
      </div>
    )}
    <Button look="main" size="large" type="submit" className="sm:px-3" disabled={!ready}>
      {cap ? say('Allow up to {limit}', { limit: limitWords(cap) }) : say('Allow')}
    </Button>
    <Button look="plain" size="large" className="sm:px-4" disabled={busy} onClick={onDeny}>
      {say('Deny')}
    </Button>
  </div>
)

const listed = (caps: Cap[]): string => caps.map(limitWords).join(', ')

const Question = ({ app, spends }: { app: ReactNode; spends: boolean }) =>
  spends ? (
    <Say words="Let {app} spend from your wallet?" app={app} />
  ) : (
    <Say words="Let {app} connect to your wallet?" app={app} />
  )

/** What holds today; an app that was disconnected, or whose time ran out, begins anew. */
const standing = (current: Connection | null): Connection | null =>
  current && (current.status === 'active' || current.status === 'paused') ? current : null

type Priced = Pick<Estimate, 'model' | 'credits_per_call'>

/** The first of the chosen models, when its price is known here. */
function pricedBy(chosen: string[] | null, models: Model[], markupBps: number): Priced | null {
  const model = models.find(({ name, perCall }) => name === chosen?.[0] && perCall > 0)
  return model ? { model: model.name, credits_per_call: withMarkup(model.perCall, markupBps) } : null
}

function chats(cap: Cap, priced: Priced | null): string {
  if (!priced) return say('The limit holds, whatever the app does.')
  const n = Math.floor(cap.amount / priced.credits_per_call)
  const { model } = priced
  const each = money(priced.credits_per_call)
  if (n === 0) return say('Not enough for a usual chat with {model}, which costs {each}.', { model, each })
  return counted(
    'Enough for about {n} chat with {model}, at {each} each.',
    'Enough for about {n} chats with {model}, at {each} each.',
    n,
    { model, each },
  )
}

/** What the limit already in the field is, and that it is the person's to choose. */
function limitNote(held: CapState | undefined, asked: Cap | null): string {
  if (held) return say('It replaces your limit of {limit}.', { limit: limitWords(held) })
  if (asked) return say('The app suggested this limit; you can set another.')
  return say('You can change it or stop the app at any time.')
}

/** The number that ties the page in the browser and the wallet together. An app never shows it. */
function Digits({ digits, side }: { digits: string; side: 'page' | 'wallet' }) {
  const number = (
    <strong className="nums rounded-md bg-raised px-1.5 text-base shadow-sm font-semibold whitespace-nowrap">
      {digits}
    </strong>
  )
  return (
    <p className="mt-5 rounded-lg bg-sunken px-3.5 py-2.5 text-sm leading-6">
      {side === 'page' ? (
        <Say
          words="Your wallet shows this request too, with the number {number}. Answer it here or there."
          number={number}
        />
      ) : (
        <Say
          words="The page in your browser shows the number {number}. If it shows another one, or you did not start this, deny it."
          number={number}
        />
      )}
    </p>
  )
}

/** What it may do: with money first, and what that costs. */
function Permissions({ scopes, markupBps }: { scopes: string[]; markupBps: number }) {
  return (
    <ul className="my-5 space-y-2 text-sm">
      {scopes.includes(SPENDS) && <Item>{scopeWords(SPENDS)}</Item>}
      <Item icon={markupBps === 0 ? Check : Percent}>
        {markupBps === 0
          ? say('Costs what the model costs, without a markup')
          : say('Adds a markup of {markup} to what the model costs', { markup: percent(markupBps) })}
      </Item>
      {scopes
        .filter((scope) => scope !== SPENDS)
        .map((scope) => (
          <Item key={scope}>{scopeWords(scope)}</Item>
        ))}
    </ul>
  )
}

function Domain({ domain }: { domain: string | null }) {
  return domain ? (
    <Badge tone="good" icon={BadgeCheck} title={say('This app has proved that it belongs to this domain.')}>
      <bdi>{domain}</bdi>
    </Badge>
  ) : (
    <Badge
      tone="warn"
      icon={CircleAlert}
      title={say('Nobody has proved who is behind this app. Anyone can choose any name.')}
    >
      {say('Unverified')}
    </Badge>
  )
}

function Item({ icon: Icon = Check, children }: { icon?: LucideIcon; children: ReactNode }) {
  return (
    <li className="flex gap-2.5">
      <Icon className="mt-0.5 size-4 shrink-0 text-muted" aria-hidden />
      <span>{children}</span>
    </li>
  )
}

const SPENDS = 'credits.spend'

const SCOPES: Record<string, string> = {
  openid: say('Recognise you when you come back'),
  profile: say('See your name'),
  email: say('See your e-mail address'),
  'credits.read': say('See how much it may spend'),
  [SPENDS]: say('Pay for AI calls from your balance, up to your limit'),
  offline_access: say('Stay connected until you disconnect it'),
}

/** A scope in plain words; one this wallet does not know is shown by its name rather than hidden. */
function scopeWords(scope: string): string {
  return SCOPES[scope] ?? say('Something this wallet does not know: {scope}', { scope })
}
