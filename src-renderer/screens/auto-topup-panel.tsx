// The automatic top-up as it stands.
// owns: saying it, and the way to change it. never: where the settings come from, the proof that raising asks for.
// always true: whether it is on, what it buys, what it has bought and why it stopped are said in words.

import { TriangleAlert } from 'lucide-react'
import { useState } from 'react'
import type { AutoTopup } from '../../server/contract/payments.ts'
import type { Package } from '../../server/contract/records.ts'
import { money } from '../format.ts'
import { Say } from '../say.tsx'
import { Badge, Banner, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { counted, say } from '../words.ts'
import { useTry } from './account-page.tsx'
import { AutoTopupForm, type AutoTopupWish, type Terms, termsOf } from './auto-topup-form.tsx'

const CENT = 10_000

const STOPPED: Record<NonNullable<AutoTopup['stopped']>, string> = {
  declined: say('Your bank refused the card three times.'),
  authentication_required: say('Your bank wants you to confirm each payment yourself.'),
  no_card: say('There is no saved card, or the package is no longer offered.'),
  fraud_warning: say('Your bank warned that a payment may not have been yours.'),
}

type Props = {
  settings: AutoTopup
  packages: Package[]
  /** Changing needs the server. */
  away: boolean
  /** Answers false when the change goes on somewhere else. */
  change: (wish: AutoTopupWish) => Promise<boolean>
  removeCard: () => Promise<void>
  /** Terms to be looked at and agreed to at once. */
  asked?: Terms | null
}

export function AutoTopupPanel({ settings, packages, away, change, removeCard, asked = null }: Props) {
  const [terms, setTerms] = useState<Terms | null>(asked)
  const [elsewhere, setElsewhere] = useState(false)
  const [removing, setRemoving] = useState(false)
  const { busy, wrong, attempt } = useTry()
  const { enabled, card } = settings
  const stopped = settings.stopped !== null && !enabled
  const send = async (wish: AutoTopupWish) => {
    setElsewhere(!(await change(wish)))
    setTerms(null)
  }
  return (
    <>
      {stopped && settings.stopped && <TurnedOff reason={STOPPED[settings.stopped]} />}
      <Standing settings={settings} packages={packages} />
      {elsewhere && (
        <p role="status" className="mt-3 text-sm text-muted">
          {say('Go on in your browser: your account page asks for your own sign-in first.')}
        </p>
      )}
      {wrong && (
        <div className="mt-3">
          <Wrong>{wrong}</Wrong>
        </div>
      )}
      {card && (
        <div className="mt-4 flex flex-wrap gap-2">
          <Button disabled={away || busy} onClick={() => setTerms(termsOf(settings))}>
            {enabled ? say('Change') : stopped ? say('Turn on again') : say('Turn on')}
          </Button>
          {enabled && (
            <Button look="quiet" disabled={away || busy} onClick={() => attempt(() => send({ enabled: false }))}>
              {say('Turn off')}
            </Button>
          )}
          <Button look="quiet" disabled={away || busy} onClick={() => setRemoving(true)}>
            {say('Remove card')}
          </Button>
        </div>
      )}
      {removing && card && (
        <RemoveCard card={card} enabled={enabled} remove={removeCard} close={() => setRemoving(false)} />
      )}
      {terms && card && (
        <Dialog title={say('Automatic top-up')} onClose={() => setTerms(null)}>
          <p className="mb-4 text-sm text-muted">
            {say('{card} is charged without asking you again, within these bounds. You can turn it off at any time.', {
              card: cardWords(card),
            })}
          </p>
          <AutoTopupForm terms={terms} packages={packages} on={enabled} save={send} />
        </Dialog>
      )}
    </>
  )
}

const TurnedOff = ({ reason }: { reason: string }) => (
  <div className="mb-3">
    <Banner tone="warn" icon={TriangleAlert}>
      {say('It turned itself off. {reason} Nothing is bought until you turn it on again.', { reason })}
    </Banner>
  </div>
)

type Removing = {
  card: NonNullable<AutoTopup['card']>
  enabled: boolean
  remove: () => Promise<void>
  close: () => void
}

function RemoveCard({ card, enabled, remove, close }: Removing) {
  const { busy, wrong, attempt } = useTry()
  const gone = async () => {
    await remove()
    close()
  }
  return (
    <Dialog title={say('Remove the card')} onClose={close}>
      <p className="mb-4 text-sm text-muted">
        {say('{card} is forgotten here and at the payment provider, and is not charged again.', {
          card: cardWords(card),
        })}
        {enabled && ` ${say('Automatic top-ups are turned off.')}`}{' '}
        {say('To keep a card again, tick “Keep this card” when you pay.')}
      </p>
      {wrong && (
        <div className="mb-4">
          <Wrong>{wrong}</Wrong>
        </div>
      )}
      <Button look="danger" size="large" className="w-full" disabled={busy} onClick={() => attempt(gone)}>
        {say('Remove {name}', { name: cardWords(card) })}
      </Button>
    </Dialog>
  )
}

function Standing({ settings, packages }: { settings: AutoTopup; packages: Package[] }) {
  const { enabled, card, threshold, package_id, month_max_cents, spent_this_month_cents, today, per_day_max } = settings
  if (!enabled || threshold === null || month_max_cents === null) {
    return (
      <p className="text-sm text-muted">
        {card
          ? say('Off. {card} is saved and is not charged.', { card: cardWords(card) })
          : say('Off. To use it, save a card: tick “Keep this card” when you pay.')}
      </p>
    )
  }
  const bought = packages.find((p) => p.id === package_id)
  return (
    <>
      <p className="text-sm">
        <Badge tone="good">{say('On')}</Badge>{' '}
        {bought ? (
          <Say
            words="Buys {what} for {price} when less than {threshold} is left."
            what={strong(money(bought.balance_credits))}
            price={money(bought.price_cents * CENT)}
            threshold={strong(money(threshold))}
          />
        ) : (
          <Say
            words="Buys {what} when less than {threshold} is left."
            what={strong(`“${package_id}”`)}
            threshold={strong(money(threshold))}
          />
        )}
      </p>
      <dl className="mt-3 grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 text-sm">
        <dt className="text-muted">{say('This month')}</dt>
        <dd className="nums text-end">
          {say('{part} of {whole}', {
            part: money(spent_this_month_cents * CENT),
            whole: money(month_max_cents * CENT),
          })}
        </dd>
        <dt className="text-muted">{say('Last 24 hours')}</dt>
        <dd className="nums text-end">
          {counted('{today} of {n} purchase', '{today} of {n} purchases', per_day_max, { today })}
        </dd>
        {card && (
          <>
            <dt className="text-muted">{say('Card')}</dt>
            <dd className="text-end">{cardWords(card)}</dd>
          </>
        )}
      </dl>
    </>
  )
}

const strong = (text: string) => <strong className="font-medium">{text}</strong>

/** "Visa •••• 4242". */
export const cardWords = ({ brand, last4 }: NonNullable<AutoTopup['card']>): string =>
  `${brand.charAt(0).toUpperCase()}${brand.slice(1)}${last4 && ` •••• ${last4}`}`
