// Parts of an app's page: its secret, its domain, its users.
// owns: these three cards. never: a person's data beyond what their consent allows (the server says).
// always true: a new secret leaves the old one working until it is ended, and says until when.

import { BadgeCheck } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { type App, DomainState, SecretRotated } from '../../server/contract/api.ts'
import { AppUsers } from '../../server/contract/developers.ts'
import { date, money } from '../format.ts'
import { useNow } from '../live.ts'
import { sentenceOf, useTry } from '../screens/account-page.tsx'
import { useWallet } from '../session.ts'
import { Badge, type Tone, Wrong } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { counted, say } from '../words.ts'
import { secretsOf } from './apps.tsx'
import { Answer, Card, CopyLine, Field, type Once, OnceDialog } from './bits.tsx'
import { Counting } from './counting.tsx'
import { useRemote } from './remote.ts'

type Props = { app: App; reload: () => Promise<void> }

export function SecretCard({ app, reload }: Props) {
  const { api } = useWallet()
  const now = useNow()
  const { busy, wrong, attempt } = useTry()
  const [once, setOnce] = useState<Once | null>(null)
  const at = `/developers/apps/${app.id}`
  const rotate = () =>
    attempt(async () => {
      const made = SecretRotated.parse(await api.post(`${at}/rotate-secret`, {}))
      setOnce(secretsOf(app, made.client_secret))
      await reload()
    })
  const end = () =>
    attempt(async () => {
      await api.post(`${at}/revoke-secondary-secret`, {})
      await reload()
    })
  const until = app.secondary_expires_at ? Date.parse(app.secondary_expires_at) : null
  return (
    <Card title={say('Client secret')}>
      <p className="mb-4 text-sm text-muted">
        {until === null
          ? say('Making another one leaves the old one working for 30 days, so that your servers can change over.')
          : say('The secret before the last one works until {day}.', { day: date(until, now) })}
      </p>
      <div className="flex flex-wrap gap-2">
        <Button disabled={busy} onClick={rotate}>
          {say('Make a new secret')}
        </Button>
        {until !== null && (
          <Button look="quiet" disabled={busy} onClick={end}>
            {say('End the old one now')}
          </Button>
        )}
      </div>
      {wrong && (
        <div className="mt-3">
          <Wrong>{wrong}</Wrong>
        </div>
      )}
      {once && <OnceDialog {...once} onClose={() => setOnce(null)} />}
    </Card>
  )
}

export function DomainCard({ app, reload }: Props) {
  const { api } = useWallet()
  const { busy, wrong, attempt } = useTry()
  const [state, setState] = useState<DomainState | null>(null)
  const at = `/developers/apps/${app.id}/domain`
  const act = (work: () => Promise<unknown>) =>
    attempt(async () => {
      setState(DomainState.parse(await work()))
      await reload()
    })
  const name = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const domain = String(new FormData(event.currentTarget).get('domain')).trim()
    void act(() => api.post(at, { domain }))
  }
  const show = () => act(() => api.get(at))
  const verified = app.verified_domain ?? null
  return (
    <Card title={say('Domain')} aside={verified && <VerifiedBadge domain={verified} />}>
      <p className="mb-4 text-sm text-muted">
        {say('A domain that you prove stands in the place of “unverified” when people are asked.')}
      </p>
      {state ? (
        <Proof state={state} busy={busy} onVerify={(by) => act(() => api.post(`${at}/verify`, { by }))} />
      ) : (
        <form onSubmit={name} className="space-y-3">
          <Field label={say('Domain')} name="domain" placeholder="example.com" defaultValue={verified ?? ''} required />
          <div className="flex flex-wrap gap-2">
            <Button type="submit" disabled={busy}>
              {say('Name it')}
            </Button>
            <Button look="quiet" disabled={busy} onClick={show}>
              {say('Show its proof')}
            </Button>
          </div>
        </form>
      )}
      {wrong && (
        <div className="mt-3">
          <Wrong>{wrong}</Wrong>
        </div>
      )}
    </Card>
  )
}

const VerifiedBadge = ({ domain }: { domain: string }) => (
  <Badge tone="good" icon={BadgeCheck}>
    {domain}
  </Badge>
)

