// One charge, taken apart.
// owns: the sum as it was recomputed here, and the signed text. never: the check itself. always true: what is shown as
// the sum comes from the signed receipt, not from the row beside it.

import { CircleHelp, Copy, ShieldAlert, ShieldCheck } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { type ReceiptPayload, UnitKind } from '../../server/contract/receipts.ts'
import type { Entry } from '../db.ts'
import { count, decimalsIn, exact, moment, percent, picoDollars } from '../format.ts'
import { useEntry } from '../live.ts'
import { MARK_WORDS } from '../mark-words.ts'
import { Banner, Lined, Money, Summary, Time } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { isWrong, payloadOf } from '../verify.ts'
import { say } from '../words.ts'
import { ReceiptNote } from './receipt-note.tsx'

export function ReceiptPane({
  rev,
  nameOf,
  onClose,
}: {
  rev: number
  nameOf: (app: string) => string
  onClose: () => void
}) {
  const entry = useEntry(rev)
  return (
    <Dialog title={say('Receipt')} onClose={onClose} side>
      {entry ? (
        <Detail entry={entry} name={nameOf(entry.app)} />
      ) : entry === null ? (
        <p className="text-sm text-muted">{say('This entry is not on this device.')}</p>
      ) : (
        <div className="skeleton h-80" />
      )}
    </Dialog>
  )
}

function Detail({ entry, name }: { entry: Entry; name: string }) {
  const { row, mark } = entry
  const payload = payloadOf(row.receipt)
  const wrong = isWrong(mark)
  return (
    <div className="space-y-6">
      <div>
        <p className="nums text-4xl font-semibold tracking-tight">{exact(row.credits_used)}</p>
        <p className="mt-1 text-sm text-muted">
          {name} · {row.model}
        </p>
        <p className="text-sm text-muted">
          <Time at={entry.at} text={moment} />
        </p>
      </div>
      <Banner
        tone={wrong ? 'bad' : mark === 'verified' ? 'good' : 'plain'}
        alert={wrong}
        icon={wrong ? ShieldAlert : mark === 'verified' ? ShieldCheck : CircleHelp}
      >
        <strong className="font-semibold">{wrong ? say('This charge does not check out') : MARK_WORDS[mark]}</strong>
        <span className="block">
          {wrong
            ? say(
                '{finding}. Keep this receipt: save the log as JSON, which holds the proof, and ask the server’s operator.',
                { finding: MARK_WORDS[mark] },
              )
            : mark === 'verified' && say('Signature, order and sum were checked when it arrived.')}
        </span>
      </Banner>
      {payload && <Sum payload={payload} />}
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-2 border-t border-line pt-4 text-sm">
        <Fact term={say('Balance after')}>
          <Money micros={row.balance_after} text={exact(row.balance_after)} />
        </Fact>
        <Fact term={say('Route')}>
          <code className="text-xs">{row.route}</code>
        </Fact>
        {payload && (
          <Fact term={say('Prices of')}>
            <code className="text-xs">{payload.price_version}</code>
          </Fact>
        )}
        <Fact term={say('Request')}>
          <code className="text-xs break-all">{row.request_id}</code>
        </Fact>
        {row.estimated && (
          <Fact term={say('Counted by')}>{say('This server: the provider reported no usable count')}</Fact>
        )}
      </dl>
      <ReceiptNote entry={entry} />
      <CopyReceipt text={row.receipt} />
    </div>
  )
}

function Fact({ term, children }: { term: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{term}</dt>
      <dd className="text-end">{children}</dd>
    </>
  )
}

const KIND_WORDS: Record<UnitKind, [string, perMillion: boolean]> = {
  input: [say('input tokens'), true],
  cached_input: [say('cached input tokens'), true],
  cache_write: [say('cache writes'), true],
  cache_write_1h: [say('cache writes, 1 hour'), true],
  input_audio: [say('audio in'), true],
  cached_input_audio: [say('cached audio in'), true],
  input_image: [say('images in, tokens'), true],
  cached_input_image: [say('cached images in, tokens'), true],
  output: [say('output tokens'), true],
  reasoning: [say('reasoning tokens'), true],
  output_audio: [say('audio out'), true],
  output_image: [say('images out, tokens'), true],
  request: [say('requests'), false],
  web_search: [say('web searches'), false],
  file_search: [say('file searches'), false],
  image: [say('images'), false],
  character: [say('characters'), true],
  second: [say('seconds'), false],
}

function Sum({ payload }: { payload: ReceiptPayload }) {
  const kinds = UnitKind.options.filter((kind) => payload.units[kind])
  const costs = (kind: UnitKind) =>
    picoDollars(BigInt(payload.units[kind] ?? 0) * BigInt(payload.unit_prices[kind] ?? '0'))
  const sums = [payload.base, payload.granted, payload.markup, payload.total].map(exact)
  const places = Math.max(...[...kinds.map(costs), ...sums].map(decimalsIn))
  return (
    <table className="nums w-full text-sm">
      <caption className="sr-only">{say('How the charge comes about')}</caption>
      <tbody>
        {kinds.map((kind) => {
          const [words, perMillion] = KIND_WORDS[kind]
          const units = payload.units[kind] ?? 0
          const price = BigInt(payload.unit_prices[kind] ?? '0')
          return (
            <tr key={kind}>
              <th scope="row" className="py-1 pe-2 text-start font-normal">
                {count(units)} <span className="text-muted">{words}</span>
                <span className="block text-xs text-muted">
                  {picoDollars(perMillion ? price * 1_000_000n : price)} {perMillion ? say('a million') : say('each')}
                </span>
              </th>
              <td className="py-1 text-end align-top">
                <Lined text={costs(kind)} places={places} />
              </td>
            </tr>
          )
        })}
        <Line name={say('Base, rounded up once')} micros={payload.base} places={places} rule />
        {payload.granted > 0 && (
          <Line name={say('of which a grant pays')} micros={payload.granted} places={places} quiet />
        )}
        <Line
          name={say('Markup, {markup}', { markup: percent(payload.markup_bps) })}
          micros={payload.markup}
          places={places}
        />
        <Line name={say('Total')} micros={payload.total} places={places} rule strong />
      </tbody>
    </table>
  )
}

function Line({
  name,
  micros,
  places,
  rule = false,
  strong = false,
  quiet = false,
}: {
  name: string
  micros: number
  places: number
  rule?: boolean
  strong?: boolean
  quiet?: boolean
}) {
  return (
    <tr
      className={`${rule ? 'border-t border-line' : ''} ${strong ? 'font-semibold' : ''} ${quiet ? 'text-muted' : ''}`}
    >
      <th scope="row" className={`py-1.5 text-start ${strong ? 'font-semibold' : 'font-normal'}`}>
        {name}
      </th>
      <td className="py-1.5 text-end">
        <Lined text={exact(micros)} places={places} />
      </td>
    </tr>
  )
}

function CopyReceipt({ text }: { text: string }) {
  const [done, setDone] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(text)
    setDone(true)
  }
  return (
    <details className="rounded-lg border border-line">
      <Summary className="h-11 rounded-lg px-3 font-medium">{say('Signed text')}</Summary>
      <div className="border-t border-line p-3">
        <p className="max-h-40 overflow-y-auto font-mono text-xs break-all text-muted">{text}</p>
        <Button className="mt-3" onClick={copy}>
          <Copy className="size-4" aria-hidden /> {done ? say('Copied') : say('Copy')}
        </Button>
      </div>
    </details>
  )
}
