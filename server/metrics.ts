// Figures for Prometheus.
// owns: their names, labels and buckets. never: a label that names a person, an app or a prompt.
// always true: counting costs no I/O; GET /metrics is their only way out.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

const SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]

export type Metrics = ReturnType<typeof makeMetrics>

/** A fresh set of figures; one per server. */
export function makeMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  return {
    registry,
    /** Ended calls; `outcome`: charged, free, refused. */
    calls: new Counter({
      name: 'quota_calls_total',
      help: 'Metered calls that have ended',
      labelNames: ['mode', 'outcome'],
      registers,
    }),
    credits: new Counter({
      name: 'quota_credits_total',
      help: 'Micro-dollars charged',
      labelNames: ['kind'],
      registers,
    }),
    rateLimited: new Counter({
      name: 'quota_rate_limited_total',
      help: 'Requests refused by a rate limit of ours',
      labelNames: ['kind'],
      registers,
    }),
    estimated: new Counter({ name: 'quota_estimated_total', help: 'Charges by our own count', registers }),
    running: new Gauge({ name: 'quota_running_calls', help: 'Calls this process is in the middle of', registers }),
    hold: new Histogram({
      name: 'quota_hold_seconds',
      help: 'Time until a hold is durable',
      buckets: SECONDS,
      registers,
    }),
    settle: new Histogram({
      name: 'quota_settle_seconds',
      help: 'Time until a charge is durable',
      buckets: SECONDS,
      registers,
    }),
  }
}
