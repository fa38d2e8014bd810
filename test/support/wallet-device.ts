// A wallet on one device, as tests drive it over HTTP.
// owns: its token, its numbers, the documents it has pulled. never: SQL, a browser.
// always true: `docs` is what a person would see after a pull: the newest row of each document, without those that are gone.

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FeedPage, MutationResult } from '../../server/contract/feed.ts'
import { connect, must, type Person, WALLET } from './api.ts'

type At = { url: string }
type Row = Record<string, unknown>
export type Edited = MutationResult
export type Device = {
  /** Sends one edit. @returns what became of it */
  edit: (name: string, args: Row, baseVersion?: number) => Promise<Edited>
  /** The same edit once more, as after a lost answer. */
  again: () => Promise<Edited>
  /** Documents of a topic, as they stand now. */
  docs: <T = Row>(topic: string) => Promise<T[]>
  /** Every row of a topic that was ever sent, null for one that went. */
  history: (topic: string) => Promise<(Row | null)[]>
  /** Waits until a topic has exactly so many documents. */
  until: <T = Row>(topic: string, count: number, withinMs?: number) => Promise<T[]>
}

let devices = 0

/** Signs a person's wallet in on a new device. @param at where it talks to; another process of the same server will do */
export async function deviceOf(server: At, person: Person, at: At = server): Promise<Device> {
  const { accessToken: bearer } = await connect(server, person, WALLET, { scope: 'openid wallet' })
  const client = `device-${++devices}`
  let mid = 0
  let last: Row = {}
  const send = async () => {
    const body = { client, mutations: [last] }
    const reply = await must<{ results: Edited[] }>(at, 'POST', '/v1/wallet/mutations', { bearer, body })
    assert.equal(reply.results.length, 1)
    return reply.results[0] as Edited
  }
  const changes = async () => {
    const all: FeedPage['changes'] = []
    for (let after = ''; ; ) {
      const page = await must<FeedPage>(at, 'GET', `/v1/wallet/feed?client=${client}&after=${after}`, { bearer })
      all.push(...page.changes)
      if (!page.more) return all
      after = page.cursor
    }
  }
  const docs = async <T>(topic: string) => {
    const rows = new Map<string, Row>()
    for (const change of await changes()) {
      if (change.topic !== topic) continue
      if (change.row === null) rows.delete(change.id)
      else rows.set(change.id, change.row)
    }
    return [...rows.values()] as T[]
  }
  return {
    edit: (name, args, base_version) => {
      last = { mid: ++mid, name, args, ...(base_version === undefined ? {} : { base_version }) }
      return send()
    },
    again: send,
    docs,
    history: async (topic) => (await changes()).filter((change) => change.topic === topic).map(({ row }) => row),
    until: async <T>(topic: string, count: number, withinMs = 60_000) => {
      for (const end = Date.now() + withinMs; ; await sleep(20)) {
        const rows = await docs<T>(topic)
        if (rows.length === count) return rows
        if (Date.now() > end) assert.fail(`${topic}: ${JSON.stringify(rows)}, not ${count}`)
      }
    },
  }
}
