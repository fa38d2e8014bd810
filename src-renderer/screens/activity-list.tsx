// The list of charges, by day.
// owns: drawing what is near the screen of a selection. never: choosing entries. always true: a list of a million rows
// holds a few dozen elements; a row that is not read yet keeps its place.
// biome-ignore-all lint/a11y/useSemanticElements: rows of a virtual list stand at computed places, which rows of a table element cannot
// biome-ignore-all lint/a11y/useFocusableInteractive: heads and rows are not pressed; the button in each row is

import { type KeyboardEvent, type RefObject, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { type DayGroup, revAt } from '../columns.ts'
import type { View } from '../fold.ts'
import { count, dayWords } from '../format.ts'
import { useNewest, useRows } from '../live.ts'
import { Money } from '../ui/bits.tsx'
import { counted, say } from '../words.ts'
import type { Found } from './activity.tsx'
import { ActivityRow, COLUMNS, useWide } from './activity-row.tsx'
import { limitLeft } from './limit-left.ts'

type Props = { found: Found; view: View | undefined; nameOf: (app: string) => string; onOpen: (rev: number) => void }

/** Browsers draw nothing below some 33 million pixels; older entries are reached by narrowing the search. */
const SHOWN_MAX = 400_000
/** Of so many newest entries it is worked out what each left of its limit. */
const LEFT_KNOWN = 500
const HEAD_PX = 41

export function ActivityList({ found, view, nameOf, onOpen }: Props) {
  const { index, selection } = found
  const shown = Math.min(selection.ordinals.length, SHOWN_MAX)
  const wide = useWide()
  const places = useMemo(() => placesOf(selection.groups, shown, wide ? 45 : 61), [selection, shown, wide])
  const box = useRef<HTMLDivElement>(null)
  const [first, last] = useVisible(box, places)
  const items = places.items(first, last)
  const positions = items.flatMap((item) => (item.kind === 'row' ? [item.position] : []))
  const rows = useRows(index, selection.ordinals, positions[0] ?? 0, positions.at(-1) ?? 0)
  const newest = useNewest(LEFT_KNOWN, rows.size > 0)
  const lefts = useMemo(() => limitLeft(newest ?? [], view?.connections ?? []), [newest, view])
  return (
    <>
      <div
        role="table"
        aria-label={say('Usage log')}
        aria-rowcount={selection.ordinals.length}
        className="card overflow-hidden"
        onKeyDown={moveFocus}
      >
        {wide && <Heads />}
        <div ref={box} role="rowgroup" className="relative" style={{ height: places.height }}>
          {items.map((item) => {
            const style = { height: item.size, transform: `translateY(${item.start}px)` }
            if (item.kind === 'day') return <DayHead key={item.day.day} group={item.day} style={style} />
            const rev = revAt(index, selection.ordinals[item.position] ?? 0)
            const entry = rows.get(rev)
            const left = (entry && lefts.get(entry.rev)) ?? null
            const name = entry ? nameOf(entry.app) : ''
            return (
              <div key={rev} role="row" aria-rowindex={item.position + 1} className={ROW} style={style}>
                {entry ? <ActivityRow {...{ entry, name, left, wide, onOpen }} /> : <NotYet />}
              </div>
            )
          })}
        </div>
      </div>
      {shown < selection.ordinals.length && (
        <p className="mt-3 text-sm text-muted">
          {say('The newest {count} are listed. Choose a time above to see older ones.', { count: count(shown) })}
        </p>
      )}
    </>
  )
}

const ROW = 'absolute inset-x-0 top-0 contain-strict border-b border-line hover:bg-sunken/60'

const NotYet = () => (
  <span role="cell" aria-busy="true" className="flex h-full items-center px-4">
    <span className="skeleton h-4 w-full" />
  </span>
)

function DayHead({ group, style }: { group: DayGroup; style: { height: number; transform: string } }) {
  return (
    <div
      role="presentation"
      className="absolute inset-x-0 top-0 flex items-center justify-between gap-3 border-b border-line bg-sunken/70 px-4 text-xs"
      style={style}
    >
      <span className="font-medium">{dayWords(group.day)}</span>
      <span className="nums text-muted">
        {counted('{n} call', '{n} calls', group.count)} · <Money micros={group.micros} />
      </span>
    </div>
  )
}

type Item = { start: number; size: number } & ({ kind: 'day'; day: DayGroup } | { kind: 'row'; position: number })
type Places = { height: number; at: (y: number) => number; items: (first: number, last: number) => Item[] }

/** Days and their entries as one column: the head of day k is item `first + k`. All of it is arithmetic, at any length. */
function placesOf(groups: DayGroup[], shown: number, rowPx: number): Places {
  const days = groups.filter(({ first }) => first < shown)
  const total = shown + days.length
  /** The last day for which `begins(day, k)` is at or before `value`. */
  const lastDay = (value: number, begins: (day: DayGroup, k: number) => number): number => {
    let [low, high] = [0, days.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (begins(days[middle] as DayGroup, middle) <= value) low = middle
      else high = middle - 1
    }
    return low
  }
  const startOf = (day: DayGroup, k: number) => k * HEAD_PX + day.first * rowPx
  const at = (y: number): number => {
    const k = lastDay(y, startOf)
    const day = days[k]
    if (!day) return 0
    const within = Math.max(-1, Math.floor((y - startOf(day, k) - HEAD_PX) / rowPx))
    return Math.min(total - 1, day.first + k + 1 + within)
  }
  const itemAt = (i: number): Item => {
    const k = lastDay(i, (day, n) => day.first + n)
    const day = days[k] as DayGroup
    if (day.first + k === i) return { kind: 'day', day, start: startOf(day, k), size: HEAD_PX }
    const position = i - k - 1
    return { kind: 'row', position, start: (k + 1) * HEAD_PX + position * rowPx, size: rowPx }
  }
  const items = (first: number, last: number) =>
    Array.from({ length: Math.max(0, Math.min(total, last + 1) - first) }, (_, i) => itemAt(first + i))
  return { height: days.length * HEAD_PX + shown * rowPx, at, items }
}

const OVERSCAN_PX = 600

/** The first and last item near the window, as it is scrolled. */
function useVisible(box: RefObject<HTMLDivElement | null>, places: Places): [number, number] {
  const [range, setRange] = useState<[number, number]>([0, 30])
  useLayoutEffect(() => {
    let frame = 0
    const look = () => {
      frame = 0
      const top = box.current?.getBoundingClientRect().top ?? 0
      const first = places.at(Math.max(0, -top - OVERSCAN_PX))
      const last = places.at(Math.max(0, innerHeight - top + OVERSCAN_PX))
      setRange((held) => (held[0] === first && held[1] === last ? held : [first, last]))
    }
    const soon = () => {
      frame ||= requestAnimationFrame(look)
    }
    look()
    addEventListener('scroll', soon, { passive: true })
    addEventListener('resize', soon)
    return () => {
      cancelAnimationFrame(frame)
      removeEventListener('scroll', soon)
      removeEventListener('resize', soon)
    }
  }, [box, places])
  return range
}

const CHECK = say('Check')
const HEADS = [
  say('App'),
  say('Model'),
  say('Tokens'),
  say('Base'),
  say('Markup'),
  say('Total'),
  say('Limit left'),
  say('Time'),
  CHECK,
]
const FIRST_NUMBER = 2
/** Their words end where four decimals do, which most charges have; two more hang over. */
const CHARGES = new Set([say('Base'), say('Markup'), say('Total')])

const headLook = (head: string, i: number): string => {
  if (head === CHECK) return 'sr-only'
  return i < FIRST_NUMBER ? '' : CHARGES.has(head) ? 'pe-[1.125rem] text-end' : 'text-end'
}

function Heads() {
  return (
    <div role="rowgroup" className="border-b border-line">
      <div role="row" className={`${COLUMNS} h-10 text-xs font-medium text-muted`}>
        {HEADS.map((head, i) => (
          <span key={head} role="columnheader" className={headLook(head, i)}>
            {head}
          </span>
        ))}
      </div>
    </div>
  )
}

/** Arrow keys walk the rows. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
  const row = step && (event.target as HTMLElement).closest('[role=row]')
  if (!row) return
  const index = Number(row.getAttribute('aria-rowindex')) + step
  const next = event.currentTarget.querySelector<HTMLElement>(`[aria-rowindex="${index}"] button`)
  if (!next) return
  event.preventDefault()
  next.focus()
}

export function Loading() {
  return (
    <div className="card divide-y divide-line" aria-busy="true" role="status" aria-label={say('Loading the log')}>
      {Array.from({ length: 10 }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: ten alike placeholders
        <div key={i} className="flex items-center gap-4 px-4 py-3">
          <div className="skeleton size-6" />
          <div className="skeleton h-4 flex-1" />
          <div className="skeleton h-4 w-20" />
        </div>
      ))}
    </div>
  )
}
