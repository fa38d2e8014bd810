// What was checked, month by month.
// owns: that table and its explanation. never: the check. always true: a month in which something fails says so in words.

import { Link } from '@tanstack/react-router'
import { ShieldAlert, ShieldCheck } from 'lucide-react'
import { count, monthWords } from '../format.ts'
import { useMonths } from '../live.ts'
import { Money } from '../ui/bits.tsx'
import { buttonLook } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { say } from '../words.ts'

export function Months({ onClose }: { onClose: () => void }) {
  const months = useMonths(true)
  const wrong = months?.reduce((sum, m) => sum + m.wrong, 0) ?? 0
  return (
    <Dialog title={say('Verified on this device')} onClose={onClose}>
      <p className="mb-4 text-sm text-muted">
        {say(
          'Each charge comes with a receipt. This device checks the server’s signature on it, that it follows the receipt before it, and that units and prices add up.',
        )}
      </p>
      <table className="nums w-full text-sm">
        <thead className="text-xs text-muted">
          <tr className="border-b border-line">
            <th className="py-2 text-start font-medium">{say('Month')}</th>
            <th className="ps-2 text-end font-medium">{say('Verified')}</th>
            <th className="ps-2 text-end font-medium">{say('Spent')}</th>
          </tr>
        </thead>
        <tbody>
          {months?.map((m) => (
            <tr key={m.month} className="border-b border-line last:border-0">
              <th scope="row" className="py-2.5 text-start font-medium">
                {monthWords(m.month)}
              </th>
              <td className="ps-2 text-end whitespace-nowrap">
                <span className="inline-flex items-center gap-1.5">
                  {say('{part} of {whole}', { part: count(m.verified), whole: count(m.calls) })}
                  {m.verified === m.calls ? (
                    <ShieldCheck className="size-4 text-accent" aria-hidden />
                  ) : (
                    <ShieldAlert className={`size-4 ${m.wrong > 0 ? 'text-bad' : 'text-muted'}`} aria-hidden />
                  )}
                </span>
                {m.wrong > 0 && (
                  <span className="block text-xs text-bad">{say('{count} wrong', { count: count(m.wrong) })}</span>
                )}
              </td>
              <td className="ps-2 text-end whitespace-nowrap">
                <Money micros={m.spent} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {wrong > 0 && (
        <Link to="/activity" search={{ check: 'wrong' }} onClick={onClose} className={`${buttonLook('main')} mt-4`}>
          {say('Show the wrong ones')}
        </Link>
      )}
      <p className="mt-4 border-t border-line pt-4 text-xs text-muted">
        {say('The same check without this wallet, and without a network: save the log as JSON, then')}{' '}
        <code className="rounded bg-sunken px-1 py-0.5">npx quota-wallet verify file.json</code>
      </p>
    </Dialog>
  )
}
