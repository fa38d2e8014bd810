// That figures are still being counted, and how far they go.
// owns: the sentence, and the asking again. never: a figure.
// always true: it is shown for as long as the server says that its figures are not complete, and no longer.

import { Hourglass } from 'lucide-react'
import { useEffect } from 'react'
import type { CountedUntil } from '../../server/contract/analytics.ts'
import { when } from '../format.ts'
import { useNow } from '../live.ts'
import { Banner } from '../ui/bits.tsx'
import { say } from '../words.ts'
import type { Remote } from './remote.ts'

const AGAIN_MS = 3000

/**
 * Says that figures are not complete, and asks again every three seconds until they are.
 * @param quiet only asks: beside it, another says so
 */
export function Counting({ of, quiet = false }: { of: Remote<CountedUntil>; quiet?: boolean }) {
  const now = useNow()
  const { reload, data } = of
  const open = data?.complete === false
  useEffect(() => {
    if (!open) return
    const timer = setInterval(() => void reload(), AGAIN_MS)
    return () => clearInterval(timer)
  }, [open, reload])
  if (!open || quiet) return null
  const until = data.counted_until === null ? null : Date.parse(data.counted_until)
  return (
    <Banner tone="warn" icon={Hourglass}>
      {say('Still counting.')}{' '}
      {until === null
        ? say('No calls are in these figures yet.')
        : say('These figures go up to {time}.', { time: when(until, now) })}
    </Banner>
  )
}
