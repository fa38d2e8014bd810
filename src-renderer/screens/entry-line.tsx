// One charge as a line of a list.
// owns: the mark and the line. never: the detail. always true: a charge that does not check out looks like it.

import { Link } from '@tanstack/react-router'
import { CircleHelp, ShieldAlert, ShieldCheck } from 'lucide-react'
import type { Entry, Mark } from '../db.ts'
import { charge, count } from '../format.ts'
import { MARK_WORDS } from '../mark-words.ts'
import { tokensOf } from '../rollup.ts'
import { Face, Money, When } from '../ui/bits.tsx'
import { isWrong } from '../verify.ts'
import { say } from '../words.ts'

export function MarkIcon({ mark }: { mark: Mark }) {
  const Icon = mark === 'verified' ? ShieldCheck : mark === 'unchecked' ? CircleHelp : ShieldAlert
  const colour = mark === 'verified' ? 'text-accent' : isWrong(mark) ? 'text-bad' : 'text-muted'
  return (
    <span title={MARK_WORDS[mark]} className={colour}>
      <Icon className="size-4" aria-hidden />
      <span className="sr-only">{MARK_WORDS[mark]}</span>
    </span>
  )
}

/** A model without its provider, where there is little room. */
export const bareModel = (model: string): string => model.slice(model.lastIndexOf('/') + 1)

/** What was called, and how much of it where there is room. */
export const Called = ({ entry }: { entry: Entry }) => (
  <span className="flex gap-1 text-xs text-muted">
    <span className="truncate">{bareModel(entry.row.model)}</span>
    <span className="nums shrink-0 max-sm:hidden">· {tokenWords(entry)}</span>
  </span>
)

const tokenWords = ({ row }: Entry): string => say('{count} tokens', { count: count(tokensOf(row.units)) })

/** `name` is the app's; without it the line stands among others of one app, and is about the model. */
export function EntryLine({ entry, name, now }: { entry: Entry; name?: string; now: number }) {
  return (
    <li>
      <Link
        to="/activity"
        search={{ entry: entry.rev }}
        className="flex items-center gap-3 rounded-lg px-2 py-2 hover:bg-sunken"
      >
        {name !== undefined && <Face name={name} id={entry.app} logo={null} size="size-8 text-sm" />}
        <span className="min-w-0 flex-1">
          <span className="block truncate text-sm font-medium">{name ?? bareModel(entry.row.model)}</span>
          {name === undefined ? (
            <span className="nums text-xs text-muted">{tokenWords(entry)}</span>
          ) : (
            <Called entry={entry} />
          )}
        </span>
        <span className="text-end">
          <span className="flex items-center justify-end gap-1.5 text-sm font-medium">
            <MarkIcon mark={entry.mark} />
            <Money micros={entry.row.credits_used} text={charge(entry.row.credits_used)} />
          </span>
          <When at={entry.at} now={now} className="text-xs text-muted" />
        </span>
      </Link>
    </li>
  )
}
