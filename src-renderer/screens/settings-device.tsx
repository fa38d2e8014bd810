// This device: what it keeps, what it may do by itself, leaving.
// owns: switches of this device alone, the facts of its copy, signing out and erasing. never: tokens. always true: signing out
// with unsent changes names how many, and asks.

import { useId, useState } from 'react'
import { clockSkew } from '../clock.ts'
import { type Pending, type Preferences, setMeta } from '../db.ts'
import { CURRENCY_LOOKS, type CurrencyLook, count, currencyLook, setCurrencyLook, when } from '../format.ts'
import { useCursor, useEdits, useMeta, useNow, useView } from '../live.ts'
import { eraseCopy, signOut, useWallet } from '../session.ts'
import { shell } from '../shell/shell.ts'
import { Badge, inputLook } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { chooseLanguage, chosenLanguage, counted, LANGUAGES, type Language, say } from '../words.ts'
import { Confirm } from './app-dialogs.tsx'
import { editWords } from './edit-words.ts'
import { Section } from './settings.tsx'

const SWITCHES: { key: keyof Preferences; name: string; hint: string }[] = [
  {
    key: 'notify',
    name: say('Notifications'),
    hint: say('When a call or an app waits for you, when a limit is nearly reached, when a payment went wrong.'),
  },
  {
    key: 'guard',
    name: say('Runaway guard'),
    hint: say(
      'Pauses an app that spends more in ten minutes than on its busiest day of the last month, and asks you. It needs three days to know an app.',
    ),
  },
]

export function OnThisDevice() {
  const { db } = useWallet()
  const preferences = useMeta('preferences')
  const change = async (key: keyof Preferences, on: boolean) => {
    if (key === 'notify' && on && shell.kind === 'browser' && 'Notification' in window)
      await Notification.requestPermission()
    await setMeta(db, 'preferences', { ...preferences, [key]: on })
  }
  return (
    <Section title={say('How this device behaves')}>
      <ul className="space-y-4">
        {SWITCHES.map(({ key, name, hint }) => (
          <li key={key}>
            <label className="flex items-start gap-3">
              <input
                type="checkbox"
                checked={preferences?.[key] !== false}
                disabled={preferences === undefined}
                onChange={(event) => change(key, event.target.checked)}
                className="mt-0.5 size-4 shrink-0 accent-[var(--accent)]"
              />
              <span className="text-sm">
                <span className="font-medium">{name}</span>
                <span className="block text-muted">{hint}</span>
              </span>
            </label>
          </li>
        ))}
      </ul>
      <div className="mt-5 grid gap-4 sm:grid-cols-2">
        <LanguageChoice />
        <CurrencyChoice />
      </div>
    </Section>
  )
}

export function ThisDevice() {
  const { api } = useWallet()
  const cursor = useCursor()
  const status = useMeta('status')
  const unsent = useEdits()?.filter((e) => e.state !== 'sent') ?? []
  const now = useNow()
  const [asking, setAsking] = useState<'erase' | 'leave' | null>(null)
  return (
    <Section title={say('This device')}>
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-2 text-sm">
        <dt className="text-muted">{say('Server')}</dt>
        <dd className="text-end break-all">{api.origin}</dd>
        <dt className="text-muted">{say('Last in step')}</dt>
        <dd className="text-end">{status?.contact ? when(status.contact, now) : say('Not yet')}</dd>
        <dt className="text-muted">{say('Entries kept here')}</dt>
        <dd className="nums text-end">{cursor ? count(cursor.entries) : '–'}</dd>
        <dt className="text-muted">{say('Receipts')}</dt>
        <dd className="text-end">
          {cursor && cursor.wrong > 0 ? (
            <Badge tone="bad">{counted('{n} does not check out', '{n} do not check out', cursor.wrong)}</Badge>
          ) : (
            say('All checked on arrival')
          )}
        </dd>
        <ClockFact />
      </dl>
      {unsent.length > 0 && <Unsent edits={unsent} />}
      <div className="mt-5 flex flex-wrap gap-2">
        <Button onClick={() => setAsking('leave')}>{say('Sign out')}</Button>
        <Button look="quiet" className="text-bad!" onClick={() => setAsking('erase')}>
          {say('Erase local copy')}
        </Button>
      </div>
      {asking && <LeaveDialog step={asking} unsent={unsent.length} onClose={() => setAsking(null)} />}
    </Section>
  )
}

