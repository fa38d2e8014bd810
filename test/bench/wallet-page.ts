// What the wallet's bench does inside a page.
// owns: writing a made-up log in the wallet's own form, and raw IndexedDB beside it. never: imports (it runs in the page).
// always true: the form is the one of src-renderer/db.ts and columns.ts; a change there has to be made here.

type Fill = { first: number; count: number; tail: number; model: object; epoch: string }

/** Writes `count` entries as sealed blocks and a tail, with their columns, sums and cursor. @returns the last hash */
export async function fillLog({ first, count, tail, model, epoch }: Fill): Promise<string> {
  const CHUNK = 2048
  const BLOCK = 128
  type Row = Record<string, unknown> & { receipt: string }
  const { row } = model as { row: Row }
  const names = (await indexedDB.databases()).map(({ name }) => name ?? '')
  const db = await new Promise<IDBDatabase>((done, failed) => {
    const ask = indexedDB.open(names.find((name) => name.startsWith('quota-wallet.')) ?? '')
    ask.onsuccess = () => done(ask.result)
    ask.onerror = () => failed(ask.error)
  })
  const write = (stores: string[], work: (store: (name: string) => IDBObjectStore) => void) =>
    new Promise<void>((done, failed) => {
      const tx = db.transaction(stores, 'readwrite')
      tx.oncomplete = () => done()
      tx.onabort = () => failed(tx.error)
      work((name) => tx.objectStore(name))
    })
  const apps = ['app_sketch', 'app_parrot']
  const models = ['openai/gpt-5-mini', 'anthropic/claude-haiku-4-5', 'openai/gpt-5-nano']
  const end = Date.now()
  const span = 300 * 86_400_000
  const sums = new Map<string, { app: string; day: string; calls: number; spent: number }>()
  const hashOf = (i: number) => `hash-${i}`
  const make = (i: number) => {
    const at = end - span + Math.floor((span * i) / count)
    const app = apps[i % 7 === 0 ? 0 : 1] ?? ''
    const credits = 200 + ((i * 7919) % 90_000)
    const day = new Date(at).toISOString().slice(0, 10)
    const sum = sums.get(app + day) ?? { app, day, calls: 0, spent: 0 }
    sums.set(app + day, { ...sum, calls: sum.calls + 1, spent: sum.spent + credits })
    const id = `req_${i}`
    const text = String(i).padStart(8, '0')
    const receipt = row.receipt.slice(0, 300) + text + row.receipt.slice(308) // as long as a real one, and not the same
    const own = {
      request_id: id,
      at: new Date(at).toISOString(),
      app_id: app,
      model: models[i % 3],
      credits_used: credits,
      receipt,
    }
    return { rev: first + i, id, at, app, row: { ...row, ...own }, hash: hashOf(i), mark: 'verified' }
  }
  const sealed = count - tail
  for (let from = 0, n = 0; from < sealed; from += CHUNK, n++) {
    const rows = Array.from({ length: Math.min(CHUNK, sealed - from) }, (_, i) => make(from + i))
    const columns = {
      n,
      rev: Uint32Array.from(rows, (r) => r.rev),
      at: Uint32Array.from(rows, (r) => r.at / 1000),
      micros: Uint32Array.from(rows, (r) => r.row.credits_used),
      app: Uint8Array.from(rows, (r) => apps.indexOf(r.app)),
      model: Uint8Array.from(rows, (r) => models.indexOf(String(r.row.model))),
      mark: new Uint8Array(rows.length),
      apps,
      models,
    }
    await write(['blocks', 'columns'], (store) => {
      for (let i = 0; i < rows.length; i += BLOCK) {
        const part = rows.slice(i, i + BLOCK)
        store('blocks').put({ first: part[0]?.rev, last: part.at(-1)?.rev, rows: part })
      }
      store('columns').put(columns)
    })
  }
  const rest = Array.from({ length: tail }, (_, i) => make(sealed + i))
  const rev = first + count - 1
  const hash = hashOf(count - 1)
  const zone = 'UTC'
  const cursor = { cursor: `${epoch}:${rev}`, epoch, rev, hash, entries: count, wrong: 0, unchecked: 0, zone }
  await write(['tail', 'rollup', 'meta'], (store) => {
    for (const one of rest) store('tail').put(one)
    for (const sum of sums.values())
      store('rollup').put({ ...sum, verified: sum.calls, wrong: 0, markup: 0, granted: 0, tokens: 0 })
    store('meta').put({ key: 'cursor', value: cursor })
  })
  db.close()
  return hash
}

/** Rows a second that IndexedDB itself takes, a record each, 2,000 a transaction. */
export async function rawRate(rows: unknown[]): Promise<number> {
  const db = await new Promise<IDBDatabase>((done) => {
    const ask = indexedDB.open('raw')
    ask.onupgradeneeded = () => ask.result.createObjectStore('rows', { keyPath: 'rev' })
    ask.onsuccess = () => done(ask.result)
  })
  const began = performance.now()
  for (let from = 0; from < rows.length; from += 2000) {
    await new Promise<void>((done) => {
      const tx = db.transaction('rows', 'readwrite', { durability: 'strict' })
      tx.oncomplete = () => done()
      for (const row of rows.slice(from, from + 2000)) tx.objectStore('rows').put(row)
    })
  }
  const rate = (rows.length * 1000) / (performance.now() - began)
  db.close()
  indexedDB.deleteDatabase('raw')
  return rate
}
