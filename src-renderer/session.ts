// Who uses this wallet, and which local copy is open.
// owns: the phase the app is in, the account remembered between visits (an id, no secret). never: tokens, screens.
// always true: a copy is filled only with its own account's records; the server is asked whose the token is first.

import { create } from 'zustand'
import { FeedPage } from '../server/contract/feed.ts'
import { Id } from '../server/contract/records.ts'
import { type Api, ApiFailure, connectApi } from './api.ts'
import { accountsKept, deleteCopiesOf, deleteDb, openDb, readCursor, setMeta, type WalletDb, watchZone } from './db.ts'
import { setTimeZone } from './format.ts'
import { shell } from './shell/shell.ts'
import { type Sync, startSync } from './sync.ts'
import { say } from './words.ts'

export type Wallet = { account: string; api: Api; db: WalletDb; sync: Sync }
type Session =
  | { phase: 'starting' | 'signed-out' }
  | { phase: 'open'; wallet: Wallet }
  /** Nothing local to show, and no way to get it: the server is away, or the database cannot be opened. */
  | { phase: 'stuck'; reason: 'unreachable' | 'storage'; message: string }

export const useSession = create<Session>()(() => ({ phase: 'starting' }))

/** The open wallet; screens are mounted only while there is one. */
export function useWallet(): Wallet {
  const session = useSession()
  if (session.phase !== 'open') throw new Error('a screen was shown without a wallet')
  return session.wallet
}

const REMEMBERED = 'quota.account'

/**
 * Opens what can be opened: the last account's copy at once, whatever the network says. After a sign-in the account
 * behind the token comes first, so that nobody sees the copy of the person before them.
 * @param signedIn whether a sign-in has just ended in this page
 */
export function start(signedIn = false): Promise<void> {
  turn = turn.then(() => begin(signedIn))
  return turn
}

/** Starts follow one another: the end of a sign-in is told twice, by its promise and by the shell's nudge. */
let turn: Promise<void> = Promise.resolve()

async function begin(signedIn: boolean): Promise<void> {
  close()
  const api = await connectApi(shell)
  const last = await lastAccount(api.origin)
  try {
    const account = last !== null && !signedIn ? last : await accountByToken(api, last, signedIn)
    if (account === null) useSession.setState({ phase: 'signed-out' }, true)
    else await open(api, account)
  } catch (error) {
    const reason = error instanceof ApiFailure ? 'unreachable' : 'storage'
    const message = error instanceof Error ? error.message : String(error)
    useSession.setState({ phase: 'stuck', reason, message }, true)
  }
}

/** The account behind the token; without a token or an answer, the last one; null when there is neither. */
async function accountByToken(api: Api, last: string | null, signedIn: boolean): Promise<string | null> {
  if (!signedIn && shell.kind === 'browser') return last // nobody has signed in here: no need to ask
  try {
    return await accountOf(api)
  } catch (error) {
    const signedOut = error instanceof ApiFailure && error.code === 'unauthorized'
    if (last !== null || signedOut) return last
    throw error
  }
}

async function open(api: Api, account: string, erased = false): Promise<void> {
  const kept = await accountsKept(api.origin)
  const lost = !erased && (gone === account || (rememberedAccount(api.origin) === account && !kept.includes(account)))
  gone = null
  const db = await openDb(api.origin, account)
  if (lost) await setMeta(db, 'rebuilt', { at: Date.now(), entries: 0, rev: 0, lost })
  await showTimesOf(db)
  remember(api.origin, account)
  const sync = startSync(api, db, async () => {
    if ((await accountOf(api)) === account) return
    setTimeout(() => start(true))
    throw new ApiFailure('other_account', say('Somebody else has signed in; opening their wallet.'))
  })
  const wallet = { account, api, db, sync }
  useSession.setState({ phase: 'open', wallet }, true)
  watch(wallet)
}

/** Shows every time where the days of this log begin, from the first screen on and whenever that changes. */
async function showTimesOf(db: WalletDb): Promise<void> {
  zoneWatch?.unsubscribe()
  setTimeZone((await readCursor(db)).zone)
  zoneWatch = watchZone(db, setTimeZone)
}
let zoneWatch: ReturnType<typeof watchZone> | null = null

/**
 * The copy may be deleted while it is open: by the browser on a full disk, by another tab of this wallet, by the person.
 * It is then begun anew, or the wallet closes where somebody has signed out.
 */
