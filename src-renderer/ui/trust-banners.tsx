// What stands between a person and trusting the figures.
// owns: the banners of a rebuilt copy and of receipts that fail. never: the verdicts (db-restart.ts, verify.ts).
// always true: each names what happened, how much it is about, and what to do now.

import { Link } from '@tanstack/react-router'
import { GitFork, History, ShieldAlert, X } from 'lucide-react'
import { type Rebuilt, setMeta } from '../db.ts'
import { enqueue } from '../db-outbox.ts'
import { exact, moment, when } from '../format.ts'
import { useMeta, useNow, useView, useWrong } from '../live.ts'
import { jsonOf, saveFile } from '../screens/export.ts'
import { useWallet } from '../session.ts'
import { counted, say } from '../words.ts'
import { Banner } from './bits.tsx'
import { Button, buttonLook } from './button.tsx'

export function RebuiltBanner() {
  const { db } = useWallet()
  const rebuilt = useMeta('rebuilt')
  const now = useNow()
  if (!rebuilt || (rebuilt.verdict?.kind === 'same' && !rebuilt.lost)) return null
  const forked = rebuilt.verdict?.kind === 'rewritten'
  const action = (
    <span className="flex flex-wrap gap-2">
      {rebuilt.verdict && <SaveProof />}
      <Button look="quiet" className="h-8" aria-label={say('Dismiss')} onClick={() => setMeta(db, 'rebuilt', null)}>
        <X className="size-4" aria-hidden />
      </Button>
    </span>
  )
  return (
    <Banner tone={forked ? 'bad' : 'warn'} icon={forked ? GitFork : History} alert action={action}>
      <Words rebuilt={rebuilt} now={now} />
    </Banner>
  )
}

function Words({ rebuilt, now }: { rebuilt: Rebuilt; now: number }) {
  const { verdict, lost, at, entries } = rebuilt
  const time = when(at, now)
  const held = counted('{n} entry', '{n} entries', entries)
  if (lost)
    return say(
      'This device had lost its copy of your records (a browser clears it when storage runs out), so this copy was rebuilt at {time}. Nothing is missing: it came back from the server, and every receipt was checked again.',
      { time },
    )
  if (!verdict)
    return say(
      'The server’s records were put back to an earlier state, so this copy was rebuilt at {time}. It held {entries} before; they are being compared.',
      { time, entries: held },
    )
  const since = moment(verdict.since ?? at)
  const gone = { since, sum: exact(verdict.goneMicros) }
  if (verdict.kind === 'rewritten')
    return (
      <>
        <strong className="font-semibold">{say('This server tells two stories.')}</strong>{' '}
        {say('It now has other records for a time it had already told this device about')}
        {verdict.gone > 0 &&
          `; ${counted(
            '{n} charge ({sum}) from {since} on is gone or replaced',
            '{n} charges ({sum}) from {since} on are gone or replaced',
            verdict.gone,
            gone,
          )}`}
        {'. '}
        {say(
          'Save the proof, stop spending, and ask the operator before you add money. The copy held {entries} before.',
          { entries: held },
        )}
      </>
    )
  return (
    <>
      <strong className="font-semibold">{say('This server was put back to an earlier state')}</strong>
      {counted(
        ', as from a backup: {n} charge ({sum}) from {since} on is no longer in its records, so this copy was rebuilt at {time}.',
        ', as from a backup: {n} charges ({sum}) from {since} on are no longer in its records, so this copy was rebuilt at {time}.',
        verdict.gone,
        { ...gone, time },
      )}{' '}
      {say(
        'It held {entries} before; those that are gone are kept here as proof. Compare your balance, and ask the operator if money is missing.',
        { entries: held },
      )}
    </>
  )
}

/** The whole log with what vanished, as a file for whoever has to explain it. */
function SaveProof() {
  const { db, api, account } = useWallet()
  const run = async () => saveFile(await jsonOf(db, { server: api.origin, account }), 'quota-wallet-proof.json')
  return (
    <Button className="h-8" onClick={run}>
      {say('Save the proof')}
    </Button>
  )
}

export function WrongBanner() {
  const { db } = useWallet()
  const wrong = useWrong()
  const profile = useView()?.profile
  const first = wrong?.[0]
  if (!first) return null
  const one = wrong.length === 1
  return (
    <Banner
      tone="bad"
      icon={ShieldAlert}
      alert
      action={
        <span className="flex flex-wrap gap-2">
          <Link
            to="/activity"
            search={one ? { entry: first.rev } : { check: 'wrong' }}
            className={`${buttonLook()} h-8`}
          >
            {one ? say('Look at it') : say('Look at them')}
          </Link>
          <SaveProof />
          {profile && !profile.frozen && (
            <Button className="h-8" onClick={() => enqueue(db, 'wallet.freeze', {})}>
              {say('Stop all spending')}
            </Button>
          )}
        </span>
      }
    >
      <strong className="font-semibold">
        {counted('A receipt does not check out.', '{n} receipts do not check out.', wrong.length)}
      </strong>{' '}
      {say(
        'This device recomputes every charge, and the server’s figures differ. Do not rely on them until it is explained: save the proof, and ask the server’s operator.',
      )}
    </Banner>
  )
}
