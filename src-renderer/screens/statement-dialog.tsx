// A statement of a month.
// owns: choosing the month, and what the statement will say. never: its facts, its look. always true: it is made of what this
// device holds, without a network, and holds every app, whatever the log is narrowed to.

import { Download, LoaderCircle } from 'lucide-react'
import { useState } from 'react'
import type { Month } from '../audit.ts'
import { serverNow } from '../clock.ts'
import { select } from '../columns.ts'
import { dayOf } from '../days.ts'
import { money, monthWords } from '../format.ts'
import { useMonths, useTopups, useView } from '../live.ts'
import { rowsAt } from '../log.ts'
import { choiceOf } from '../search.ts'
import { useWallet } from '../session.ts'
import { statementOf } from '../statement.ts'
import { drawStatement } from '../statement-aside.ts'
import { inputLook, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { verifiedWords } from '../ui/verified.tsx'
import { counted, say } from '../words.ts'
import type { Found } from './activity.tsx'
import { foundRows, saveFile } from './export.ts'

type Props = { found: Found; nameOf: (app: string) => string; onClose: () => void }

export function StatementDialog({ found, nameOf, onClose }: Props) {
  const months = useMonths(true)
  const make = useStatement(found, nameOf)
  const [chosen, setChosen] = useState<string | null>(null)
  const [state, setState] = useState<{ busy: boolean; wrong: string | null }>({ busy: false, wrong: null })
  const month = months?.find((m) => m.month === chosen) ?? months?.[0]
  const save = async ({ month }: Month) => {
    setState({ busy: true, wrong: null })
    try {
      saveFile(await make(month), `quota-wallet-statement-${month}.pdf`)
      onClose()
    } catch (error) {
      const reason = (error instanceof Error ? error.message : String(error)).replace(/\.$/, '')
      setState({ busy: false, wrong: say('The statement could not be made: {reason}.', { reason }) })
    }
  }
  return (
    <Dialog title={say('Statement')} onClose={onClose}>
      <label className="block text-sm">
        <span className="mb-1.5 block font-medium">{say('Month')}</span>
        <select value={month?.month ?? ''} onChange={(e) => setChosen(e.target.value)} className={inputLook}>
          {months?.map((m) => (
            <option key={m.month} value={m.month}>
              {monthWords(m.month)}
            </option>
          ))}
        </select>
      </label>
      {month && <Glance month={month} />}
      <p className="mt-4 text-sm text-muted">
        {say('A PDF with balances, what each app cost, and every call of the month. It is made on this device.')}
      </p>
      {state.wrong && (
        <div className="mt-4">
          <Wrong>{state.wrong}</Wrong>
        </div>
      )}
      <Button
        look="main"
        size="large"
        className="mt-5 w-full"
        disabled={!month || state.busy}
        onClick={() => month && void save(month)}
      >
        {state.busy ? (
          <LoaderCircle className="size-4 animate-spin" aria-hidden />
        ) : (
          <Download className="size-4" aria-hidden />
        )}
        {state.busy ? say('Making it…') : say('Save PDF')}
      </Button>
    </Dialog>
  )
}

function Glance({ month: m }: { month: Month }) {
  return (
    <p className="nums mt-3 text-sm">
      {counted('{n} call', '{n} calls', m.calls)}, {money(m.spent)}
      <span className={`block ${m.wrong > 0 ? 'text-bad' : 'text-muted'}`}>{verifiedWords(m.verified, m.calls)}</span>
    </p>
  )
}

/** Makes the statement of a month ("2026-11") from the log as it is now. */
function useStatement({ index, zone, apps, models }: Found, nameOf: Props['nameOf']) {
  const { db, api } = useWallet()
  const profile = useView()?.profile
  const topups = useTopups() ?? []
  return async (month: string): Promise<Blob> => {
    const known = { zone, apps, models, nameOf, written: [] }
    const last = new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 0)).toISOString().slice(0, 10)
    const [from, to] = [`${month}-01`, last]
    const day = (at: number) => dayOf(zone, at)
    const whole = choiceOf({ from, to }, known)
    const selection = select(index, whole, day)
    const earlier = select(index, { ...choiceOf({}, known), until: whole.from }, day).ordinals.subarray(0, 1)
    const [before = null] = (await rowsAt(db, index, earlier)).values()
    const person = profile ? [profile.name, profile.email].filter(Boolean).join(', ') : ''
    const about = { month, zone, server: new URL(api.origin).host, person, real: profile?.livemode ?? true }
    const rows = foundRows(db, { index, selection })
    return drawStatement(await statementOf({ ...about, madeAt: serverNow() }, rows, { before, topups, nameOf }))
  }
}
