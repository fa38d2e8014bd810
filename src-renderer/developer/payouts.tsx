// What a developer has earned, and how it reaches their bank.
// owns: the account's state, earnings, the list of payouts and their statements. never: a transfer; bank data.
// always true: every payout's parts add up to what was sent; what is not payable yet says when it is.

import { Landmark } from 'lucide-react'
import { useState } from 'react'
import { ConnectOnboarded, ConnectStatus, PayoutStatement, PayoutsReply } from '../../server/contract/payments.ts'
import type { Payout } from '../../server/contract/records.ts'
import { ownPage } from '../api.ts'
import { date, exact, money } from '../format.ts'
import { useNow, useView } from '../live.ts'
import { useTry } from '../screens/account-page.tsx'
import { useStepUp } from '../screens/security-step-up.tsx'
import { useWallet } from '../session.ts'
import { shell } from '../shell/shell.ts'
import { Badge, Empty, type Tone, When, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { counted, say } from '../words.ts'
import { Answer, Card } from './bits.tsx'
import { type Remote, useRemote } from './remote.ts'

type Reply = ReturnType<typeof PayoutsReply.parse>
const CENT = 10_000

export function Payouts() {
  const status = useRemote('/developers/connect/status', ConnectStatus)
  const payouts = useRemote('/developers/payouts', PayoutsReply)
  return (
    <div className="space-y-4">
      <AccountCard of={status} />
      <Answer of={payouts}>
        {(reply) => (
          <>
            <EarningsCard of={reply} />
            <List of={reply} />
          </>
        )}
      </Answer>
    </div>
  )
}

const ACCOUNT: Record<ConnectStatus['status'], readonly [words: string, tone: Tone, sentence: string]> = {
  none: [
    say('Not set up'),
    'plain',
    say('Earnings are kept for you. To be paid out, tell the payment provider where to.'),
  ],
  incomplete: [say('Not finished'), 'warn', say('The payment provider still needs something from you.')],
  restricted: [
    say('Restricted'),
    'bad',
    say('Payouts rest until the payment provider has what it asks for. Nothing is lost.'),
  ],
  active: [say('Ready'), 'good', say('Payouts go out by themselves, once a day.')],
}

function AccountCard({ of }: { of: Remote<ConnectStatus> }) {
  const email = useView()?.profile?.email ?? ''
  const { api } = useWallet()
  const { guarded, question } = useStepUp({ email })
  const { busy, wrong, attempt } = useTry()
  // A fresh proof belongs to a browser's own sign-in, so the desktop sends the person there.
  const setUp = () =>
    attempt(async () => {
      if (shell.kind === 'desktop') return shell.open(`${api.origin}/wallet/developer/payouts`)
      const made = ConnectOnboarded.parse(await guarded(() => ownPage('/developers/connect/onboard', {})))
      await shell.open(made.onboarding_url)
    })
  return (
    <Card title={say('Where it goes')}>
      <Answer of={of} height="h-16">
        {(status) => {
          const [words, tone, sentence] = ACCOUNT[status.status]
          return (
            <div className="flex flex-wrap items-center justify-between gap-4">
              <div className="min-w-0 flex-1 basis-64 text-sm">
                <Badge tone={tone}>{words}</Badge>
                <p className="mt-2 text-muted">{sentence}</p>
                {status.bank_refusal && <Refused {...status.bank_refusal} />}
                {status.requirements_due.length > 0 && (
                  <p className="mt-1 text-muted">
                    {say('Asked for: {what}', { what: status.requirements_due.join(', ') })}
                  </p>
                )}
              </div>
              {status.status !== 'active' && (
                <Button look="main" disabled={busy} onClick={setUp}>
                  {status.status === 'none' ? say('Set up payouts') : say('Go on')}
                </Button>
              )}
            </div>
          )
        }}
      </Answer>
      {wrong && <Wrong>{wrong}</Wrong>}
      {question}
    </Card>
  )
}

/** The money waits at the provider until the account there names a bank that takes it. */
function Refused({ amount_cents, code, at }: NonNullable<ConnectStatus['bank_refusal']>) {
  const now = useNow()
  return (
    <p role="alert" className="mt-2 text-bad">
      {say(
        'On {day} the bank did not take {sum} ({code}). It waits at the payment provider: check the bank account there.',
        {
          day: date(Date.parse(at), now),
          sum: money(amount_cents * CENT),
          code,
        },
      )}
    </p>
  )
}

function EarningsCard({ of: { earnings, rules } }: { of: Reply }) {
  const parts = [
    [
      say('Payable'),
      earnings.payable,
      say('Goes out with the next payout, from {sum} on.', { sum: money(rules.minimum) }),
    ],
    [
      say('Maturing'),
      earnings.pending,
      counted(
        'Becomes payable {n} day after the call.',
        'Becomes payable {n} days after the call.',
        rules.matures_after_days,
      ),
    ],
    [
      say('In reserve'),
      earnings.reserve,
      counted(
        '{percent} % of each payout, kept for {n} day against refunds.',
        '{percent} % of each payout, kept for {n} days against refunds.',
        rules.reserve_days,
        { percent: rules.reserve_percent },
      ),
    ],
    [say('Paid out'), earnings.paid, say('Sent to your account so far.')],
  ] as const
  return (
    <Card title={say('Earnings')}>
      <dl className="grid gap-5 sm:grid-cols-2 xl:grid-cols-4">
        {parts.map(([words, amount, why]) => (
          <div key={words}>
            <dt className="text-sm text-muted">{words}</dt>
            <dd className="nums mt-1 text-2xl font-semibold tracking-tight" title={exact(amount)}>
              {money(amount)}
            </dd>
            <dd className="mt-1 text-xs text-muted">{why}</dd>
          </div>
        ))}
      </dl>
      {earnings.flagged > 0 && (
        <p className="mt-5 text-sm text-muted">
          {say('{sum} matures later: it looks like your own spending, or was paid by a card that is new here.', {
            sum: money(earnings.flagged),
          })}
        </p>
      )}
      <p className="mt-5 border-t border-line pt-4 text-sm text-muted">{preview(earnings.payable, rules)}</p>
    </Card>
  )
}

/** What would be sent now; the reserve comes off, cents are floored and the rest is carried on. */
function preview(payable: number, { minimum, reserve_percent }: Reply['rules']): string {
  const sent = Math.floor((payable - Math.floor((payable * reserve_percent) / 100)) / CENT) * CENT
  if (payable === 0) return say('Next payout: once there are {sum} to pay.', { sum: money(minimum) })
  if (payable < minimum)
    return say('Next payout: {rest} more is needed to reach {sum}.', {
      rest: money(minimum - payable),
      sum: money(minimum),
    })
  return say('Next payout: about {sum}, after {percent} % into the reserve.', {
    sum: money(sent),
    percent: reserve_percent,
  })
}

const STATES: Record<Payout['status'], readonly [words: string, tone: Tone]> = {
  pending: [say('On its way'), 'plain'],
  paid: [say('Paid'), 'good'],
  failed: [say('Failed'), 'bad'],
  reversed: [say('Taken back'), 'warn'],
}

function List({ of: { payouts } }: { of: Reply }) {
  const [open, setOpen] = useState<Payout | null>(null)
  const now = useNow()
  return (
    <Card title={say('Payouts')}>
      {payouts.length === 0 ? (
        <Empty icon={Landmark} title={say('No payout yet')}>
          {say('Earnings go out once a day when they reach the minimum.')}
        </Empty>
      ) : (
        <ul className="divide-y divide-line">
          {payouts.map((payout) => (
            <li key={payout.id} className="flex flex-wrap items-center justify-between gap-3 py-3 text-sm">
              <span>
                <span className="flex items-center gap-2">
                  <span className="font-medium">{date(Date.parse(payout.created_at), now)}</span>
                  <Badge tone={STATES[payout.status][1]}>{STATES[payout.status][0]}</Badge>
                </span>
                {payout.failure && <span className="mt-0.5 block text-muted">{payout.failure}</span>}
              </span>
              <span className="flex items-center gap-3">
                <span className="nums font-medium" title={exact(payout.sent)}>
                  {money(payout.sent)}
                </span>
                <Button onClick={() => setOpen(payout)}>{say('Statement')}</Button>
              </span>
            </li>
          ))}
        </ul>
      )}
      {open && <Statement payout={open} onClose={() => setOpen(null)} />}
    </Card>
  )
}

function Statement({ payout, onClose }: { payout: Payout; onClose: () => void }) {
  const now = useNow()
  const statement = useRemote(`/developers/payouts/${payout.id}`, PayoutStatement)
  const sums = [
    [say('Earned'), payout.earned],
    [say('Released from reserve'), payout.released],
    [say('Carried in'), payout.carried_in],
    [say('Into the reserve'), -payout.reserved],
    [say('Carried on'), -payout.carried_out],
  ] as const
  return (
    <Dialog title={say('Payout of {day}', { day: date(Date.parse(payout.created_at), now) })} onClose={onClose} side>
      <dl className="nums space-y-2 text-sm">
        {sums
          .filter(([, amount]) => amount !== 0)
          .map(([words, amount]) => (
            <div key={words} className="flex justify-between gap-4">
              <dt className="text-muted">{words}</dt>
              <dd title={exact(amount)}>{money(amount)}</dd>
            </div>
          ))}
        <div className="flex justify-between gap-4 border-t border-line pt-2 font-semibold">
          <dt>{say('Sent')}</dt>
          <dd title={exact(payout.sent)}>{money(payout.sent)}</dd>
        </div>
      </dl>
      <h3 className="mt-6 mb-2 text-sm font-medium text-muted">{say('Line by line')}</h3>
      <Answer of={statement} apart>
        {({ lines, next_cursor }) => (
          <>
            <ul className="divide-y divide-line text-sm">
              {lines.map((line) => (
                <li key={line.request_id} className="flex justify-between gap-4 py-2">
                  <span className="min-w-0">
                    <code className="block truncate text-xs">{line.request_id}</code>
                    <When at={Date.parse(line.at)} now={now} className="text-xs text-muted" />
                  </span>
                  <span className="nums" title={exact(line.amount)}>
                    {money(line.amount)}
                  </span>
                </li>
              ))}
            </ul>
            {next_cursor !== null && (
              <p className="mt-3 text-sm text-muted">
                {counted('The first {n} line are shown.', 'The first {n} lines are shown.', lines.length)}
              </p>
            )}
          </>
        )}
      </Answer>
    </Dialog>
  )
}
