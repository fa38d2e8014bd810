// Searching and narrowing the log.
// owns: the controls, each of which is a parameter of the address. never: what they find. always true: what narrows the log
// is visible and can be taken away singly, whether the panel is open or not.

import { Search as Glass, SlidersHorizontal, X } from 'lucide-react'
import { type ReactNode, useId, useState } from 'react'
import { amountOf, dollarsOf, figures, local } from '../format.ts'
import type { Search } from '../search.ts'
import { Button } from '../ui/button.tsx'
import { say } from '../words.ts'

type Props = {
  search: Search
  apps: string[]
  models: string[]
  tags: string[]
  nameOf: (app: string) => string
  onChange: (next: Search, replace: boolean) => void
}

const LOOK = 'h-9 rounded-lg border border-line-strong bg-surface px-2.5 text-sm placeholder:text-muted'

export function Filters({ search, apps, models, tags, nameOf, onChange }: Props) {
  const [open, setOpen] = useState(false)
  const panel = useId()
  const set: Set = (change, replace = false) => {
    const next = Object.fromEntries(Object.entries({ ...search, ...change }).filter(([, v]) => v)) as Search
    onChange(next, replace)
  }
  const appIds = search.app && !apps.includes(search.app) ? [search.app, ...apps] : apps
  return (
    <search className="mb-3 block space-y-2">
      <div className="flex flex-wrap items-center gap-2">
        <label className="relative min-w-0 flex-1 basis-full sm:basis-48">
          <span className="sr-only">{say('Search the log')}</span>
          <Glass className="absolute start-2.5 top-2.5 size-4 text-muted" aria-hidden />
          <input
            type="search"
            value={search.q ?? ''}
            placeholder={say('App, model, note, tag or request')}
            onChange={(event) => set({ q: event.target.value }, true)}
            className={`${LOOK} w-full ps-9`}
          />
        </label>
        <Choice
          label={say('App')}
          value={search.app}
          all={say('All apps')}
          options={appIds}
          nameOf={nameOf}
          onPick={(app) => set({ app })}
        />
        <Button aria-expanded={open} aria-controls={panel} onClick={() => setOpen(!open)}>
          <SlidersHorizontal className="size-4" aria-hidden /> {say('Filters')}
        </Button>
      </div>
      {open && <Panel {...{ id: panel, search, models, tags, set }} />}
      <Chips
        search={search}
        nameOf={nameOf}
        onRemove={(key) => set({ [key]: undefined })}
        onClear={() => onChange({}, false)}
      />
    </search>
  )
}

type Set = (change: { [K in keyof Search]?: Search[K] | undefined }, replace?: boolean) => void
type PanelProps = { id: string; search: Search; models: string[]; tags: string[]; set: Set }

function Panel({ id: panel, search, models, tags, set }: PanelProps) {
  return (
    <div
      id={panel}
      className="card grid grid-cols-2 gap-3 p-4 sm:grid-cols-3 lg:grid-cols-[1fr_1fr_9rem_9rem_5.5rem_5.5rem]"
    >
      <Named label={say('Model')}>
        {(id) => (
          <Choice
            id={id}
            value={search.model}
            all={say('All models')}
            options={models}
            onPick={(model) => set({ model })}
          />
        )}
      </Named>
      <Named label={say('Tag')}>
        {(id) => <Choice id={id} value={search.tag} all={say('Any')} options={tags} onPick={(tag) => set({ tag })} />}
      </Named>
      <Day label={say('From')} value={search.from} onPick={(from) => set({ from })} />
      <Day label={say('To')} value={search.to} onPick={(to) => set({ to })} />
      <Amount label={say('At least, $')} value={search.min} onPick={(min) => set({ min })} />
      <Amount label={say('At most, $')} value={search.max} onPick={(max) => set({ max })} />
    </div>
  )
}