/** A language begins with the page, so choosing one loads it anew. */
function LanguageChoice() {
  const choices = [['', say('As the system')], ...Object.entries(LANGUAGES)] as const
  return (
    <Choice
      label={say('Language')}
      value={chosenLanguage() ?? ''}
      choices={choices}
      onChange={(value) => chooseLanguage((value || null) as Language | null)}
    />
  )
}

/** All money here is dollars; how that is written is the person's choice. */
function CurrencyChoice() {
  const [look, setLook] = useState(currencyLook)
  return (
    <Choice
      label={say('Amounts are written')}
      value={look}
      choices={Object.entries(CURRENCY_LOOKS)}
      onChange={(value) => {
        setCurrencyLook(value as CurrencyLook)
        setLook(value as CurrencyLook)
      }}
    />
  )
}

type Choices = {
  label: string
  value: string
  choices: readonly (readonly [value: string, words: string])[]
  onChange: (value: string) => void
}

function Choice({ label, value, choices, onChange }: Choices) {
  const id = useId()
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {label}
      </label>
      <select id={id} value={value} onChange={(event) => onChange(event.target.value)} className={inputLook}>
        {choices.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
    </div>
  )
}

const CLOCK_SAID_MS = 60_000

/** Said only when it is wrong enough to matter; nothing is refused for it. */
function ClockFact() {
  const skew = clockSkew()
  if (Math.abs(skew) < CLOCK_SAID_MS) return null
  const minutes = Math.round(Math.abs(skew) / 60_000)
  return (
    <>
      <dt className="text-muted">{say('Clock')}</dt>
      <dd className="text-end">
        {skew > 0
          ? counted(
              'This device’s is {n} minute behind; the server’s is used',
              'This device’s is {n} minutes behind; the server’s is used',
              minutes,
            )
          : counted(
              'This device’s is {n} minute ahead; the server’s is used',
              'This device’s is {n} minutes ahead; the server’s is used',
              minutes,
            )}
      </dd>
    </>
  )
}

function Unsent({ edits }: { edits: Pending[] }) {
  const view = useView()
  return (
    <div className="mt-4 rounded-lg bg-sunken p-3 text-sm">
      <p className="font-medium">
        {counted('{n} change not with the server yet', '{n} changes not with the server yet', edits.length)}
      </p>
      <ul className="mt-1 list-inside list-disc text-muted">
        {edits.map((e) => (
          <li key={e.n}>
            {editWords(e, view)}
            {e.state === 'refused' && ` ${say('(refused: {reason})', { reason: e.message ?? '' })}`}
          </li>
        ))}
      </ul>
    </div>
  )
}

/** Both steps delete the local copy; what has not reached the server would go with it, so it is named. */
function LeaveDialog({ step, unsent, onClose }: { step: 'erase' | 'leave'; unsent: number; onClose: () => void }) {
  const loses = unsent > 0 && (
    <p className="mb-2 font-medium text-bad">
      {counted(
        '{n} change has not reached the server and would be lost.',
        '{n} changes have not reached the server and would be lost.',
        unsent,
      )}
    </p>
  )
  if (step === 'leave') {
    const button =
      unsent > 0 ? counted('Sign out and lose {n} change', 'Sign out and lose {n} changes', unsent) : say('Sign out')
    return (
      <Confirm
        title={say('Sign out?')}
        button={button}
        keep={say('Stay signed in')}
        onClose={onClose}
        onConfirm={signOut}
      >
        {loses}
        <p>{say('The copy on this device is deleted. Your balance, limits and receipts stay with the server.')}</p>
      </Confirm>
    )
  }
  return (
    <Confirm
      title={say('Erase the local copy?')}
      button={say('Erase and fetch again')}
      onClose={onClose}
      onConfirm={eraseCopy}
    >
      {loses}
      <p>
        {say(
          'Everything kept on this device is deleted and fetched again from the server. Until that is done, nothing is shown offline.',
        )}
      </p>
    </Confirm>
  )
}
