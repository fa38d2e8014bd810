// The finer limits of an app, behind one disclosure.
// owns: ceiling of a call, when to ask, how long, which models. never: the limit itself (limit-fields.tsx), sending it.
// always true: what is left empty limits nothing, and what cannot be read stops the form rather than being dropped.

import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import type { Connection } from '../../server/contract/records.ts'
import { amountOf, date, money, typed } from '../format.ts'
import type { Model } from '../model-list.ts'
import { say } from '../words.ts'
import { inputLook, Summary } from './bits.tsx'

const DAY_MS = 86_400_000
const ENDS = {
  never: say('Until I stop it'),
  '1': say('For a day'),
  '7': say('For a week'),
  '30': say('For 30 days'),
  '365': say('For a year'),
}

export type Finer = { perCall: string; askAbove: string; ends: string; models: string[] | null }
/** As the server is told; a limit nobody set, now or before, is left out. */
export type FinerTerms = {
  per_call_ceiling?: number | null
  ask_above?: number | null
  expires_at?: string | null
  models?: string[] | null
}
type Held = Pick<Connection, 'per_call_ceiling' | 'ask_above' | 'expires_at' | 'models'>

export const finerOf = (held: Held | null): Finer => ({
  perCall: held?.per_call_ceiling ? typed(held.per_call_ceiling) : '',
  askAbove: held?.ask_above ? typed(held.ask_above) : '',
  ends: held?.expires_at && Date.parse(held.expires_at) > Date.now() ? held.expires_at : 'never',
  models: held?.models ?? null,
})

/** What a draft means, or null while an amount in it cannot be read. */
export function finerTerms(finer: Finer): FinerTerms | null {
  const perCall = limitOf(finer.perCall)
  const askAbove = limitOf(finer.askAbove)
  if (perCall === 'unreadable' || askAbove === 'unreadable') return null
  const days = Number(finer.ends)
  const until = Number.isInteger(days) ? new Date(Date.now() + days * DAY_MS).toISOString() : finer.ends
  return {
    ...(perCall !== null && { per_call_ceiling: perCall }),
    ...(askAbove !== null && { ask_above: askAbove }),
    ...(finer.ends !== 'never' && { expires_at: until }),
    ...(finer.models !== null && finer.models.length > 0 && { models: finer.models }),
  }
}

/** Null while nothing is typed. */
function limitOf(text: string): number | null | 'unreadable' {
  return /^\s*\$?\s*$/.test(text) ? null : (amountOf(text) ?? 'unreadable')
}

type Props = { finer: Finer; onChange: (finer: Finer) => void; loadModels: () => Promise<Model[]> }

export function MoreLimits({ finer, onChange, loadModels }: Props) {
  const [open, setOpen] = useState(false)
  const set = (change: Partial<Finer>) => onChange({ ...finer, ...change })
  return (
    <details
      className="mt-4 rounded-lg border border-line"
      open={open}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <Summary className="h-11 rounded-lg px-3">
        <span className="font-medium">{say('More limits')}</span>
        <span className="ms-auto min-w-0 truncate text-muted">{open ? '' : summary(finer)}</span>
      </Summary>
      <div className="space-y-4 border-t border-line p-3 pt-4">
        <Dollars
          label={say('At most for one call')}
          hint={say('A call that could cost more is refused.')}
          text={finer.perCall}
          onChange={(perCall) => set({ perCall })}
        />
        <Dollars
          label={say('Ask me above')}
          hint={say('A call that could cost more waits until you approve it in your wallet.')}
          text={finer.askAbove}
          onChange={(askAbove) => set({ askAbove })}
        />
        <Ends ends={finer.ends} onChange={(ends) => set({ ends })} />
        {open && <Models chosen={finer.models} onChange={(models) => set({ models })} load={loadModels} />}
      </div>
    </details>
  )
}

function summary({ perCall, askAbove, ends, models }: Finer): string {
  const set =
    [perCall, askAbove].filter((text) => text.trim() !== '').length + Number(ends !== 'never') + Number(models !== null)
  return set === 0 ? say('None') : say('{count} set', { count: set })
}

type Field = { label: string; hint: string; text: string; onChange: (text: string) => void }

