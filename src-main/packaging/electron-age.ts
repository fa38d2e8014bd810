// Whether the Electron that is about to be packed is still looked after: `npm view electron time --json | node …`.
// owns: the rule, and the answer that stops a packing. never: a network (npm asks its registry), part of the built program.
// always true: only a version that the registry knows, of the newest three majors, and not behind a patch that has been out
// for more than thirty days, is packed.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** Electron supports the latest three stable majors (electronjs.org/docs/latest/tutorial/electron-timelines). */
const MAJORS = 3
const BEHIND_MAX_MS = 30 * 86_400_000

/**
 * Judges a version.
 * @param published when each version came out, as the registry tells it (RFC 3339; "created" and "modified" among them)
 * @param now ms
 * @returns why it must not be packed, or null
 */
export function whyNotPacked(version: string, published: Record<string, string>, now: number): string | null {
  const stable = Object.keys(published).flatMap((name) => {
    const parts = /^(\d+)\.(\d+)\.(\d+)$/.exec(name)?.slice(1).map(Number)
    return parts ? [{ name, parts }] : []
  })
  const own = stable.find(({ name }) => name === version)
  if (!own) return `Electron ${version} is no release that the registry knows.`
  const majors = [...new Set(stable.map(({ parts }) => parts[0] ?? 0))].sort((a, b) => b - a).slice(0, MAJORS)
  const [major = 0] = own.parts
  if (!majors.includes(major)) return `Electron ${version} is not supported any more; ${majors.join(', ')} are.`
  const missed = stable.find(
    ({ name, parts }) =>
      parts[0] === major && isLater(parts, own.parts) && now - Date.parse(published[name] ?? '') > BEHIND_MAX_MS,
  )
  return missed ? `Electron ${version} lacks ${missed.name}, which has been out for more than 30 days.` : null
}

function isLater(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((part, i) => part !== b[i])
  return at >= 0 && (a[at] ?? 0) > (b[at] ?? 0)
}

if (import.meta.main) {
  const config = JSON.parse(readFileSync(join(import.meta.dirname, 'electron-builder.json'), 'utf8'))
  const why = whyNotPacked(config.electronVersion, JSON.parse(await text(process.stdin)), Date.now())
  if (why !== null) {
    console.error(why)
    process.exit(1)
  }
}
