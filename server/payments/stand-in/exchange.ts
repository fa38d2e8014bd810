// One request and its answer.
// owns: the order of things: fault, key, route, parameters, idempotency, execution, expansion. never: a socket.
// always true: effect and remembered answer are one commit; a refusal before execution leaves no trace.

import { actingAs } from './accounts.ts'
import { failureOf } from './answers.ts'
import { type ErrorBody, refusal, refusalOf } from './errors.ts'
import { expanded } from './expand.ts'
import type { FaultPlan, RequestFault } from './faults.ts'
import { type Form, readForm } from './form.ts'
import { inUse, type Keyed, keyed, remember, remembered } from './idempotency.ts'
import { readParams } from './params.ts'
import { type Route, routeOf } from './routes.ts'
import { shown } from './shown.ts'
import { API_VERSION } from './version.ts'
import type { Work } from './work.ts'

export type Asking = {
  method: string
  /** With the query. */
  url: string
  /** Names in lower case. */
  headers: Record<string, string | undefined>
  body: string
}
export type Answered = { status: number; headers: Record<string, string>; body: string }
/** What comes back, or what happens to the connection instead. */
export type Ending = Answered | 'reset' | 'hang'

/** What passed between the two, for whoever checks it. */
export type Exchange = {
  method: string
  path: string
  /** The table's path of the route, with `{}` for ids; null where there is none. */
  route: string | null
  params: Form
  status: number
  body: unknown
  replayed: boolean
}

export type ExchangeDeps = {
  plan: FaultPlan
  /** Only this key opens the API; any test key when it is not set. */
  secretKey: string | undefined
  /** Keys whose requests are being executed. */
  running: Set<string>
  newId: (prefix: string) => string
  /** Runs in one unit of work, all or nothing. */
  work: <T>(owner: string, asked: Work['asked'], act: (work: Work) => Promise<T>) => Promise<T>
  onExchange: ((exchange: Exchange) => void) | undefined
}

type Reached = { asking: Asking; path: string; query: string; requestId: string; fault: RequestFault | undefined }
/** `requestId`: of the request that was executed, which a replay is not. */
type Outcome = { status: number; body: string; requestId: string; replayed: boolean; form: Form; route: Route | null }

/** Answers a request as Stripe would, or breaks as the plan says. */
export async function exchange(deps: ExchangeDeps, asking: Asking): Promise<Ending> {
  const [path = '', query = ''] = asking.url.split('?', 2)
  const fault = deps.plan.forRequest(asking.method, path)
  const reached: Reached = { asking, path, query, requestId: deps.newId('req'), fault }
  if (
    fault &&
    (fault.at === 'edge' || (fault.at === 'before' && typeof fault.ends !== 'number' && fault.ends !== undefined))
  ) {
    await fault.wait?.()
    if (fault.ends !== undefined) return broken(deps, reached, fault.ends)
  }
  const outcome = await answered(deps, reached)
  deps.onExchange?.({
    method: asking.method,
    path,
    route: outcome.route?.path ?? null,
    params: outcome.form,
    status: outcome.status,
    body: JSON.parse(outcome.body),
    replayed: outcome.replayed,
  })
  if (fault?.at === 'after') {
    await fault.wait?.()
    if (fault.ends === 'reset' || fault.ends === 'hang') return fault.ends
  }
  return withHeaders(reached, outcome)
}

async function answered(deps: ExchangeDeps, reached: Reached): Promise<Outcome> {
  const { asking, path, query, requestId } = reached
  const nothing = { requestId, replayed: false, form: Object.create(null) as Form, route: null }
  try {
    authorize(asking, deps.secretKey)
    const found = routeOf(asking.method, path)
    if (!found) {
      const message = `Unrecognized request URL (${asking.method}: ${path}). If you are trying to list objects, remove the trailing slash. If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code. Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`
      throw refusal(404, { message }, false)
    }
    const form = readForm(asking.method === 'POST' ? asking.body : query)
    return await onRoute(deps, reached, form, found).catch((thrown) => {
      return { ...nothing, form, route: found.route, ...refusedBody(thrown) }
    })
  } catch (thrown) {
    return { ...nothing, ...refusedBody(thrown) }
  }
}

async function onRoute(
  deps: ExchangeDeps,
  reached: Reached,
  form: Form,
  found: { route: Route; ids: string[] },
): Promise<Outcome> {
  const { asking, path, requestId, fault } = reached
  const given = readParams(found.route.params, form)
  const owner = asking.headers['stripe-account'] ?? ''
  const key = keyed(asking.method, path, asking.headers['idempotency-key'], asking.body)
  const asked = { id: asking.method === 'GET' ? null : requestId, idempotency_key: key?.key ?? null }
  const running = key === null ? null : `${owner}/${key.key}`
  if (running !== null && deps.running.has(running)) throw inUse(key?.key ?? '')
  if (running !== null) deps.running.add(running)
  try {
    if (fault?.at === 'before') await fault.wait?.()
    const done = await deps.work(owner, asked, (work) => execute(work, reached, given, found, key))
    return { ...done, form, route: found.route }
  } finally {
    if (running !== null) deps.running.delete(running)
  }
}

