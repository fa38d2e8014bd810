// Pieces that several of the console's screens are made of.
// owns: fields, a secret that is shown once, the state of an answer, a file to save. never: a request.
// always true: a secret is shown in one dialog and kept nowhere; a field's label and its hint are tied to it.

import { Check, Copy, Download } from 'lucide-react'
import { type ReactNode, useId, useState } from 'react'
import type { App } from '../../server/contract/api.ts'
import { cleanName } from '../format.ts'
import { useTry } from '../screens/account-page.tsx'
import { saveFile } from '../screens/export.ts'
import { useWallet } from '../session.ts'
import { inputLook, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { say } from '../words.ts'
import { OwnTrouble, Told } from './failures.tsx'
import type { Remote } from './remote.ts'

type AnswerProps<T> = {
  of: Remote<T>
  height?: string
  /** Says itself what went wrong: it stands in a dialog, before its page. */
  apart?: boolean
  children: (data: T) => ReactNode
}

/** Shows what an answer holds, and its place while it comes; that it is old, or cannot be had, is said once for a page. */
export function Answer<T>({ of, height = 'h-48', apart = false, children }: AnswerProps<T>) {
  return (
    <>
      {apart ? <OwnTrouble of={of} /> : <Told of={of} />}
      {of.data !== undefined ? (
        children(of.data)
      ) : of.wrong === null ? (
        <div className={`skeleton ${height} rounded-xl`} role="status" aria-label={say('Loading')} />
      ) : apart ? null : (
        <p className="text-sm text-muted">{say('This cannot be shown now.')}</p>
      )}
    </>
  )
}

export function Card({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <section className="card min-w-0 p-5 sm:p-6" aria-label={title}>
      <div className="mb-4 flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <h2 className="font-semibold tracking-tight">{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  )
}

type FieldProps = {
  label: string
  hint?: string
  name: string
  defaultValue?: string
  placeholder?: string
  required?: boolean
  inputMode?: 'decimal' | 'numeric' | 'url'
  maxLength?: number
  /** Several lines. */
  rows?: number
}

export function Field({ label, hint, rows, ...rest }: FieldProps) {
  const id = useId()
  const shared = { id, autoComplete: 'off', 'aria-describedby': hint ? `${id}-hint` : undefined, ...rest }
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {label}
      </label>
      {rows ? (
        <textarea rows={rows} {...shared} className={`${inputLook} h-auto py-2 font-mono text-sm leading-6`} />
      ) : (
        <input {...shared} className={inputLook} />
      )}
      {hint && (
        <p id={`${id}-hint`} className="mt-1.5 text-sm text-muted">
          {hint}
        </p>
      )}
    </div>
  )
}

const filterLook = 'h-9 max-w-full rounded-lg border border-line-strong bg-surface px-2.5 text-sm text-ink'

/** Apps to choose among. */
export const choicesOf = (apps: readonly App[]): [string, string][] => apps.map(({ id, name }) => [id, cleanName(name)])

export function Choice({
  label,
  options,
  value,
  onChange,
  name,
  bare = false,
}: {
  label: string
  options: readonly (readonly [value: string, words: string])[]
  value?: string
  onChange?: (value: string) => void
  name?: string
  /** Without its label above: it stands in a row of filters. */
  bare?: boolean
}) {
  const id = useId()
  const chosen = onChange ? { value, onChange: (e: { target: { value: string } }) => onChange(e.target.value) } : {}
  return (
    <div className={bare ? 'min-w-0' : ''}>
      <label htmlFor={id} className={bare ? 'sr-only' : 'mb-1.5 block text-sm font-medium'}>
        {label}
      </label>
      <select
        id={id}
        name={name}
        {...(onChange ? chosen : { defaultValue: value })}
        className={bare ? filterLook : inputLook}
      >
        {options.map(([one, words]) => (
          <option key={one} value={one}>
            {words}
          </option>
        ))}
      </select>
    </div>
  )
}

/** A text to be copied. */
export function CopyLine({ label, text }: { label: string; text: string }) {
  const [done, setDone] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(text)
    setDone(true)
    setTimeout(() => setDone(false), 2000)
  }
  return (
    <div className="min-w-0">
      <p className="mb-1 text-xs font-medium text-muted">{label}</p>
      <div className="flex items-center gap-2 rounded-lg bg-sunken py-1 ps-3 pe-1">
        <code className="min-w-0 flex-1 truncate text-sm" title={text}>
          {text}
        </code>
        <Button look="quiet" className="h-8" onClick={copy} aria-label={say('Copy {what}', { what: label })}>
          {done ? <Check className="size-4" aria-hidden /> : <Copy className="size-4" aria-hidden />}
          <span aria-live="polite">{done ? say('Copied') : say('Copy')}</span>
        </Button>
      </div>
    </div>
  )
}

export type Once = { title: string; lines: readonly (readonly [label: string, text: string])[]; note?: string }

/** What the server tells once and keeps only a hash of. */
export function OnceDialog({ title, lines, note, onClose }: Once & { onClose: () => void }) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p className="mb-4 text-sm text-muted">
        {note
          ? say('Keep it where your server keeps its secrets. It is shown now and never again; {note}', { note })
          : say('Keep it where your server keeps its secrets. It is shown now and never again.')}
      </p>
      <div className="space-y-3">
        {lines.map(([label, text]) => (
          <CopyLine key={label} label={label} text={text} />
        ))}
      </div>
      <Button look="main" size="large" className="mt-6 w-full" onClick={onClose}>
        {say('I have kept it')}
      </Button>
    </Dialog>
  )
}

/** Saves a CSV of the server's. */
export function CsvButton({ path, file }: { path: string; file: string }) {
  const { api } = useWallet()
  const { busy, wrong, attempt } = useTry()
  const save = () => attempt(async () => saveFile(await api.file(path), file))
  return (
    <span className="inline-flex flex-wrap items-center gap-2">
      <Button disabled={busy} onClick={save}>
        <Download className="size-4" aria-hidden /> {say('CSV')}
      </Button>
      {wrong && <Wrong>{wrong}</Wrong>}
    </span>
  )
}
