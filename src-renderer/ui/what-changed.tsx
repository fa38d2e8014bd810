// What an app asks for beyond what it was allowed before.
// owns: that comparison, in words. never: an answer. always true: nothing is shown where nothing is more than before.

import { ArrowUpRight } from 'lucide-react'
import type { Connection } from '../../server/contract/records.ts'
import { percent } from '../format.ts'
import { say } from '../words.ts'

type Props = { current: Connection; scopes: string[]; markupBps: number; words: (scope: string) => string }

export function WhatChanged({ current, scopes, markupBps, words }: Props) {
  const added = scopes.filter((scope) => !current.scopes.includes(scope))
  const raised = markupBps > current.markup_bps
  if (added.length === 0 && !raised) return null
  return (
    <section aria-label={say('What changed')} className="mt-5 rounded-lg bg-warn-soft px-3 py-2.5 text-sm">
      <h2 className="font-medium text-warn">{say('New since you last agreed')}</h2>
      <ul className="mt-1.5 space-y-1">
        {raised && (
          <Line>
            {say('Markup')}: <span className="nums">{percent(current.markup_bps)}</span> <span aria-hidden>→</span>
            <span className="sr-only"> {say('is now')} </span>{' '}
            <strong className="nums font-medium">{percent(markupBps)}</strong>
          </Line>
        )}
        {added.map((scope) => (
          <Line key={scope}>{words(scope)}</Line>
        ))}
      </ul>
    </section>
  )
}

function Line({ children }: { children: React.ReactNode }) {
  return (
    <li className="flex gap-2">
      <ArrowUpRight className="mt-0.5 size-4 shrink-0 text-warn" aria-hidden />
      <span>{children}</span>
    </li>
  )
}