function Dollars({ label, hint, text, onChange }: Field) {
  const id = useId()
  const bad = limitOf(text) === 'unreadable'
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {label}
      </label>
      <div className="relative">
        <span aria-hidden className="absolute inset-y-0 start-0 grid w-8 place-items-center text-muted">
          $
        </span>
        <input
          id={id}
          inputMode="decimal"
          autoComplete="off"
          placeholder={say('No such limit')}
          value={text}
          aria-invalid={bad}
          aria-describedby={`${id}-hint`}
          onChange={(event) => onChange(event.target.value)}
          className={`${inputLook} nums ps-8`}
        />
      </div>
      <p
        id={`${id}-hint`}
        role={bad ? 'alert' : undefined}
        className={`mt-1 text-xs ${bad ? 'text-bad' : 'text-muted'}`}
      >
        {bad ? say('Write an amount in dollars, such as 0.50, or leave it empty.') : hint}
      </p>
    </div>
  )
}

function Ends({ ends, onChange }: { ends: string; onChange: (ends: string) => void }) {
  const id = useId()
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {say('How long')}
      </label>
      <select id={id} value={ends} onChange={(event) => onChange(event.target.value)} className={inputLook}>
        {!(ends in ENDS) && (
          <option value={ends}>{say('Until {day}, as before', { day: date(Date.parse(ends), Date.now()) })}</option>
        )}
        {Object.entries(ENDS).map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
    </div>
  )
}

type ModelsProps = {
  chosen: string[] | null
  onChange: (models: string[] | null) => void
  load: () => Promise<Model[]>
}

/** Any model, or those ticked. */
function Models({ chosen, onChange, load }: ModelsProps) {
  const id = useId()
  const [models, setModels] = useState<Model[] | 'failed' | null>(null)
  const [search, setSearch] = useState('')
  // biome-ignore lint/correctness/useExhaustiveDependencies: the list is read once, when the disclosure opens
  useEffect(() => {
    load().then(setModels, () => setModels('failed'))
  }, [])
  const listed = Array.isArray(models) ? models : []
  const known = [...listed, ...(chosen ?? []).filter((name) => !listed.some((m) => m.name === name)).map(unlisted)]
  const shown = known.filter((m) => m.name.toLowerCase().includes(search.trim().toLowerCase()))
  const toggle = (name: string) => {
    const next = chosen?.includes(name) ? chosen.filter((other) => other !== name) : [...(chosen ?? []), name]
    onChange(next.length === 0 ? null : next)
  }
  return (
    <fieldset>
      <legend className="mb-1 text-sm font-medium">
        {say('Models')}{' '}
        <span className="font-normal text-muted">
          {chosen ? say('only {count} of them', { count: chosen.length }) : say('any')}
        </span>
      </legend>
      {models === 'failed' && <p className="text-xs text-muted">{say('The list of models cannot be read now.')}</p>}
      {models !== null && known.length > 0 && (
        <>
          <input
            aria-label={say('Search models')}
            id={id}
            placeholder={say('Search models')}
            value={search}
            onChange={(event) => setSearch(event.target.value)}
            className={inputLook}
          />
          <ModelList models={shown} chosen={chosen ?? []} onToggle={toggle} />
        </>
      )}
    </fieldset>
  )
}

type ListProps = { models: Model[]; chosen: string[]; onToggle: (name: string) => void }

/** One stop of the Tab key, however many models there are; the arrow keys go from one to the next. */
function ModelList({ models, chosen, onToggle }: ListProps) {
  const list = useRef<HTMLUListElement>(null)
  const [at, setAt] = useState(0)
  const stop = Math.min(at, models.length - 1)
  const move = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step === undefined) return
    event.preventDefault()
    list.current?.querySelectorAll('input')[stop + step]?.focus()
  }
  return (
    <ul
      ref={list}
      aria-label={say('Models')}
      className="mt-2 max-h-44 overflow-y-auto rounded-lg border border-line p-1"
    >
      {models.map(({ name, perCall }, i) => (
        <li key={name}>
          <label className="flex min-h-9 cursor-pointer items-center gap-2.5 rounded-md px-2 text-sm hover:bg-sunken">
            <input
              type="checkbox"
              className="size-4 shrink-0 accent-accent"
              checked={chosen.includes(name)}
              onChange={() => onToggle(name)}
              tabIndex={i === stop ? 0 : -1}
              onFocus={() => setAt(i)}
              onKeyDown={move}
            />
            <span className="min-w-0 flex-1 truncate">{name}</span>
            {perCall > 0 && (
              <span className="nums text-xs text-muted">{say('{price} a chat', { price: money(perCall) })}</span>
            )}
          </label>
        </li>
      ))}
    </ul>
  )
}

const unlisted = (name: string): Model => ({ name, maker: '', perCall: 0 })
