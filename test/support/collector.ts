// A collector of traces, as far as a test looks at them: OTLP over HTTP, in JSON.
// owns: what was sent to it. never: an opinion. always true: it accepts everything.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

type Value = { stringValue?: string; intValue?: number | string; doubleValue?: number; boolValue?: boolean }
export type CollectedSpan = {
  name: string
  kind: number
  traceId: string
  spanId: string
  parentSpanId?: string
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: Record<string, string | number | boolean | undefined>
  failed: boolean
}
export type Collector = {
  /** As OTEL_EXPORTER_OTLP_ENDPOINT. */
  url: string
  /** Every body that came, as it came. */
  raw: () => string
  spans: () => CollectedSpan[]
  /** Waits for spans that a condition finds enough. */
  until: (enough: (spans: CollectedSpan[]) => boolean, withinMs?: number) => Promise<CollectedSpan[]>
  stop: () => Promise<void>
}

export async function startCollector(): Promise<Collector> {
  const bodies: string[] = []
  const server = createServer(async (request, response) => {
    bodies.push(Buffer.concat(await request.toArray()).toString('utf8'))
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  const spans = () => bodies.flatMap(spansOf)
  return {
    url: `http://127.0.0.1:${address.port}`,
    raw: () => bodies.join('\n'),
    spans,
    async until(enough, withinMs = 60_000) {
      const until = Date.now() + withinMs
      while (!enough(spans()) && Date.now() < until) await sleep(50)
      return spans()
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

type Sent = Omit<CollectedSpan, 'attributes' | 'failed'> & {
  attributes?: { key: string; value: Value }[]
  status?: { code?: number }
}

function spansOf(body: string): CollectedSpan[] {
  const { resourceSpans = [] } = JSON.parse(body) as { resourceSpans?: { scopeSpans: { spans: Sent[] }[] }[] }
  return resourceSpans
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans)
    .map((span) => ({
      ...span,
      attributes: Object.fromEntries((span.attributes ?? []).map(({ key, value }) => [key, plain(value)])),
      failed: span.status?.code === 2,
    }))
}

function plain({ stringValue, intValue, doubleValue, boolValue }: Value) {
  return stringValue ?? (intValue === undefined ? (doubleValue ?? boolValue) : Number(intValue))
}
