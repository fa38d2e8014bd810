// The people and servers this device keeps a copy of.
// owns: their list, leaving one, signing in as another. never: mixing them. always true: each has a database of its own, named by
// server and account; the open one is marked.

import { useEffect, useState } from 'react'
import { copiesKept, deleteCopy, placeOf } from '../db.ts'
import { switchAccount, useWallet } from '../session.ts'
import { shell } from '../shell/shell.ts'
import { Badge } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { counted, say } from '../words.ts'
import { Confirm } from './app-dialogs.tsx'
import { Section } from './settings.tsx'

type Copy = Awaited<ReturnType<typeof copiesKept>>[0]

const WHICH_SERVER: Record<typeof shell.kind, (host: string) => string> = {
  browser: (host) => say('This page comes from {host}, so it holds accounts of that server alone.', { host }),
  desktop: (host) => say('The open server is {host}; others are below.', { host }),
}

const goneWords = ({ email, account, host, unsent }: Copy): string =>
  counted(
    'The copy of {account} at {host} is deleted here, with {n} unsent change. The account itself stays with its server.',
    'The copy of {account} at {host} is deleted here, with {n} unsent changes. The account itself stays with its server.',
    unsent,
    { account: email ?? account, host },
  )

export function Accounts() {
  const { api, account, db } = useWallet()
  const [copies, setCopies] = useState<Copy[]>([])
  const [going, setGoing] = useState<Copy | null>(null)
  const [stamp, setStamp] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: read again when one has gone
  useEffect(() => {
    let current = true
    copiesKept().then((found) => current && setCopies(found))
    return () => {
      current = false
    }
  }, [stamp, db])
  const host = placeOf(api.origin)
  const isOpen = (c: Copy) => c.host === host && c.account === account
  return (
    <Section title={say('Accounts on this device')}>
      <p className="mb-3 text-sm text-muted">
        {say('Each account of each server is kept apart; nothing is ever mixed.')} {WHICH_SERVER[shell.kind](host)}
      </p>
      <ul className="divide-y divide-line text-sm">
        {copies.map((copy) => (
          <li key={copy.name} className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1 py-2.5">
            <span className="min-w-0">
              <span className="block truncate font-medium">{copy.email ?? copy.account}</span>
              <span className="block truncate text-xs text-muted">{copy.host}</span>
            </span>
            {isOpen(copy) ? (
              <Badge tone="good">{say('Open')}</Badge>
            ) : (
              <Button look="quiet" className="h-8 text-bad!" onClick={() => setGoing(copy)}>
                {say('Remove')}
              </Button>
            )}
          </li>
        ))}
      </ul>
      <Button className="mt-3" onClick={switchAccount}>
        {say('Sign in as somebody else')}
      </Button>
      {going && (
        <Confirm
          title={say('Remove this copy?')}
          button={say('Remove it from this device')}
          onClose={() => setGoing(null)}
          onConfirm={async () => {
            await deleteCopy(going.name)
            setStamp((n) => n + 1)
          }}
        >
          <p>{goneWords(going)}</p>
        </Confirm>
      )}
    </Section>
  )
}
