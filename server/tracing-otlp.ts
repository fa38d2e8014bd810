// Tracing by OpenTelemetry: spans in batches to a collector, by OTLP over HTTP.
// owns: everything of OpenTelemetry. never: loaded unless tracing is wanted; a fact about a call that tracing.ts does not name.
// always true: a collector that is away costs spans, never a call; a caller's trace that is not sampled is not sampled
// here either. The exporter reads OTEL_EXPORTER_OTLP_HEADERS and its like by itself.

import type { IncomingHttpHeaders } from 'node:http'
import {
  type Context,
  createTraceState,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { AlwaysOnSampler, BatchSpanProcessor, ParentBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace'
import type { CallEnd, CallTrace, Sent, Tracing } from './tracing.ts'

// W3C Trace Context, section 3.2; later versions may append fields.
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/

/** @param url where spans are sent, e.g. http://127.0.0.1:4318/v1/traces */
export function otlpTracing(url: string): Tracing {
  const provider = new TracerProvider({
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    resource: resourceFromAttributes({ 'service.name': 'quota-wallet' }),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url }), scheduledDelayMillis: 1000 })],
  })
  const tracer = provider.getTracer('quota-wallet')
  return {
    begin: (headers, at) => callTrace(tracer, parentOf(headers), at),
    close: () => provider.shutdown(),
  }
}

function callTrace(tracer: Tracer, parent: Context, at: number): CallTrace {
  const whole = tracer.startSpan('call', { kind: SpanKind.SERVER, startTime: at }, parent)
  const inside = trace.setSpan(parent, whole)
  let sending: Span | null = null
  return {
    sent({ at: startTime, attributes, name }: Sent) {
      sending?.end(startTime)
      sending = tracer.startSpan(name, { kind: SpanKind.CLIENT, startTime, attributes }, inside)
      return { traceparent: traceparentOf(sending) }
    },
    end({ at: endTime, name, attributes, answered, steps, errorType }: CallEnd) {
      if (sending) {
        if (answered) sending.setAttributes(answered.attributes)
        fail(sending, answered?.errorType ?? null)
        sending.end(answered?.at ?? endTime)
      }
      for (const { name: step, from, to } of steps) tracer.startSpan(step, { startTime: from }, inside).end(to)
      whole.updateName(name).setAttributes(attributes)
      fail(whole, errorType)
      whole.end(endTime)
    },
  }
}

function fail(span: Span, errorType: string | null): void {
  if (errorType === null) return
  span.setAttribute('error.type', errorType).setStatus({ code: SpanStatusCode.ERROR })
}

function parentOf({ traceparent, tracestate }: IncomingHttpHeaders): Context {
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(String(traceparent ?? '')) ?? []
  const traceState = typeof tracestate === 'string' ? createTraceState(tracestate) : undefined
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
  if (!isSpanContextValid(context)) return ROOT_CONTEXT
  return trace.setSpanContext(ROOT_CONTEXT, traceState ? { ...context, traceState } : context)
}

function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}
