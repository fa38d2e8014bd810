// One running program for each profile.
// owns: an exclusive lock file, and the folder in which a second start leaves its command line. never: the profile's data.
// always true: it is synchronous, as Electron's requestSingleInstanceLock is, and a dead holder's lock is taken over.

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type SecondStart = { argv: string[]; cwd: string; data: unknown }

/** @returns how to let go, or null when another program holds the profile (it has been told) */
export function takeInstanceLock(
  folder: string,
  data: unknown,
  second: (start: SecondStart) => void,
): (() => void) | null {
  mkdirSync(folder, { recursive: true })
  const lock = join(folder, 'standin.lock')
  const spool = join(folder, 'standin.spool')
  while (!create(lock)) {
    if (isAlive(lock)) {
      leave(spool, { argv: process.argv, cwd: process.cwd(), data })
      return null
    }
    rmSync(lock, { force: true })
  }
  rmSync(spool, { recursive: true, force: true })
  mkdirSync(spool)
  const watcher = watch(spool, () => {
    for (const name of readdirSync(spool).filter((entry) => entry.endsWith('.json'))) {
      const start = JSON.parse(readFileSync(join(spool, name), 'utf8')) as SecondStart
      rmSync(join(spool, name))
      second(start)
    }
  })
  return () => {
    watcher.close()
    rmSync(lock, { force: true })
  }
}

function create(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch {
    return false
  }
}

function isAlive(lock: string): boolean {
  try {
    process.kill(Number(readFileSync(lock, 'utf8')), 0)
    return true
  } catch {
    return false
  }
}

function leave(spool: string, start: SecondStart): void {
  const name = join(spool, `${Date.now()}-${process.pid}`)
  mkdirSync(spool, { recursive: true })
  writeFileSync(`${name}.tmp`, JSON.stringify(start))
  renameSync(`${name}.tmp`, `${name}.json`)
}
