// The domain that an app's publisher has proved.
// owns: app_domains, the proof's words, when a domain is looked at again. never: the network (the port `domains`).
// always true: people see a domain only while its proof was there at one of the last three looks; naming another domain
// begins anew.

import { randomBytes } from 'node:crypto'
import type { DomainState } from '../contract/api.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import type { Deps } from '../deps.ts'
import { PROOF_FILE, PROOF_NAME } from '../domain-proofs.ts'
import { fault } from '../faults.ts'
import { ownApp, publisherOf, writeApp } from './apps.ts'

const HOUR_MS = 3_600_000
/** How long a look that found the proof suffices; one that did not is repeated sooner. */
const LOOK_AGAIN_MS = 24 * HOUR_MS
const FAILED_LOOK_AGAIN_MS = HOUR_MS
const FAILURES_MAX = 3
const LOOKS_AT_ONCE = 20

type By = 'file' | 'dns'
type Row = {
  app_id: string
  domain: string
  proof: string
  verified_by: By | null
  verified_at: number | null
  checked_at: number | null
  failures: number
}
type OfApp = { publisherId: string; appId: string }
type Ports = Pick<Deps, 'db' | 'now' | 'domains'>

const COLUMNS = 'app_id, domain, proof, verified_by, verified_at, checked_at, failures'

/** What a file of the domain or a TXT record has to say; random, so that no page says it by chance. Not a secret. */
export function freshProof(): string {
  return `quota-wallet-verify=${randomBytes(18).toString('base64url')}`
}

/** The domain of an app of this publisher. @throws Fault `not_found` when it has named none */
export async function domainOf(reader: Reader, { publisherId, appId }: OfApp): Promise<DomainState> {
  await ownApp(reader, publisherId, appId)
  return documentOf(await rowOf(reader, appId))
}

/** Names the domain of an app; the same one again changes nothing. @throws Fault `not_found` */
export const setDomain = procedure(
  'apps.setDomain',
  async (tx: Tx, { publisherId, appId, domain, proof }: OfApp & { domain: string; proof: string }) => {
    await ownApp(tx, publisherId, appId)
    await tx.run(
      `INSERT INTO app_domains (app_id, domain, proof) VALUES (?, ?, ?) ON CONFLICT (app_id) DO UPDATE SET
       domain = excluded.domain, proof = excluded.proof, verified_by = NULL, verified_at = NULL, checked_at = NULL,
       failures = 0 WHERE app_domains.domain <> excluded.domain`,
      [appId, domain, proof],
    )
    await writeApp(tx, publisherId, appId)
    return domainOf(tx, { publisherId, appId })
  },
)

/** @throws Fault `not_found` */
export const removeDomain = procedure('apps.removeDomain', async (tx: Tx, { publisherId, appId }: OfApp) => {
  await ownApp(tx, publisherId, appId)
  await tx.run('DELETE FROM app_domains WHERE app_id = ?', [appId])
  await writeApp(tx, publisherId, appId)
})

/**
 * Looks for the proof, now.
 * @throws Fault `not_found`, `bad_request` when it is not there; which of the reasons it was is not told, so that nobody
 * explores a network by it
 */
export async function verifyDomain(deps: Ports, of: OfApp, by: By): Promise<DomainState> {
  const { domain, proof } = await domainOf(deps.db, of)
  if (!(await hasProof(deps, { domain, proof: proof.value }, by))) {
    const where = by === 'file' ? proof.file : `the TXT records of ${proof.dns}`
    throw fault('bad_request', { message: `The proof was not found at ${where}.`, param: 'domain' })
  }
  await deps.db.tx(found, { ...of, domain, by })
  return domainOf(deps.db, of)
}

/** Looks again at what was proved a day ago; a proof that is gone three times in a row is none any more. */
export async function recheckDomains(deps: Ports): Promise<number> {
  const now = deps.now()
  const due = await deps.db.all<Row>(
    `SELECT ${COLUMNS} FROM app_domains WHERE verified_at IS NOT NULL
     AND ((failures = 0 AND checked_at <= ?) OR (failures > 0 AND checked_at <= ?))
     ORDER BY checked_at LIMIT ?`,
    [now - LOOK_AGAIN_MS, now - FAILED_LOOK_AGAIN_MS, LOOKS_AT_ONCE],
  )
  for (const row of due) {
    const there = await hasProof(deps, row, row.verified_by ?? 'file')
    await deps.db.tx(lookedAgain, { appId: row.app_id, domain: row.domain, seenAt: row.checked_at ?? 0, there })
  }
  return due.length
}

// --- below: how ------------------------------------------------------------------------------------------------------

async function hasProof({ domains }: Ports, { domain, proof }: Pick<Row, 'domain' | 'proof'>, by: By) {
  const said = await domains[by](domain).catch((): string[] => [])
  return said.includes(proof)
}

const found = procedure('apps.domainFound', async (tx: Tx, of: OfApp & { domain: string; by: By }) => {
  await ownApp(tx, of.publisherId, of.appId)
  await tx.run(
    `UPDATE app_domains SET verified_by = ?, verified_at = COALESCE(verified_at, ?), checked_at = ?, failures = 0
     WHERE app_id = ? AND domain = ?`,
    [of.by, tx.now, tx.now, of.appId, of.domain],
  )
  await writeApp(tx, of.publisherId, of.appId)
})

type Look = { appId: string; domain: string; seenAt: number; there: boolean }

// `seenAt` makes two processes that look at the same time count as one look.
const lookedAgain = procedure('apps.domainLookedAt', async (tx: Tx, { appId, domain, seenAt, there }: Look) => {
  const counted = await tx.run(
    `UPDATE app_domains SET checked_at = ?, failures = CASE WHEN ? = 1 THEN 0 ELSE failures + 1 END
     WHERE app_id = ? AND domain = ? AND checked_at = ?`,
    [tx.now, there ? 1 : 0, appId, domain, seenAt],
  )
  if (counted !== 1) return
  const lost = await tx.run(
    `UPDATE app_domains SET verified_by = NULL, verified_at = NULL WHERE app_id = ? AND failures >= ? AND verified_at IS NOT NULL`,
    [appId, FAILURES_MAX],
  )
  const app = await tx.get('SELECT id FROM apps WHERE id = ? AND deleted_at IS NULL', [appId])
  if (lost === 1 && app) await writeApp(tx, await publisherOf(tx, appId), appId)
})

async function rowOf(reader: Reader, appId: string): Promise<Row> {
  const row = await reader.get<Row>(`SELECT ${COLUMNS} FROM app_domains WHERE app_id = ?`, [appId])
  if (!row) throw fault('not_found')
  return row
}

function documentOf({ domain, proof, verified_at, checked_at }: Row): DomainState {
  return {
    domain,
    verified: verified_at !== null,
    checked_at: checked_at === null ? null : new Date(checked_at).toISOString(),
    proof: { value: proof, file: `https://${domain}${PROOF_FILE}`, dns: `${PROOF_NAME}.${domain}` },
  }
}
