// Figures for Prometheus.
// owns: their names, labels and buckets. never: a label that names a person, an app or a prompt.
// always true: counting costs no I/O; GET /metrics is their only way out.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

const SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]

const UPSTREAM_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

export type Metrics = ReturnType<typeof makeMetrics>

/** A fresh set of figures; one per server. */
export function makeMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  return {
    registry,
    ...callFigures(registers),
    ...timeFigures(registers),
    ...moneyFigures(registers),
    ...paymentFigures(registers),
    ...upstreamFigures(registers),
  }
}

/** What was asked, and what became of it. */
function callFigures(registers: Registry[]) {
  return {
    /** Ended calls; `outcome`: charged, free, replayed. */
    calls: new Counter({
      name: 'quota_calls_total',
      help: 'Metered calls that have ended',
      labelNames: ['mode', 'outcome'],
      registers,
    }),
    refusals: new Counter({
      name: 'quota_refusals_total',
      help: 'Metered calls refused before an upstream was asked, by code',
      labelNames: ['code'],
      registers,
    }),
    rateLimited: new Counter({
      name: 'quota_rate_limited_total',
      help: 'Requests refused by a rate limit of ours',
      labelNames: ['kind'],
      registers,
    }),
    running: new Gauge({ name: 'quota_running_calls', help: 'Calls this process is in the middle of', registers }),
    settling: new Gauge({
      name: 'quota_settling_calls',
      help: 'Calls whose answer is over and whose charge is not yet durable',
      registers,
    }),
    /** Both are looked up when somebody asks; every process of a database says the same. */
    openHolds: new Gauge({ name: 'quota_open_holds', help: 'Reservations that have not ended', registers }),
    oldestHold: new Gauge({
      name: 'quota_oldest_hold_seconds',
      help: 'Age of the oldest reservation that has not ended; 0 without one',
      registers,
    }),
    pokes: new Counter({ name: 'quota_pokes_total', help: 'Nudges that a feed has changed', registers }),
  }
}

/** Money in and out. */
function paymentFigures(registers: Registry[]) {
  return {
    /** Payments, events and signatures that are not what was expected; `why` is one of a closed list. */
    paymentAlarms: new Counter({
      name: 'quota_payment_alarms_total',
      help: 'Payments that somebody should look at',
      labelNames: ['why'],
      registers,
    }),
    /** Differences between the books and the payment provider, as the last reconciliation found them. */
    bookDifferences: new Gauge({
      name: 'quota_book_differences',
      help: 'Differences between the books and the payment provider',
      registers,
    }),
    outboxWaiting: new Gauge({ name: 'quota_outbox_waiting', help: 'Promised effects not yet carried out', registers }),
  }
}

/** How long our own work takes. */
function timeFigures(registers: Registry[]) {
  return {
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
    batch: new Histogram({
      name: 'quota_writer_batch_size',
      help: 'Commits grouped into one by the SQLite writer',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
      registers,
    }),
    added: new Histogram({
      name: 'quota_added_seconds',
      help: 'Our own time in a call: until it was sent to the upstream, and after the upstream’s last byte',
      labelNames: ['stream'],
      buckets: SECONDS,
      registers,
    }),
  }
}

/** What was earned, and what may have been lost. */
function moneyFigures(registers: Registry[]) {
  return {
    credits: new Counter({
      name: 'quota_credits_total',
      help: 'Micro-dollars charged',
      labelNames: ['kind'],
      registers,
    }),
    estimated: new Counter({ name: 'quota_estimated_total', help: 'Charges by our own count', registers }),
    estimatedCredits: new Counter({
      name: 'quota_estimated_credits_total',
      help: 'Micro-dollars charged by our own count; a part of quota_credits_total',
      registers,
    }),
    /** `why`: usage_not_believed, ended_early, unreadable, store_away, orphaned. */
    losses: new Counter({
      name: 'quota_losses_total',
      help: 'Calls that an upstream may bill higher than they were charged, by reason',
      labelNames: ['why'],
      registers,
    }),
  }
}

/** How the providers do. */
function upstreamFigures(registers: Registry[]) {
  return {
    upstreamAnswers: new Counter({
      name: 'quota_upstream_answers_total',
      help: 'How upstreams did',
      labelNames: ['upstream', 'result'],
      registers,
    }),
    /** Every attempt, also of calls that another upstream answered. `result`: success, failure, neutral (we ended it). */
    upstreamAttempts: new Counter({
      name: 'quota_upstream_attempts_total',
      help: 'Requests to upstreams, by what they say of its health',
      labelNames: ['upstream', 'result'],
      registers,
    }),
    upstreamOpen: new Gauge({
      name: 'quota_upstream_open',
      help: '1 while an upstream is left alone because it failed, or is being tried again',
      labelNames: ['upstream'],
      registers,
    }),
    pricesWaiting: new Gauge({
      name: 'quota_prices_waiting',
      help: 'Models kept out until the operator accepts their price',
      registers,
    }),
    upstreamTime: new Histogram({
      name: 'quota_upstream_seconds',
      help: 'Time until an upstream’s answer began (a stream) or was whole',
      labelNames: ['upstream'],
      buckets: UPSTREAM_SECONDS,
      registers,
    }),
  }
}
