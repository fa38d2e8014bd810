// One call that waits for its person.
// owns: the question and its two buttons. never: a default answer. always true: the button names the most it may cost, and
// an answer says yes or no to this one call only.

import { useEffect, useState } from 'react'
import type { Approval } from '../../server/contract/records.ts'
import { serverNow } from '../clock.ts'
import { enqueue } from '../db-outbox.ts'
import { atMost, cleanName } from '../format.ts'
import { Say } from '../say.tsx'
import { useWallet } from '../session.ts'
import { Money } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { say } from '../words.ts'

export function ApprovalItem({ approval }: { approval: Approval }) {
  const { db } = useWallet()
  const { uid, app, model, amount } = approval
  const answer = (decision: 'approve' | 'deny') => enqueue(db, 'request.answer', { uid, decision })
  return (
    <li className="py-3 text-sm first:pt-0 last:pb-0" aria-label={say('Call of {app}', { app: cleanName(app.name) })}>
      <p>
        <Say
          words="{app} asks for one call of {model}. It may cost at most {sum}. What is not used is not charged."
          app={
            <strong className="font-medium">
              <bdi>{cleanName(app.name)}</bdi>
            </strong>
          }
          model={cleanName(model)}
          sum={<Money micros={amount} text={atMost(amount)} />}
        />
      </p>
      <div className="mt-2.5 flex flex-wrap items-center gap-2">
        <Button look="main" className="h-8" onClick={() => answer('approve')}>
          {say('Approve once, up to {sum}', { sum: atMost(amount) })}
        </Button>
        <Button className="h-8" onClick={() => answer('deny')}>
          {say('Refuse')}
        </Button>
        <Left until={approval.expires_at} since={approval.created_at} />
      </div>
    </li>
  )
}

/** Seconds left by the server's clock; nothing where that cannot be. */
function Left({ until, since }: { until: string; since: string }) {
  const [now, setNow] = useState(serverNow)
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), 1000)
    return () => clearInterval(timer)
  }, [])
  const left = Math.ceil((Date.parse(until) - now) / 1000)
  const whole = (Date.parse(until) - Date.parse(since)) / 1000
  if (left < 1 || left > whole) return null
  return <span className="nums text-xs text-muted">{say('{seconds} s left', { seconds: left })}</span>
}
