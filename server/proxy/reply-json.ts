// JSON in replies.
// owns: the text form of frames and of the quota block inside an answer. never: rewriting what an upstream said.
// always true: an answer's own bytes stand before the quota block as they came.

import type { Quota } from '../contract/api.ts'

/** One server-sent event. @param event its name; unnamed without */
export function frame(data: string, event?: string): string {
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${data}\n\n`
}

/** A JSON object's text with the quota block added at its end; the rest stays as it came. */
export function withQuota(json: string, quota: Quota): string {
  const end = json.lastIndexOf('}')
  const open = json.slice(0, end).trimEnd()
  return `${open}${open.endsWith('{') ? '' : ','}"quota":${JSON.stringify(quota)}}`
}

/** A JSON object, or null. */
export function jsonOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}