function Proof({
  state,
  busy,
  onVerify,
}: {
  state: DomainState
  busy: boolean
  onVerify: (by: 'file' | 'dns') => void
}) {
  if (state.verified)
    return (
      <p className="text-sm">
        {say('{domain} is proved. It is looked at again now and then.', { domain: state.domain })}
      </p>
    )
  return (
    <div className="space-y-3">
      <p className="text-sm">{say('Put this value in one of two places, then have it looked at.')}</p>
      <CopyLine label={say('Value')} text={state.proof.value} />
      <CopyLine label={say('As a line of this file')} text={state.proof.file} />
      <CopyLine label={say('As a TXT record of this name')} text={state.proof.dns} />
      <div className="flex flex-wrap gap-2">
        <Button disabled={busy} onClick={() => onVerify('file')}>
          {say('Look at the file')}
        </Button>
        <Button disabled={busy} onClick={() => onVerify('dns')}>
          {say('Look at the record')}
        </Button>
      </div>
    </div>
  )
}

type Page = ReturnType<typeof AppUsers.parse>
type User = Page['users'][number]

const STATES: Record<User['status'], readonly [words: string, tone: Tone]> = {
  active: [say('Connected'), 'good'],
  paused: [say('Paused'), 'warn'],
  revoked: [say('Disconnected'), 'plain'],
  expired: [say('Expired'), 'plain'],
  unclaimed: [say('No wallet yet'), 'plain'],
  unlinked: [say('Unlinked'), 'plain'],
}

export function UsersCard({ app }: { app: App }) {
  const { api } = useWallet()
  const first = useRemote(`/developers/apps/${app.id}/users?limit=50`, AppUsers)
  const [more, setMore] = useState<Page[]>([])
  const [wrong, setWrong] = useState<string | null>(null)
  const pages = first.data ? [first.data, ...more] : []
  const next = pages.at(-1)?.next_cursor ?? null
  const load = async () => {
    try {
      const path = `/developers/apps/${app.id}/users?limit=50&cursor=${encodeURIComponent(String(next))}`
      const page = AppUsers.parse(await api.get(path))
      setMore((before) => [...before, page])
      setWrong(null)
    } catch (error) {
      setWrong(sentenceOf(error))
    }
  }
  const users = pages.flatMap((page) => page.users)
  return (
    <Card title={say('Users')}>
      <Counting of={first} />
      <Answer of={first}>
        {() => (users.length === 0 ? <NoUsers /> : <ul className="divide-y divide-line">{users.map(line)}</ul>)}
      </Answer>
      {next !== null && (
        <Button className="mt-3" onClick={load}>
          {say('More users')}
        </Button>
      )}
      {wrong && <Wrong>{wrong}</Wrong>}
    </Card>
  )
}

const NoUsers = () => (
  <p className="text-sm text-muted">{say('People appear here when they connect, or when you give them a grant.')}</p>
)

const line = (user: User) => <UserLine key={user.id} user={user} />

function UserLine({ user }: { user: User }) {
  const now = useNow()
  const name = user.name ?? user.email ?? user.external_user_ids[0] ?? user.id
  const [words, tone] = STATES[user.status]
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 py-3 text-sm">
      <span className="min-w-0">
        <span className="flex flex-wrap items-center gap-2">
          <bdi className="truncate font-medium" title={user.id}>
            {name}
          </bdi>
          <Badge tone={tone}>{words}</Badge>
        </span>
        <span className="mt-0.5 block text-muted">
          {user.external_user_ids.length > 0 && <code className="text-xs">{user.external_user_ids.join(', ')}</code>}{' '}
          {user.last_used_at
            ? say('last call {day}', { day: date(Date.parse(user.last_used_at), now) })
            : say('no call yet')}
        </span>
      </span>
      <span className="nums ms-auto text-end">
        <span className="block font-medium">{money(user.totals.base_credits + user.totals.markup_credits)}</span>
        <span className="block text-muted">
          {counted('{n} call', '{n} calls', user.totals.requests)}
          {user.balance !== null && ` · ${say('could spend {sum}', { sum: money(user.balance) })}`}
        </span>
      </span>
    </li>
  )
}
