// The log as the person's own: taking it along, and reading it back.
// owns: saving, checking a saved file, bringing notes and tags back out of one. never: changing charges. always true: a file is
// checked as a page of the server is, and says what it found before anything is taken from it.

import { Download, ShieldAlert, ShieldCheck, Upload } from 'lucide-react'
import { type ChangeEvent, useRef, useState } from 'react'
import { type AuditReport, audit, firstFork, readExport, type WalletExport } from '../audit.ts'
import { getMeta, type WalletDb, type Written } from '../db.ts'
import { enqueue } from '../db-outbox.ts'
import { writtenOn } from '../db-pages.ts'
import { useWritten } from '../live.ts'
import { everything } from '../log.ts'
import { useWallet } from '../session.ts'
import { Banner, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { verifiedWords } from '../ui/verified.tsx'
import { counted, say } from '../words.ts'
import { jsonOf, saveFile } from './export.ts'
import { Section } from './settings.tsx'

type Read = { name: string; file: WalletExport; report: AuditReport; forkAt: number | null; notes: Written[] }

export function YourData() {
  const { db, api, account } = useWallet()
  const [read, setRead] = useState<Read | null>(null)
  const [wrong, setWrong] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const picker = useRef<HTMLInputElement>(null)
  const run = async (work: () => Promise<void>) => {
    setBusy(true)
    setWrong(null)
    await work().catch((error) => setWrong(error instanceof Error ? error.message : String(error)))
    setBusy(false)
  }
  const keep = () => run(async () => saveFile(await jsonOf(db, { server: api.origin, account }), 'quota-wallet.json'))
  const pick = (event: ChangeEvent<HTMLInputElement>) => {
    const file = event.target.files?.[0]
    event.target.value = ''
    setRead(null)
    if (file) void run(async () => setRead(await readSaved(file, { db, account, server: api.origin })))
  }
  return (
    <Section title={say('Your log as a file')}>
      <p className="mb-4 text-sm text-muted">
        {say(
          'The JSON file holds every receipt, your notes and the server’s keys. It can be verified anywhere, without this wallet and without a network. Reading one in checks it here and brings its notes and tags back.',
        )}
      </p>
      <div className="flex flex-wrap gap-2">
        <Button onClick={keep} disabled={busy}>
          <Download className="size-4" aria-hidden /> {say('Save the whole log')}
        </Button>
        <Button onClick={() => picker.current?.click()} disabled={busy}>
          <Upload className="size-4" aria-hidden /> {say('Read a saved file')}
        </Button>
        <input
          ref={picker}
          type="file"
          accept="application/json,.json"
          aria-label={say('Saved file')}
          className="hidden"
          onChange={pick}
        />
      </div>
      {wrong && (
        <div className="mt-3">
          <Wrong>{wrong}</Wrong>
        </div>
      )}
      {read && <Result read={read} />}
    </Section>
  )
}

type Mine = { db: WalletDb; account: string; server: string }

/** Checks a saved file, and looks for what it holds that this wallet could use. */
async function readSaved(file: File, { db, account, server }: Mine): Promise<Read> {
  const found = readExport(await file.text().then(JSON.parse, () => null))
  if (!found) throw new Error(say('This file is no export of a Quota Wallet.'))
  const known = ((await getMeta(db, 'keys'))?.jwks ?? []) as JsonWebKey[]
  const mine = found.account === account && found.server === server
  // Of this server the keys that this device knows; of another one the file's own are all there is.
  const report = await audit(found, mine && known.length > 0 ? known : (found.keys as JsonWebKey[]))
  const notes = mine ? report.entries.map(writtenOn).filter(({ note, tags }) => note !== null || tags.length > 0) : []
  return { name: file.name, file: found, report, forkAt: mine ? await forkAt(db, report) : null, notes }
}

async function forkAt(db: WalletDb, report: AuditReport): Promise<number | null> {
  for await (const rows of everything(db)) {
    const fork = firstFork(rows, report.entries)
    if (fork) return fork.rev
  }
  return null
}

function Result({ read: { name, file, report, forkAt, notes } }: { read: Read }) {
  const { account } = useWallet()
  const fine = report.verified === report.total && forkAt === null
  return (
    <div className="mt-4 space-y-3">
      <Banner tone={fine ? 'good' : 'bad'} icon={fine ? ShieldCheck : ShieldAlert} alert={!fine}>
        <strong className="font-semibold">{verifiedWords(report.verified, report.total)}</strong>
        <span className="block">
          {say('{file}, saved {day}', { file: name, day: file.made_at.slice(0, 10) })}
          {file.account !== account && say(', of another account')}.
          {forkAt !== null &&
            ` ${say('From number {n} on it tells another story than this wallet: one of them is not what the server signed first.', { n: forkAt })}`}
        </span>
      </Banner>
      {notes.length > 0 && forkAt === null && <BringBack notes={notes} />}
    </div>
  )
}

function BringBack({ notes }: { notes: Written[] }) {
  const { db } = useWallet()
  const held = new Map(useWritten()?.map((w) => [w.id, w]))
  const missing = notes.flatMap((w) => {
    const own = held.get(w.id)
    const add_tags = w.tags.filter((tag) => !own?.tags.includes(tag))
    const note = own?.note ? null : w.note
    return add_tags.length > 0 || note !== null ? [{ ...w, note, add_tags }] : []
  })
  const bring = async () => {
    for (const { id, rev, note, add_tags } of missing) {
      const args = { request_id: id, ...(note !== null && { note }), ...(add_tags.length > 0 && { add_tags }) }
      await enqueue(db, 'receipt.annotate', args, undefined, rev)
    }
  }
  if (missing.length === 0)
    return <p className="text-sm text-muted">{say('All of its notes and tags are in this wallet.')}</p>
  return (
    <Button look="main" onClick={bring}>
      {counted(
        'Bring back the notes and tags of {n} charge',
        'Bring back the notes and tags of {n} charges',
        missing.length,
      )}
    </Button>
  )
}
