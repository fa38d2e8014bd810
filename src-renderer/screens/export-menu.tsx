// Taking the log along.
// owns: the menu, and what each form holds. never: the forms. always true: CSV holds what is shown; JSON holds everything,
// because a part of it could not be verified; a statement holds a month.

import { Download, LoaderCircle } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { useState } from 'react'
import { useWallet } from '../session.ts'
import { Button } from '../ui/button.tsx'
import { say } from '../words.ts'
import type { Found } from './activity.tsx'
import { csvOf, foundRows, jsonOf, saveFile } from './export.ts'
import { StatementDialog } from './statement-dialog.tsx'

type Props = { found: Found; narrowed: boolean; nameOf: (app: string) => string; disabled: boolean }

const ITEM = 'rounded-md px-2.5 py-2 text-sm outline-none select-none data-[highlighted]:bg-sunken'

export function ExportMenu({ found, narrowed, nameOf, disabled }: Props) {
  const { db, api, account } = useWallet()
  const [busy, setBusy] = useState(false)
  const [asked, setAsked] = useState(false)
  const [statement, setStatement] = useState(false)
  const what = narrowed ? say('What is found, with receipts') : say('Everything, with receipts')
  const day = new Date().toISOString().slice(0, 10)
  const make = async (work: () => Promise<void>) => {
    setBusy(true)
    await work().finally(() => setBusy(false))
  }
  const csv = () => make(async () => saveFile(await csvOf(foundRows(db, found), nameOf), `quota-wallet-${day}.csv`))
  const json = () =>
    make(async () => saveFile(await jsonOf(db, { server: api.origin, account }), `quota-wallet-${day}.json`))
  const items = [
    { name: say('Statement (PDF)'), hint: say('A month, to read and to file'), run: async () => setAsked(true) },
    { name: say('Table (CSV)'), hint: what, run: csv },
    { name: say('Whole log (JSON)'), hint: say('To keep, and to verify elsewhere'), run: json },
  ]
  /** The dialog opens when the menu has given the focus back to its button, which the dialog gives it back to. */
  const closed = () => {
    setStatement(asked)
    setAsked(false)
  }
  return (
    <DropdownMenu.Root modal={false}>
      {statement && <StatementDialog found={found} nameOf={nameOf} onClose={() => setStatement(false)} />}
      <DropdownMenu.Trigger asChild>
        <Button disabled={disabled || busy}>
          {busy ? (
            <LoaderCircle className="size-4 animate-spin" aria-hidden />
          ) : (
            <Download className="size-4" aria-hidden />
          )}
          {say('Export')}
        </Button>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={6}
          onCloseAutoFocus={closed}
          className="z-20 min-w-56 rounded-xl border border-line bg-surface p-1 shadow-card"
        >
          {items.map(({ name, hint, run }) => (
            <DropdownMenu.Item key={name} className={ITEM} onSelect={() => void run()}>
              {name}
              <span className="block text-xs text-muted">{hint}</span>
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}
