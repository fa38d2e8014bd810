// Everything a server has written down, as a thief of its disk would have it.
// owns: the bytes of its data folder, and the rows of its Postgres. never: a decoding of them. always true: all tables, all files.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { Server } from './server.ts'

export async function storedBy({ dataDir, databaseUrl }: Server): Promise<Buffer> {
  const files = filesOf(dataDir)
  return databaseUrl === undefined ? files : Buffer.concat([files, await rowsOf(databaseUrl)])
}

function filesOf(dir: string): Buffer {
  return Buffer.concat(
    readdirSync(dir).map((name) => {
      const path = join(dir, name)
      return statSync(path).isDirectory() ? filesOf(path) : readFileSync(path)
    }),
  )
}

async function rowsOf(url: string): Promise<Buffer> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows: tables } = await client.query(`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)
    const texts: string[] = []
    for (const { tablename } of tables) {
      const { rows } = await client.query(`SELECT t::text AS row FROM "${tablename}" t`)
      texts.push(...rows.map(({ row }) => String(row)))
    }
    return Buffer.from(texts.join('\n'))
  } finally {
    await client.end()
  }
}