function watch(wallet: Wallet): void {
  const again = () => {
    const session = useSession.getState()
    if (session.phase !== 'open' || session.wallet !== wallet) return
    gone = wallet.account
    close()
    void start()
  }
  wallet.db.on('close', again)
  wallet.db.on('versionchange', () => {
    again()
    return false // instead of Dexie's own answer, which would open an empty copy behind our back
  })
}

/** Whose copy went while it was open. */
let gone: string | null = null

function close(): void {
  const session = useSession.getState()
  if (session.phase !== 'open') return
  useSession.setState({ phase: 'starting' }, true) // first: a copy that we close ourselves has not gone
  session.wallet.sync.stop()
  session.wallet.db.close()
}

/** Whose token it is: the subject at the userinfo endpoint (OpenID Connect Core 5.3), else the profile in the feed. */
async function accountOf(api: Api): Promise<string> {
  try {
    const { sub } = (await api.get('/oauth/userinfo')) as { sub?: unknown }
    if (isId(sub)) return sub
  } catch (error) {
    if (error instanceof ApiFailure && error.code === 'unauthorized') throw error
  }
  const page = FeedPage.parse(await api.get('/v1/wallet/feed?limit=20&client=whose'))
  const profile = page.changes.find((c) => c.topic === 'profile')
  if (!isId(profile?.id)) throw new ApiFailure('internal_error', say('The server does not say whose wallet this is.'))
  return profile.id
}

/** A server’s word becomes part of the name of a database, so nothing but an id is taken. */
const isId = (said: unknown): said is string => Id.safeParse(said).success

/** Signs out, and deletes the local copy: nothing of the person stays behind. */
export async function signOut(): Promise<void> {
  const session = useSession.getState()
  leaving = true
  await shell.signOut().finally(() => {
    leaving = false
  })
  remember(await shell.apiOrigin(), undefined)
  if (session.phase === 'open') {
    session.wallet.sync.stop()
    useSession.setState({ phase: 'signed-out' }, true)
    await deleteDb(session.wallet.db)
  }
}

/** Deletes what this device keeps of a server that is not open. */
export async function forgetServer(origin: string): Promise<void> {
  await deleteCopiesOf(origin)
  remember(origin, undefined)
}

/** Ends this sign-in and begins another, for somebody else; the copy that is open stays on this device. */
export async function switchAccount(): Promise<void> {
  leaving = true
  await shell.signOut().finally(() => {
    leaving = false
  })
  await signIn('sign-in')
}

/** Throws the local copy away and fills it again from the server. */
export async function eraseCopy(): Promise<void> {
  const session = useSession.getState()
  if (session.phase !== 'open') return
  session.wallet.sync.stop()
  useSession.setState({ phase: 'starting' }, true)
  await deleteDb(session.wallet.db)
  await open(session.wallet.api, session.wallet.account, true)
}

const HINT = 'quota.first-step'

/** Signs in through the shell; `first` says which form a browser tab shows first. */
export async function signIn(first: 'sign-in' | 'create'): Promise<void> {
  sessionStorage.setItem(HINT, first)
  if (await shell.signIn()) await start(true)
}

export const wantsNewAccount = (): boolean => sessionStorage.getItem(HINT) === 'create'

let leaving = false

// A sign-out of ours ends with its own step; any other change of session is a reason to look anew.
shell.on('session', () => {
  if (!leaving) void start(shell.kind === 'desktop')
})

/** The account used last: as remembered, else the one whose copy is here (a crash can lose what was remembered). */
async function lastAccount(origin: string): Promise<string | null> {
  const remembered = rememberedAccount(origin)
  if (remembered !== null) return remembered
  const kept = await accountsKept(origin)
  return kept.length === 1 ? (kept[0] ?? null) : null
}

function rememberedAccount(origin: string): string | null {
  const account = accountsRemembered()[origin]
  return typeof account === 'string' ? account : null
}

/** By server. Until version 0.1 one account alone was remembered, with its origin beside it. */
function accountsRemembered(): Record<string, unknown> {
  try {
    const kept = JSON.parse(localStorage.getItem(REMEMBERED) ?? '{}') as Record<string, unknown>
    return typeof kept.origin === 'string' ? { [kept.origin]: kept.account } : kept
  } catch {
    return {}
  }
}

/** @param account none: the server is forgotten, and with the last one the whole note */
function remember(origin: string, account: string | undefined): void {
  const all = JSON.stringify({ ...accountsRemembered(), [origin]: account })
  if (all === '{}') localStorage.removeItem(REMEMBERED)
  else localStorage.setItem(REMEMBERED, all)
}
