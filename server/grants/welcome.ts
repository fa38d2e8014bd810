// The welcome: what an app gives each person who connects for the first time.
// owns: welcomed. never: a consent.
// always true: a person is welcomed in an app at most once, whoever asks for it and however often they come again; a pool
// that is too small gives nothing, holds nobody up, and its publisher is told once a day.

import { appById } from '../connections/apps.ts'
import { connectionRow, statusAt } from '../connections/connections.ts'
import { noticeOnce } from '../connections/notices.ts'
import { dollars } from '../contract/money.ts'
import { procedure, type Tx } from '../db/db.ts'
import type { Deps } from '../deps.ts'
import { isFault } from '../faults.ts'
import { append } from '../feed/feed.ts'
import type { Directory } from '../identity/directory.ts'
import { account } from '../ledger/chart.ts'
import { stands } from '../ledger/ledger.ts'
import type { Carriers } from '../outbox/outbox.ts'
import { giveGrant, linkExternal } from './give.ts'
import { grantSettings } from './settings.ts'

const DAY_MS = 86_400_000

/** Gives the welcome of a connection, when there is one and it was not given. Answers whether it was given now. */
export const welcome = procedure(
  'grants.welcome',
  async (tx: Tx, { connectionId }: { connectionId: string }): Promise<boolean> => {
    const connection = await connectionRow(tx, connectionId)
    if (connection?.user_id === undefined || statusAt(connection, tx.now) !== 'active') return false
    const { app_id: appId, user_id: userId } = connection
    const app = await appById(tx, appId)
    const { welcome: gift } = await grantSettings(tx, appId)
    if (!app || !gift || app.publisher_id === userId) return false
    if (await tx.get('SELECT 1 AS yes FROM welcomed WHERE app_id = ? AND user_id = ?', [appId, userId])) return false
    const { available } = await stands(tx, account.pool(app.publisher_id))
    if (available < gift.amount) {
      await tellEmpty(tx, app.publisher_id, app.name, gift.amount)
      return false
    }
    const { externalUserId } = await linkExternal.run(tx, { appId, externalUserId: null, userId, connectionId })
    const { answer } = await giveGrant.run(tx, {
      publisherId: app.publisher_id,
      appId,
      externalUserId,
      amount: gift.amount,
      description: `Welcome to ${app.name}`,
      expiresAt: gift.expires_after_days === null ? null : tx.now + gift.expires_after_days * DAY_MS,
      attempt: null,
    })
    // On Postgres a second welcome at the same moment waits here, and then undoes itself by the row's key.
    const first = await tx.run(
      'INSERT INTO welcomed (app_id, user_id, grant_id, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      [appId, userId, answer.ledger_id, tx.now],
    )
    if (first !== 1) throw Object.assign(new Error('welcomed at the same moment'), { code: '40001' })
    return true
  },
)

/** Welcomes within identity's own answer, so that the first call of an app finds the grant there. */
export function welcoming(
  deps: Pick<Deps, 'db' | 'log'>,
  directory: Pick<Directory, 'approve'>,
): Pick<Directory, 'approve'> {
  return {
    approve: async (approval) => {
      const made = await directory.approve(approval)
      // A consent stands whether or not there is a gift; the outbox tries again.
      await deps.db.tx(welcome, made).catch((error) => {
        if (!isFault(error)) deps.log.warn({ err: String(error) }, 'a welcome waits for the outbox')
      })
      return made
    },
  }
}

/** What a consent promises beside: the welcome, wherever the person answered. */
export const WELCOME_CARRIERS: Carriers = {
  welcome: async ({ db }, { subject: connectionId }) => {
    await db.tx(welcome, { connectionId }).catch((error) => {
      if (!isFault(error)) throw error // refused for good: above the most for one user, or unlinked meanwhile
    })
    return 'done'
  },
}

async function tellEmpty(tx: Tx, publisherId: string, name: string, amount: number): Promise<void> {
  const change = await noticeOnce(tx, publisherId, {
    subject: `welcome_pool:${new Date(tx.now).toISOString().slice(0, 10)}`,
    kind: 'grant_pool_empty',
    text: `A new user of ${name} was not welcomed: the grant pool holds less than ${dollars(amount)}.`,
  })
  if (change) await append(tx, publisherId, [change])
}
