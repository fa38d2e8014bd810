// Faults on demand: what a test lets go wrong on the way.
// owns: the plan, and which request or event a fault meets. never: a fault that nobody asked for.
// always true: without a plan nothing is lost, late, doubled or refused.

/** What happens to a request. */
export type RequestFault = {
  /** All that are given have to fit; a path as text has to be the whole path. */
  method?: string
  path?: string | RegExp
  /** So many that fit pass unharmed first. */
  skip?: number
  /** How many it meets; one unless said. */
  times?: number
  /**
   * `edge`: before the API looks at the request; no idempotency key remembers it.
   * `before`: the API has begun and breaks without an effect; an answer is remembered under the key, 500s too.
   * `after`: the effect is there. A cut or hanging connection hides the true answer, which the key remembers; a status is
   * what the key remembers in its stead.
   */
  at: 'edge' | 'before' | 'after'
  /** Waits for this first (a test's gate): a slow answer. */
  wait?: () => Promise<unknown>
  /** How it ends; without it the answer is just late. 429 is a rate limit, `reset` cuts the connection, `hang` never answers. */
  ends?: number | 'reset' | 'hang'
}

/** What happens to a webhook on its way; the rule that fits first. `*` at the end of a type stands for the rest. */
export type WebhookFault = {
  type: string
  skip?: number
  times?: number
  /** `lose`: never sent, as after three days of failures. `hold`: kept back until released. A number: late by so many ms. */
  does: 'lose' | 'hold' | 'duplicate' | { lateMs: number }
}

type Planned<T> = T & { skip: number; times: number }
export type FaultPlan = {
  requests: (faults: readonly RequestFault[]) => void
  webhooks: (faults: readonly WebhookFault[]) => void
  /** Takes all faults away. */
  clear: () => void
  /** How many planned faults have not been met: a test that expects them all says so. */
  left: () => number
  forRequest: (method: string, path: string) => RequestFault | undefined
  forWebhook: (type: string) => WebhookFault['does'] | undefined
}

export function faultPlan(): FaultPlan {
  const requests: Planned<RequestFault>[] = []
  const webhooks: Planned<WebhookFault>[] = []
  return {
    requests: (faults) => void requests.push(...faults.map((one) => ({ skip: 0, times: 1, ...one }))),
    webhooks: (faults) =>
      void webhooks.push(...faults.map((one) => ({ skip: 0, times: Number.POSITIVE_INFINITY, ...one }))),
    clear: () => {
      requests.length = 0
      webhooks.length = 0
    },
    left: () =>
      [...requests, ...webhooks].filter(({ times }) => times > 0 && times !== Number.POSITIVE_INFINITY).length,
    forRequest: (method, path) => take(requests, (one) => fitsRequest(one, method, path)),
    forWebhook: (type) => take(webhooks, (one) => fitsType(one.type, type))?.does,
  }
}

/** Whether a pattern of event types ("charge.*", "*") fits. */
export function fitsType(pattern: string, type: string): boolean {
  return pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type
}

function fitsRequest({ method, path }: RequestFault, givenMethod: string, givenPath: string): boolean {
  if (method !== undefined && method !== givenMethod) return false
  return path === undefined || (typeof path === 'string' ? path === givenPath : path.test(givenPath))
}

function take<T>(plan: Planned<T>[], fits: (one: T) => boolean): T | undefined {
  for (const one of plan) {
    if (one.times <= 0 || !fits(one)) continue
    if (one.skip > 0) {
      one.skip--
      continue
    }
    one.times--
    return one
  }
  return undefined
}
