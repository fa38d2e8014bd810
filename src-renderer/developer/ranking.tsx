// What a developer's figures come from, the largest first.
// owns: its table. never: a sum (the server's counters say them). always true: the amounts of a column are written alike,
// and each is exact on hover.

import type { AnalyticsBreakdown } from '../../server/contract/analytics.ts'
import { alike, count, exact } from '../format.ts'
import { say } from '../words.ts'

export function Ranking({ rows, mono }: { rows: AnalyticsBreakdown['rows']; mono: boolean }) {
  const most = Math.max(1, ...rows.map((row) => row.revenue))
  const cost = alike(rows.map((row) => row.cost))
  const profit = alike(rows.map((row) => row.profit))
  const revenue = alike(rows.map((row) => row.revenue))
  return (
    <div className="-mx-1 overflow-x-auto px-1">
      <table className="w-full text-sm">
        <thead className="text-start text-muted">
          <tr className="*:pb-2 *:font-normal *:not-first:ps-3">
            <th scope="col" className="w-1/3 text-start sm:w-2/5">
              {say('Name')}
            </th>
            <th scope="col" className="text-end">
              {say('Calls')}
            </th>
            <th scope="col" className="hidden text-end sm:table-cell">
              {say('Base cost')}
            </th>
            <th scope="col" className="text-end">
              {say('Your markup')}
            </th>
            <th scope="col" className="text-end">
              {say('Revenue')}
            </th>
          </tr>
        </thead>
        <tbody className="nums divide-y divide-line">
          {rows.map((row) => (
            <tr key={row.key} className="*:py-2.5 *:not-first:ps-3">
              <th scope="row" className="max-w-0 pe-4 text-start font-normal">
                <span className={`block truncate ${mono ? 'font-mono text-[0.8rem]' : 'font-medium'}`} title={row.name}>
                  {row.name}
                </span>
                <span className="mt-1.5 block h-1 overflow-hidden rounded-full bg-sunken" aria-hidden>
                  <span
                    className="block h-full rounded-full bg-accent"
                    style={{ width: `${(row.revenue / most) * 100}%` }}
                  />
                </span>
              </th>
              <td className="text-end">{count(row.requests)}</td>
              <td className="hidden text-end sm:table-cell" title={exact(row.cost)}>
                {cost(row.cost)}
              </td>
              <td className="text-end" title={exact(row.profit)}>
                {profit(row.profit)}
              </td>
              <td className="text-end font-medium" title={exact(row.revenue)}>
                {revenue(row.revenue)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
