// The usage log.
// owns: the virtualised list, its filter, opening one entry. never: reading more than is near the screen.
// always true: the newest entry is on top, and the columns of a wide list say all that a charge is made of.
// biome-ignore-all lint/a11y/useSemanticElements: rows of a virtual list stand at computed places, which rows of a table element cannot
// biome-ignore-all lint/a11y/useFocusableInteractive: heads and rows are not pressed; the button in each row is

import { useNavigate, useSearch } from '@tanstack/react-router'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { Download, List } from 'lucide-react'
import { type KeyboardEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import type { Entry } from '../db.ts'
import type { View } from '../fold.ts'
import { count } from '../format.ts'
import { useCursor, useNewest, useNow, useView } from '../live.ts'
import { useWallet } from '../session.ts'
import { Empty, PageTitle } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { ActivityRow, COLUMNS, useWide } from './activity-row.tsx'
import { appNames } from './app-names.ts'
import { saveCsv } from './export.ts'
import { limitLeft } from './limit-left.ts'
import { ReceiptPane } from './receipt-pane.tsx'

const PAGE = 200
const NEAR_END = 40

export function Activity() {
  const { app = null, entry = null } = useSearch({ from: '/framed/activity' })
  const navigate = useNavigate()
  const view = useView()
  const cursor = useCursor()
  const { db } = useWallet()
  const nameOf = appNames(view)
  const show = (rev: number | null) =>
    navigate({
      to: '/activity',
      search: { ...(app && { app }), ...(rev && { entry: rev }) },
      replace: rev === null,
      resetScroll: false,
    })
  return (
    <>
      <PageTitle
        aside={
          <div className="flex flex-wrap items-center gap-2">
            <AppFilter
              view={view}
              app={app}
              onPick={(id) => navigate({ to: '/activity', search: id ? { app: id } : {} })}
            />
            <Button onClick={() => saveCsv(db, nameOf)} disabled={!cursor?.entries} aria-label="Save as a CSV file">
              <Download className="size-4" aria-hidden /> CSV
            </Button>
          </div>
        }
      >
        Activity
        {cursor && cursor.entries > 0 && (
          <span className="nums ms-2 text-base font-normal text-muted">{count(cursor.entries)}</span>
        )}
      </PageTitle>
      <LogList key={app ?? ''} app={app} view={view} total={app ? -1 : (cursor?.entries ?? -1)} onOpen={show} />
      {entry !== null && <ReceiptPane rev={entry} nameOf={nameOf} onClose={() => show(null)} />}
    </>
  )
}

function AppFilter({
  view,
  app,
  onPick,
}: {
  view: View | undefined
  app: string | null
  onPick: (app: string | null) => void
}) {
  const nameOf = appNames(view)
  const ids = [...new Set(view?.connections.map((c) => c.app.id))]
  if (app && !ids.includes(app)) ids.push(app)
  return (
    <select
      aria-label="App"
      value={app ?? ''}
      onChange={(event) => onPick(event.target.value || null)}
      className="h-9 max-w-52 rounded-lg border border-line bg-surface px-2 text-sm"
    >
      <option value="">All apps</option>
      {ids.map((id) => (
        <option key={id} value={id}>
          {nameOf(id)}
        </option>
      ))}
    </select>
  )
}

type ListProps = { app: string | null; view: View | undefined; total: number; onOpen: (rev: number) => void }

function LogList({ app, view, total, onOpen }: ListProps) {
  const [limit, setLimit] = useState(PAGE)
  const rows = useKept(useNewest(limit, app))
  const { box, top, list, wide } = useList(rows)
  const now = useNow()
  const nameOf = useMemo(() => appNames(view), [view])
  const lefts = useMemo(() => limitLeft(rows ?? [], view?.connections ?? []), [rows, view])
  const items = list.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (rows && rows.length === limit && last >= limit - NEAR_END) setLimit(limit + PAGE)
  }, [rows, limit, last])

  if (rows === undefined) return <Loading />
  if (rows.length === 0) return <NoCalls app={app} />
  return (
    <div
      role="table"
      aria-label="Usage log"
      aria-rowcount={total}
      className="card overflow-hidden"
      onKeyDown={moveFocus}
    >
      {wide && <Heads />}
      <div ref={box} role="rowgroup" className="relative" style={{ height: list.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index]
          if (!row) return null
          const left = lefts.get(row.rev) ?? null
          return (
            <div
              key={item.key}
              role="row"
              aria-rowindex={item.index + 1}
              className="absolute inset-x-0 top-0 border-b border-line hover:bg-sunken/60"
              style={{ height: item.size, transform: `translateY(${item.start - top}px)` }}
            >
              <ActivityRow entry={row} name={nameOf(row.app)} left={left} now={now} wide={wide} onOpen={onOpen} />
            </div>
          )
        })}
      </div>
    </div>
  )
}

/** The virtual list over the window, measured from where the list begins on the page. */
function useList(rows: Entry[] | undefined) {
  const wide = useWide()
  const box = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  const list = useWindowVirtualizer({
    count: rows?.length ?? 0,
    estimateSize: () => (wide ? 45 : 61),
    overscan: 12,
    scrollMargin: top,
    getItemKey: (i) => rows?.[i]?.rev ?? i,
  })
  const shown = rows !== undefined && rows.length > 0
  // biome-ignore lint/correctness/useExhaustiveDependencies: measured anew when the list appears or changes its shape
  useLayoutEffect(() => {
    setTop(box.current ? box.current.getBoundingClientRect().top + scrollY : 0)
    list.measure()
  }, [wide, shown, list])
  return { box, top, list, wide }
}

const HEADS = ['App', 'Model', 'Tokens', 'Base', 'Markup', 'Total', 'Limit left', 'Time', 'Check']
const FIRST_NUMBER = 2

function Heads() {
  return (
    <div role="rowgroup" className="border-b border-line">
      <div role="row" className={`${COLUMNS} h-10 text-xs font-medium text-muted`}>
        {HEADS.map((head, i) => (
          <span
            key={head}
            role="columnheader"
            className={head === 'Check' ? 'sr-only' : i >= FIRST_NUMBER ? 'text-end' : undefined}
          >
            {head}
          </span>
        ))}
      </div>
    </div>
  )
}

function NoCalls({ app }: { app: string | null }) {
  return (
    <div className="card">
      <Empty icon={List} title={app ? 'No calls of this app yet' : 'No calls yet'}>
        Every call an app makes with your balance is listed here, with what it cost and a receipt you can check.
      </Empty>
    </div>
  )
}

/** Keeps the rows shown while a longer page is read, so that the list never blinks. */
function useKept(rows: Entry[] | undefined): Entry[] | undefined {
  const kept = useRef<Entry[] | undefined>(undefined)
  if (rows) kept.current = rows
  return rows ?? kept.current
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

function Loading() {
  return (
    <div className="card divide-y divide-line" aria-busy="true" role="status" aria-label="Loading the log">
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
