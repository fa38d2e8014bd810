// Traces of metered calls, for an operator who collects them.
// owns: what a trace of a call is told, as data. never: a prompt, an answer, a key, a person's or an app's name.
// always true: without OTEL_EXPORTER_OTLP_ENDPOINT there is no tracing: nothing is loaded, nothing is asked per call.

import type { IncomingHttpHeaders } from 'node:http'
import type { Config } from './config.ts'

/** Times are of performance.now(), in ms. */
export type Sent = {
  at: number
  /** In the words of OpenTelemetry's semantic conventions for generative AI. */
  attributes: Record<string, string | number>
  /** `{operation} {model}`, as those conventions name such a span. */
  name: string
}
export type CallEnd = {
  at: number
  name: string
  attributes: Record<string, string | number | boolean>
  /** Of the newest sending: when its answer was over, and what it used. */
  answered: { at: number; attributes: Record<string, string | number>; errorType: string | null } | null
  /** Steps of our own inside the call. */
  steps: readonly { name: string; from: number; to: number }[]
  /** A code of contract/faults.ts, or null. */
  errorType: string | null
}

/** The trace of one call. */
export type CallTrace = {
  /** The call goes to an upstream (again, after a failover). @returns headers that let its trace hang under ours */
  sent(what: Sent): Readonly<Record<string, string>>
  end(what: CallEnd): void
}

export type Tracing = {
  /** @param headers of the caller's request: their traceparent, if any, is the parent (W3C Trace Context) */
  begin(headers: IncomingHttpHeaders, at: number): CallTrace
  /** Sends what is left. */
  close(): Promise<void>
}

/** Tracing to where the operator collects it; null when they do not. */
export async function makeTracing(config: Pick<Config, 'OTEL_EXPORTER_OTLP_ENDPOINT'>): Promise<Tracing | null> {
  const endpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT
  if (endpoint === undefined) return null
  const { otlpTracing } = await import('./tracing-otlp.ts')
  return otlpTracing(`${endpoint}/v1/traces`)
}
