// The purchases so far.
// owns: their list and their details. never: a status of its own (the feed says it). always true: each says whether money
// was taken, what it brought, what went back of it and why it did not succeed.

import { ChevronRight, Download, ExternalLink, RefreshCw } from 'lucide-react'
import { useState } from 'react'
import type { Topup } from '../../server/contract/records.ts'
import { exact, moment, money } from '../format.ts'
import { useTopups } from '../live.ts'
import { useWallet } from '../session.ts'
import { shell } from '../shell/shell.ts'
import { Badge, CardTitle, Money, When, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { say } from '../words.ts'
import { useTry } from './account-page.tsx'
import { saveFile } from './export.ts'
import { purchaseWords } from './purchase-words.ts'

const CENT = 10_000
const SHOWN_AT_FIRST = 10

export function Purchases({ now }: { now: number }) {
  const topups = useTopups()
  const [all, setAll] = useState(false)
  const [openId, setOpenId] = useState<string | null>(null)
  const open = topups?.find((t) => t.id === openId)
  return (
    <section className="card p-5 sm:p-6 lg:col-span-2" aria-label={say('Purchases')}>
      <CardTitle>{say('Purchases')}</CardTitle>
      {topups === undefined ? (
        <div className="skeleton h-40" role="status" aria-label={say('Reading your purchases')} />
      ) : topups.length === 0 ? (
        <p className="text-sm text-muted">{say('Nothing bought yet. Purchases appear here with their receipts.')}</p>
      ) : (
        <ul className="-mx-2 divide-y divide-line">
          {topups.slice(0, all ? undefined : SHOWN_AT_FIRST).map((t) => (
            <Row key={t.id} topup={t} now={now} onOpen={() => setOpenId(t.id)} />
          ))}
        </ul>
      )}
      {topups && topups.length > SHOWN_AT_FIRST && !all && (
        <Button look="quiet" className="-ms-3 mt-3" onClick={() => setAll(true)}>
          {say('Show all {count}', { count: topups.length })}
        </Button>
      )}
      {open && <Purchase topup={open} onClose={() => setOpenId(null)} />}
    </section>
  )
}

/** Nothing of these is to come. */
const OVER: ReadonlySet<Topup['status']> = new Set(['declined', 'failed', 'expired'])

function Row({ topup, now, onOpen }: { topup: Topup; now: number; onOpen: () => void }) {
  const { label, tone, why } = purchaseWords(topup)
  const paid = topup.status === 'paid'
  const kept = paid && topup.returned_credits !== topup.balance_credits
  const look = kept ? 'font-medium' : paid || OVER.has(topup.status) ? 'text-muted line-through' : 'text-muted'
  const at = Date.parse(topup.paid_at ?? topup.created_at)
  return (
    <li>
      <button
        type="button"
        onClick={onOpen}
        className="flex w-full items-center gap-3 rounded-lg px-2 py-3 text-start text-sm hover:bg-sunken/60"
      >
        <span className="min-w-0 flex-1">
          <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
            <When at={at} now={now} className="font-medium" />
            <Badge tone={tone}>{label}</Badge>
            {topup.auto && (
              <Badge icon={RefreshCw} title={say('Bought by automatic top-up')}>
                {say('Automatic')}
              </Badge>
            )}
          </span>
          <span className="mt-1 block text-xs text-muted">
            {why ?? say('Paid {sum}.', { sum: money(topup.price_cents * CENT) })}
          </span>
        </span>
        <Money
          micros={topup.balance_credits}
          text={`${paid ? '+' : ''}${money(topup.balance_credits)}`}
          className={look}
        />
        <ChevronRight className="size-4 shrink-0 text-muted" aria-hidden />
      </button>
    </li>
  )
}

function Purchase({ topup, onClose }: { topup: Topup; onClose: () => void }) {
  const { label, tone, why } = purchaseWords(topup)
  const price = topup.price_cents * CENT
  const { returned_credits: returned = 0, refunding_credits: refunding = 0 } = topup
  const lines: [string, string][] = [
    [say('Started'), moment(Date.parse(topup.created_at))],
    ...(topup.paid_at ? [[say('Paid'), moment(Date.parse(topup.paid_at))] satisfies [string, string]] : []),
    [say('Price'), exact(price)],
    [say('Fee in it'), exact(price - topup.balance_credits)],
    [topup.status === 'paid' ? say('Added to your balance') : say('Would have added'), exact(topup.balance_credits)],
    ...(refunding > 0 ? [[say('On its way back'), exact(refunding)] satisfies [string, string]] : []),
    ...(returned > 0 ? [[say('Went back'), exact(returned)] satisfies [string, string]] : []),
  ]
  return (
    <Dialog title={say('Purchase')} side onClose={onClose}>
      <p className="flex flex-wrap items-baseline gap-x-3 gap-y-1">
        <Money micros={price} className="text-3xl font-semibold tracking-tight" />
        <Badge tone={tone}>{label}</Badge>
      </p>
      {why && <p className="mt-3 text-sm text-muted">{why}</p>}
      <dl className="mt-5 divide-y divide-line border-y border-line text-sm">
        {lines.map(([name, value]) => (
          <div key={name} className="flex items-baseline justify-between gap-4 py-2.5">
            <dt className="text-muted">{name}</dt>
            <dd className="nums text-end">{value}</dd>
          </div>
        ))}
      </dl>
      {topup.status === 'paid' && <Receipt topup={topup} />}
      {!topup.livemode && <p className="mt-4 text-xs text-muted">{say('A test payment: no real money moved.')}</p>}
    </Dialog>
  )
}

/** The server's receipt: a page of its own, or a file. */
function Receipt({ topup }: { topup: Topup }) {
  const { api } = useWallet()
  const { busy, wrong, attempt } = useTry()
  const path = `/payments/receipts/${topup.id}`
  const save = () => attempt(async () => saveFile(await api.file(`${path}/pdf`), receiptName(topup)))
  return (
    <>
      <div className="mt-5 flex flex-wrap gap-2">
        <Button look="main" disabled={busy} onClick={save}>
          <Download className="size-4" aria-hidden /> {say('Save receipt (PDF)')}
        </Button>
        <Button onClick={() => shell.open(`${api.origin}${path}`)}>
          <ExternalLink className="size-4" aria-hidden /> {say('Open receipt')}
        </Button>
      </div>
      {wrong && (
        <div className="mt-3">
          <Wrong>{wrong}</Wrong>
        </div>
      )}
    </>
  )
}

const receiptName = ({ paid_at, created_at }: Topup): string => `receipt-${(paid_at ?? created_at).slice(0, 10)}.pdf`