async function execute(
  work: Work,
  { requestId, fault }: Reached,
  given: { expand?: string[] | undefined },
  { route, ids }: { route: Route; ids: string[] },
  key: Keyed | null,
): Promise<Omit<Outcome, 'form' | 'route'>> {
  await actingAs(work)
  const kept = key === null ? undefined : await remembered(work, key)
  if (kept) return { status: kept.status, body: kept.body, requestId: kept.requestId, replayed: true }
  const status = typeof fault?.ends === 'number' ? fault.ends : null
  if (fault?.at === 'before' && status !== null) {
    const broke = { status, body: errorText(outage(status)), requestId }
    if (key !== null) remember(work, key, broke)
    return { ...broke, replayed: false }
  }
  const executed = await run(work, route, given, ids)
  const final = fault?.at === 'after' && status !== null ? { status, body: errorText(outage(status)) } : executed
  if (key !== null) remember(work, key, { ...final, requestId })
  return { ...final, requestId, replayed: false }
}

/** Runs the route. What it refuses is an answer like any other, but leaves nothing behind except that answer. */
async function run(work: Work, route: Route, given: { expand?: string[] | undefined }, ids: string[]) {
  const undo = work.mark()
  try {
    const answer = await route.run(work, given as never, ids)
    const failure = failureOf(answer)
    if (failure) return { status: failure.status, body: errorText(failure.error) }
    const object = await expanded(work, answer, given.expand ?? [])
    return { status: 200, body: JSON.stringify(shown(work, object)) }
  } catch (thrown) {
    const refused = refusalOf(thrown)
    if (!refused?.kept) throw thrown
    undo()
    return { status: refused.status, body: errorText(refused.error) }
  }
}

// --- below: how -----------------------------------------------------------------------------------------------------

/** @throws refusal 401 without a test key, 400 of a version that is not spoken here */
function authorize({ headers }: Asking, secretKey: string | undefined): void {
  const given = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1]
  if (given === undefined)
    throw refusal(
      401,
      {
        message:
          "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
      },
      false,
    )
  const fits = secretKey === undefined ? /^[sr]k_test_\w+$/.test(given) : given === secretKey
  if (!fits) throw refusal(401, { message: `Invalid API Key provided: ${given.slice(0, 8)}***` }, false)
  const version = headers['stripe-version']
  if (version !== undefined && version !== API_VERSION)
    throw refusal(
      400,
      { message: `Invalid Stripe API version: ${version}. This stand-in speaks ${API_VERSION}.` },
      false,
    )
}

function refusedBody(thrown: unknown): { status: number; body: string } {
  const refused = refusalOf(thrown)
  if (!refused) throw thrown
  return { status: refused.status, body: errorText(refused.error) }
}

function errorText(error: ErrorBody): string {
  return JSON.stringify({ error })
}

function broken(deps: ExchangeDeps, reached: Reached, ends: number | 'reset' | 'hang'): Ending {
  if (typeof ends !== 'number') return ends
  const { asking, path, requestId } = reached
  const outcome = { status: ends, body: errorText(outage(ends)), requestId, replayed: false }
  deps.onExchange?.({
    method: asking.method,
    path,
    route: null,
    params: {},
    status: ends,
    body: JSON.parse(outcome.body),
    replayed: false,
  })
  return withHeaders(reached, outcome)
}

function outage(status: number): ErrorBody {
  if (status === 429)
    return {
      type: 'invalid_request_error',
      code: 'rate_limit',
      message: 'Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.',
    }
  return { type: 'api_error', message: 'An unknown error occurred' }
}

function withHeaders(
  { asking, requestId }: Reached,
  outcome: Pick<Outcome, 'status' | 'body' | 'requestId' | 'replayed'>,
): Answered {
  const { headers } = asking
  const account = headers['stripe-account']
  const key = headers['idempotency-key']
  return {
    status: outcome.status,
    headers: {
      'content-type': 'application/json',
      'request-id': requestId,
      'stripe-version': API_VERSION,
      ...(account === undefined ? {} : { 'stripe-account': account }),
      ...(key === undefined ? {} : { 'idempotency-key': key, 'original-request': outcome.requestId }),
      ...(outcome.replayed ? { 'idempotent-replayed': 'true' } : {}),
      ...(outcome.status === 429 ? { 'stripe-rate-limited-reason': 'global-rate' } : {}),
    },
    body: outcome.body,
  }
}
