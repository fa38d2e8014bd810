// Everything a keyboard can reach at once: Ctrl K, or ⌘ K.
// owns: the box, the list of commands and choosing one. never: limits, money. always true: each command is one that a button
// has too, and does the same.

import { useNavigate } from '@tanstack/react-router'
import {
  House,
  LayoutGrid,
  List,
  type LucideIcon,
  Pause,
  Play,
  Plus,
  Search,
  Settings,
  Snowflake,
  Sun,
} from 'lucide-react'
import { type KeyboardEvent, useEffect, useId, useMemo, useState } from 'react'
import { enqueue } from '../db-outbox.ts'
import type { View } from '../fold.ts'
import { cleanName } from '../format.ts'
import { useView } from '../live.ts'
import { useWallet } from '../session.ts'
import { say } from '../words.ts'
import { Dialog } from './dialog.tsx'

type Command = { id: string; name: string; hint: string; icon: LucideIcon; run: () => unknown }

const ASKED = 'palette-asked'

/** The same by pointer. */
export function PaletteButton() {
  const key = /Mac|iP(?:hone|ad)/.test(navigator.platform) ? '⌘ K' : say('Ctrl K')
  return (
    <button
      type="button"
      onClick={() => dispatchEvent(new Event(ASKED))}
      className="flex h-9 w-full items-center gap-2.5 rounded-lg border border-line px-3 text-sm text-muted hover:bg-sunken"
    >
      <Search className="size-4" aria-hidden /> {say('Find or do')}
      <kbd className="ms-auto font-sans text-xs">{key}</kbd>
    </button>
  )
}

/** Listens for the key everywhere in the wallet. */
export function Palette() {
  const [open, setOpen] = useState(false)
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey) || event.altKey || event.shiftKey) return
      event.preventDefault()
      if (!document.querySelector('dialog[open]')) setOpen(true)
    }
    const onAsk = () => setOpen(true)
    addEventListener('keydown', onKey)
    addEventListener(ASKED, onAsk)
    return () => {
      removeEventListener('keydown', onKey)
      removeEventListener(ASKED, onAsk)
    }
  }, [])
  return open ? <Box onClose={() => setOpen(false)} /> : null
}

const SHOWN = 12

function Box({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('')
  const [chosen, setChosen] = useState(0)
  const id = useId()
  const commands = useCommands(text)
  const words = text.toLowerCase().trim().split(/\s+/)
  const found = commands
    .filter(
      ({ id: key, name, hint }) => key === 'search' || words.every((w) => `${name} ${hint}`.toLowerCase().includes(w)),
    )
    .slice(0, SHOWN)
  const at = Math.min(chosen, found.length - 1)
  const run = (command: Command | undefined) => {
    if (!command) return
    onClose()
    command.run()
  }
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step) setChosen((at + step + found.length) % Math.max(1, found.length))
    else if (event.key === 'Enter') run(found[at])
    else return
    event.preventDefault()
  }
  return (
    <Dialog title={say('What would you like to do?')} onClose={onClose}>
      <input
        role="combobox"
        aria-expanded
        aria-controls={id}
        aria-activedescendant={found[at] ? `${id}-${at}` : undefined}
        aria-label={say('Command')}
        autoComplete="off"
        spellCheck={false}
        value={text}
        placeholder={say('Go to, pause, find …')}
        onChange={(event) => {
          setText(event.target.value)
          setChosen(0)
        }}
        onKeyDown={onKey}
        className="h-11 w-full rounded-lg border border-line-strong bg-surface px-3 text-[0.95rem]"
      />
      <Options id={id} found={found} at={at} onRun={run} />
    </Dialog>
  )
}

type OptionsProps = { id: string; found: Command[]; at: number; onRun: (command: Command) => void }

function Options({ id, found, at, onRun }: OptionsProps) {
  return (
    <div id={id} role="listbox" aria-label={say('Commands')} className="-mx-2 mt-3 h-80 overflow-y-auto">
      {found.map((command, i) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: keys go to the box above
        <div
          key={command.id}
          id={`${id}-${i}`}
          role="option"
          aria-selected={i === at}
          tabIndex={-1}
          onClick={() => onRun(command)}
          className="flex cursor-pointer items-center gap-3 rounded-lg px-2.5 py-2 text-sm hover:bg-sunken aria-selected:bg-sunken"
        >
          <command.icon className="size-4 shrink-0 text-muted" aria-hidden />
          <span className="min-w-0 flex-1 truncate">{command.name}</span>
          <span className="shrink-0 text-xs text-muted">{command.hint}</span>
        </div>
      ))}
      {found.length === 0 && <p className="px-2.5 py-2 text-sm text-muted">{say('No such command.')}</p>}
    </div>
  )
}

const PLACES = [
  { to: '/', name: say('Home'), icon: House },
  { to: '/activity', name: say('Activity'), icon: List },
  { to: '/apps', name: say('Apps'), icon: LayoutGrid },
  { to: '/add-money', name: say('Add money'), icon: Plus },
  { to: '/settings', name: say('Settings'), icon: Settings },
] as const

function useCommands(text: string): Command[] {
  const { db } = useWallet()
  const view = useView()
  const navigate = useNavigate()
  return useMemo(() => {
    const places = PLACES.map(
      ({ to, name, icon }): Command => ({ id: to, name, icon, hint: say('Go to'), run: () => navigate({ to }) }),
    )
    const frozen = view?.profile?.frozen
    const version = view?.profile?.version
    const freeze: Command = frozen
      ? {
          id: 'unfreeze',
          name: say('Allow spending again'),
          hint: say('All apps'),
          icon: Sun,
          run: () => enqueue(db, 'wallet.unfreeze', {}, version),
        }
      : {
          id: 'freeze',
          name: say('Stop all spending'),
          hint: say('All apps'),
          icon: Snowflake,
          run: () => enqueue(db, 'wallet.freeze', {}),
        }
    const q = text.trim()
    const search: Command[] =
      q === ''
        ? []
        : [
            {
              id: 'search',
              name: say('Find “{words}” in the log', { words: q }),
              hint: say('Activity'),
              icon: Search,
              run: () => navigate({ to: '/activity', search: { q } }),
            },
          ]
    const apps = (view?.connections ?? []).flatMap((c) =>
      ofApp(c, db, (app) => navigate({ to: '/activity', search: { app } })),
    )
    return [...places, ...(view?.profile ? [freeze] : []), ...apps, ...search]
  }, [db, view, navigate, text])
}

function ofApp(
  c: View['connections'][0],
  db: Parameters<typeof enqueue>[0],
  show: (app: string) => unknown,
): Command[] {
  const name = cleanName(c.name ?? c.app.name)
  const args = { connection_id: c.id }
  const log: Command = {
    id: `log ${c.id}`,
    name: say('Activity of {name}', { name }),
    hint: say('App'),
    icon: List,
    run: () => show(c.app.id),
  }
  if (c.status === 'active')
    return [
      log,
      {
        id: `pause ${c.id}`,
        name: say('Pause {app}', { app: name }),
        hint: say('App'),
        icon: Pause,
        run: () => enqueue(db, 'connection.pause', args),
      },
    ]
  if (c.status === 'paused')
    return [
      log,
      {
        id: `resume ${c.id}`,
        name: say('Resume {app}', { app: name }),
        hint: say('App'),
        icon: Play,
        run: () => enqueue(db, 'connection.resume', args, c.version),
      },
    ]
  return [log]
}
