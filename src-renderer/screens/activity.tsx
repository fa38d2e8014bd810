// The usage log.
// owns: the search in the address, what it finds, and opening one entry. never: the list's own drawing.
// always true: the newest entry is on top; what is found is counted and summed exactly, however much of it is drawn, and
// not before the whole log was looked through.

import { useNavigate, useSearch } from '@tanstack/react-router'
import { List, SearchX } from 'lucide-react'
import { useCallback, useDeferredValue, useMemo, useRef, useState } from 'react'
import { namesIn, select } from '../columns.ts'
import { daysIn } from '../days.ts'
import { count, money } from '../format.ts'
import { useCursor, useIndex, useView, useWritten } from '../live.ts'
import { choiceOf, narrows, type Search } from '../search.ts'
import { Empty, PageTitle } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Verified } from '../ui/verified.tsx'
import { counted, say } from '../words.ts'
import { Filters } from './activity-filters.tsx'
import { ActivityList, Loading } from './activity-list.tsx'
import { appNames } from './app-names.ts'
import { ExportMenu } from './export-menu.tsx'
import { Months } from './months.tsx'
import { ReceiptPane } from './receipt-pane.tsx'

export function Activity() {
  const search = useSearch({ from: '/framed/activity' })
  const navigate = useNavigate()
  const view = useView()
  const cursor = useCursor()
  const [months, setMonths] = useState(false)
  const nameOf = useMemo(() => appNames(view), [view])
  const go = (next: Search, replace: boolean) =>
    navigate({ to: '/activity', search: next, replace, resetScroll: false })
  const { entry, ...rest } = search
  const open = (rev: number | null) => go({ ...rest, ...(rev !== null && { entry: rev }) }, rev === null)
  const latest = useRef(open)
  latest.current = open
  const openRow = useCallback((rev: number) => latest.current(rev), []) // the same one for every row, always
  const found = useFound(search, nameOf)
  const narrowed = narrows(search)
  return (
    <>
      <PageTitle
        aside={
          found && (
            <ExportMenu
              found={found}
              narrowed={narrowed}
              nameOf={nameOf}
              disabled={!cursor?.entries || !found.index.whole}
            />
          )
        }
      >
        {say('Activity')}
        {cursor && cursor.entries > 0 && (
          <span className="nums ms-2 text-base font-normal text-muted">{count(cursor.entries)}</span>
        )}
      </PageTitle>
      <Filters
        search={rest}
        apps={found?.apps ?? []}
        models={found?.models ?? []}
        tags={found?.tags ?? []}
        nameOf={nameOf}
        onChange={go}
      />
      <Summary found={narrowed ? found : undefined} onMonths={() => setMonths(true)} />
      {found === undefined || cursor === undefined ? (
        <Loading />
      ) : found.selection.ordinals.length === 0 && !found.index.whole ? (
        <Loading />
      ) : found.selection.ordinals.length === 0 ? (
        <Nothing narrowed={narrowed} onReset={() => go({}, false)} />
      ) : (
        <ActivityList found={found} view={view} nameOf={nameOf} onOpen={openRow} />
      )}
      {entry !== undefined && <ReceiptPane rev={entry} nameOf={nameOf} onClose={() => open(null)} />}
      {months && <Months onClose={() => setMonths(false)} />}
    </>
  )
}

/** What was found, and how much of the whole log was verified. */
function Summary({ found, onMonths }: { found: Found | undefined; onMonths: () => void }) {
  const cursor = useCursor()
  return (
    <div className="mb-3 flex min-h-6 flex-wrap items-center justify-between gap-x-4 gap-y-1 text-sm text-muted">
      <span role="status" className="nums">
        {found?.index.whole &&
          `${counted('{n} call', '{n} calls', found.selection.ordinals.length)}, ${money(found.selection.micros)}`}
        {found?.index.whole === false && say('Looking through older calls…')}
      </span>
      {cursor !== undefined && cursor.entries > 0 && (
        <Verified
          good={cursor.entries - cursor.wrong - cursor.unchecked}
          all={cursor.entries}
          wrong={cursor.wrong}
          onOpen={onMonths}
        />
      )}
    </div>
  )
}

export type Found = NonNullable<ReturnType<typeof useFound>>

/** What the search finds in the log as it is now; undefined until the log's columns are read. */
function useFound(search: Search, nameOf: (app: string) => string) {
  const index = useIndex()
  const written = useWritten()
  const zone = useCursor()?.zone
  const wanted = useDeferredValue(search)
  const known = useMemo(() => index && { apps: namesIn(index, 'apps'), models: namesIn(index, 'models') }, [index])
  return useMemo(() => {
    if (!index || !written || !known || zone === undefined) return undefined
    const choice = choiceOf(wanted, { ...known, zone, nameOf, written })
    const selection = select(index, choice, daysIn(zone))
    return { index, selection, zone, ...known, tags: [...new Set(written.flatMap((w) => w.tags))].sort() }
  }, [index, written, known, zone, wanted, nameOf])
}

function Nothing({ narrowed, onReset }: { narrowed: boolean; onReset: () => void }) {
  return (
    <div className="card">
      {narrowed ? (
        <Empty
          icon={SearchX}
          title={say('Nothing found')}
          action={<Button onClick={onReset}>{say('Show everything')}</Button>}
        >
          {say('No call in the log is like that.')}
        </Empty>
      ) : (
        <Empty icon={List} title={say('No calls yet')}>
          {say(
            'Every call an app makes with your balance is listed here, with what it cost and a receipt you can check.',
          )}
        </Empty>
      )}
    </div>
  )
}
