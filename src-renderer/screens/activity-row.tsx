// One row of the usage log.
// owns: its two shapes, wide and narrow. never: where it stands. always true: amounts are right-aligned, four decimals.
// biome-ignore-all lint/a11y/useSemanticElements: rows of a virtual list stand at computed places, which cells of a table element cannot

import { memo, useSyncExternalStore } from 'react'
import type { Entry } from '../db.ts'
import { cents, charge, clockTime, count, money, percent } from '../format.ts'
import { tokensOf } from '../rollup.ts'
import { Face, Money, Time } from '../ui/bits.tsx'
import { payloadOf } from '../verify.ts'
import { say } from '../words.ts'
import { bareModel, Called, MarkIcon } from './entry-line.tsx'

/** Amounts have room for nine characters: "$0.000684", and "0,0034 $", which names its unit behind a space. */
const WIDTHS = 'grid-cols-[minmax(0,1.3fr)_minmax(0,1.2fr)_4rem_5rem_5rem_5.25rem_4.5rem_2.75rem_1.25rem]'
export const COLUMNS = `grid ${WIDTHS} whitespace-nowrap items-center gap-3 px-4`

const query = matchMedia('(min-width: 1024px)')
const subscribe = (changed: () => void) => {
  query.addEventListener('change', changed)
  return () => query.removeEventListener('change', changed)
}

/** Whether there is room for every column. */
export const useWide = (): boolean => useSyncExternalStore(subscribe, () => query.matches)

type Props = {
  entry: Entry
  name: string
  left: number | null
  wide: boolean
  onOpen: (rev: number) => void
}

/** Drawn again only when something of it changes: a list that scrolls draws the rows that come, and no others. */
export const ActivityRow = memo(function ActivityRow(props: Props) {
  return props.wide ? <WideRow {...props} /> : <NarrowRow {...props} />
})

function OpenIt({ entry, name, onOpen }: Props) {
  return (
    <button
      type="button"
      aria-label={say('{app}, {model}, {sum}: open the receipt', {
        app: name,
        model: entry.row.model,
        sum: money(entry.row.credits_used),
      })}
      onClick={() => onOpen(entry.rev)}
      className="absolute inset-0 -outline-offset-2"
    />
  )
}

function NarrowRow(props: Props) {
  const { entry, name } = props
  const { row } = entry
  return (
    <div role="cell" className="flex h-full items-center gap-3 px-4">
      <Face name={name} id={entry.app} logo={null} size="size-8 text-sm" />
      <span className="min-w-0 flex-1">
        <span className="block truncate text-sm font-medium">{name}</span>
        <Called entry={entry} />
      </span>
      <span className="text-end">
        <span className="flex items-center justify-end gap-1.5 text-sm font-medium">
          <MarkIcon mark={entry.mark} />
          <Money micros={row.credits_used} text={charge(row.credits_used)} />
        </span>
        <Time at={entry.at} text={clockTime} className="text-xs text-muted" />
      </span>
      <OpenIt {...props} />
    </div>
  )
}

function WideRow(props: Props) {
  const { entry, name, left } = props
  const { row } = entry
  const bps = payloadOf(row.receipt)?.markup_bps
  return (
    <div className={`${COLUMNS} h-full text-sm`}>
      <span role="cell" className="flex min-w-0 items-center gap-2.5">
        <Face name={name} id={entry.app} logo={null} size="size-6 text-xs rounded-md" />
        <span className="truncate font-medium">{name}</span>
        <OpenIt {...props} />
      </span>
      <span role="cell" className="truncate text-muted" title={row.model}>
        {bareModel(row.model)}
      </span>
      <span role="cell" className="nums text-end text-muted">
        {count(tokensOf(row.units))}
      </span>
      <span role="cell" className="text-end text-muted">
        <Money micros={row.base_credits} text={charge(row.base_credits)} places={6} />
      </span>
      <span role="cell" className="text-end text-muted" title={bps === undefined ? undefined : percent(bps)}>
        <Money micros={row.markup_credits} text={charge(row.markup_credits)} places={6} />
      </span>
      <span role="cell" className="text-end font-medium">
        <Money micros={row.credits_used} text={charge(row.credits_used)} places={6} />
      </span>
      <span role="cell" className="text-end text-muted">
        {left === null ? '–' : <Money micros={left} text={cents(left)} />}
      </span>
      <span role="cell" className="truncate text-end text-muted">
        <Time at={entry.at} text={clockTime} />
      </span>
      <span role="cell">
        <MarkIcon mark={entry.mark} />
      </span>
    </div>
  )
}
