// What of a page could not be asked for, said once.
// owns: the banner, and asking again. never: what an answer holds (bits.tsx).
// always true: what several answers failed with alike is one sentence; asking again asks for each that failed.

import { CloudOff } from 'lucide-react'
import { createContext, type ReactNode, useCallback, useContext, useEffect, useId, useState } from 'react'
import { when } from '../format.ts'
import { useNow } from '../live.ts'
import { Banner } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { say } from '../words.ts'
import type { Remote } from './remote.ts'

/** `at`: since when what is shown instead is known; null when nothing is. */
type Failure = { wrong: string; at: number | null; reload: () => Promise<void> }

const Telling = createContext<(id: string, failure: Failure | null) => void>(() => {})

const knownSince = ({ data, at }: Remote<unknown>): number | null => (data === undefined ? null : at)

/** Has the page say that this could not be asked for, for as long as it cannot. */
export function Told({ of }: { of: Remote<unknown> }) {
  const tell = useContext(Telling)
  const id = useId()
  const { wrong, reload } = of
  const at = knownSince(of)
  useEffect(() => {
    if (wrong === null) return
    tell(id, { wrong, at, reload })
    return () => tell(id, null)
  }, [tell, id, wrong, at, reload])
  return null
}

/** A page, and above it what it could not ask for. */
export function Failures({ children }: { children: ReactNode }) {
  const [failures, setFailures] = useState<ReadonlyMap<string, Failure>>(new Map())
  const tell = useCallback((id: string, failure: Failure | null) => {
    setFailures((before) => {
      const others = [...before].filter(([one]) => one !== id)
      return new Map(failure ? [...others, [id, failure]] : others)
    })
  }, [])
  return (
    <Telling value={tell}>
      <Trouble failures={[...failures.values()]} />
      {children}
    </Telling>
  )
}

/** The same for an answer that stands apart, as in a dialog. */
export function OwnTrouble({ of }: { of: Remote<unknown> }) {
  const { wrong, reload } = of
  return <Trouble failures={wrong === null ? [] : [{ wrong, at: knownSince(of), reload }]} />
}

function Trouble({ failures }: { failures: readonly Failure[] }) {
  const now = useNow()
  if (failures.length === 0) return null
  const known = failures.map(({ at }) => at).filter((at) => at !== null)
  const again = (
    <Button className="h-8" onClick={() => Promise.all(failures.map(({ reload }) => reload()))}>
      {say('Try again')}
    </Button>
  )
  return (
    <div className="mb-4">
      <Banner tone="warn" icon={CloudOff} action={again}>
        {[...new Set(failures.map(({ wrong }) => wrong))].join(' ')}{' '}
        {known.length > 0 && say('This is how it was at {time}.', { time: when(Math.min(...known), now) })}
      </Banner>
    </div>
  )
}