type ChoiceProps = {
  id?: string
  label?: string
  value: string | undefined
  all: string
  options: string[]
  nameOf?: (option: string) => string
  onPick: (value: string | undefined) => void
}

function Choice({ id, label, value, all, options, nameOf = (o) => o, onPick }: ChoiceProps) {
  return (
    <select
      id={id}
      aria-label={label}
      value={value ?? ''}
      onChange={(event) => onPick(event.target.value || undefined)}
      className={`${LOOK} ${label ? 'min-w-0 flex-1 sm:max-w-52 sm:flex-none' : 'w-full'}`}
    >
      <option value="">{all}</option>
      {options.map((option) => (
        <option key={option} value={option}>
          {nameOf(option)}
        </option>
      ))}
    </select>
  )
}

type Named = { label: string; className?: string; children: (id: string) => ReactNode }

function Named({ label, className = '', children }: Named) {
  const id = useId()
  return (
    <div className={`min-w-0 ${className}`}>
      <label htmlFor={id} className="mb-1 block text-xs font-medium text-muted">
        {label}
      </label>
      {children(id)}
    </div>
  )
}

type FieldProps = { label: string; value: string | undefined; onPick: (value: string) => void }

/** A date needs its whole width to be read. */
const Day = ({ label, value, onPick }: FieldProps) => (
  <Named label={label} className="max-[27rem]:col-span-2">
    {(id) => (
      <input
        id={id}
        type="date"
        value={value ?? ''}
        onChange={(event) => onPick(event.target.value)}
        className={`${LOOK} w-full`}
      />
    )}
  </Named>
)

function Amount({ label, value, onPick }: FieldProps) {
  const [draft, setDraft] = useState(local(value ?? ''))
  return (
    <Named label={label}>
      {(id) => (
        <input
          id={id}
          inputMode="decimal"
          autoComplete="off"
          placeholder={say('0.00')}
          value={draft}
          onChange={(event) => {
            setDraft(event.target.value)
            const amount = amountOf(event.target.value)
            onPick(amount === null ? '' : figures(amount))
          }}
          className={`${LOOK} nums w-full`}
        />
      )}
    </Named>
  )
}

type Key = Exclude<keyof Search, 'entry' | 'q'>

function Chips({
  search,
  nameOf,
  onRemove,
  onClear,
}: {
  search: Search
  nameOf: (app: string) => string
  onRemove: (key: Key) => void
  onClear: () => void
}) {
  const words: Record<Key, (value: string) => string> = {
    app: nameOf,
    model: (model) => say('Model {model}', { model }),
    tag: (tag) => say('Tag {tag}', { tag }),
    from: (day) => say('From {day}', { day }),
    to: (day) => say('To {day}', { day }),
    min: (amount) => say('At least {sum}', { sum: dollarsOf(amount) }),
    max: (amount) => say('At most {sum}', { sum: dollarsOf(amount) }),
    check: () => say('Does not check out'),
  }
  const set = (Object.keys(words) as Key[]).filter((key) => search[key] !== undefined)
  if (set.length === 0) return null
  return (
    <ul aria-label={say('What narrows the log')} className="flex flex-wrap gap-1.5">
      {set.map((key) => {
        const text = words[key](String(search[key]))
        return (
          <li key={key}>
            <button
              type="button"
              aria-label={say('Remove: {what}', { what: text })}
              onClick={() => onRemove(key)}
              className="inline-flex h-7 max-w-64 items-center gap-1.5 rounded-full bg-soft ps-3 pe-2 text-xs font-medium text-accent hover:bg-sunken"
            >
              <span className="truncate">{text}</span>
              <X className="size-3.5 shrink-0" aria-hidden />
            </button>
          </li>
        )
      })}
      {set.length > 1 && (
        <li>
          <button
            type="button"
            onClick={onClear}
            className="h-7 rounded-full px-2.5 text-xs font-medium text-muted hover:bg-sunken"
          >
            {say('Clear all')}
          </button>
        </li>
      )}
    </ul>
  )
}
