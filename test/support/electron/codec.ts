// The wire between main process and isolated world: what structured cloning keeps, as text.
// owns: one encoding. never: functions, symbols, promises (refused in Electron's own words).
// always true: this one function runs on both sides; the page's copy is made from its source, so it uses nothing outside itself.

export type Codec = { encode: (value: unknown) => string; decode: (text: string) => unknown }

type Leaf = [kind: 'value' | 'undefined' | 'number' | 'bigint' | 'ref', value?: unknown]
type Node = [kind: string, ...parts: unknown[]]

/** Makes the codec. Objects become numbered nodes, so cycles and shared references survive. */
export function makeCodec(): Codec {
  const hasBuffer = typeof Buffer === 'function'
  const errors: Record<string, ErrorConstructor> = {
    Error,
    TypeError,
    RangeError,
    SyntaxError,
    ReferenceError,
    EvalError,
    URIError,
  }
  const toBase64 = (bytes: Uint8Array): string =>
    hasBuffer
      ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
      : (bytes as Uint8Array & { toBase64: () => string }).toBase64()
  const fromBase64 = (text: string): Uint8Array =>
    hasBuffer
      ? new Uint8Array(Buffer.from(text, 'base64'))
      : (Uint8Array as unknown as { fromBase64: (text: string) => Uint8Array }).fromBase64(text)
  const unclonable = (): never => {
    throw new Error('An object could not be cloned.')
  }

  function encode(root: unknown): string {
    const numbers = new Map<object, number>()
    const nodes: (Node | null)[] = []
    const leaf = (value: unknown): Leaf => {
      if (value === undefined) return ['undefined']
      if (value === null || typeof value === 'boolean' || typeof value === 'string') return ['value', value]
      if (typeof value === 'number')
        return Number.isFinite(value) && !Object.is(value, -0)
          ? ['value', value]
          : ['number', Object.is(value, -0) ? '-0' : String(value)]
      if (typeof value === 'bigint') return ['bigint', String(value)]
      if (typeof value === 'function' || typeof value === 'symbol') return unclonable()
      const object = value as object
      const known = numbers.get(object)
      if (known !== undefined) return ['ref', known]
      const number = nodes.push(null) - 1
      numbers.set(object, number)
      nodes[number] = node(object)
      return ['ref', number]
    }
    const node = (value: object): Node => {
      const tag = Object.prototype.toString.call(value).slice(8, -1)
      if (Array.isArray(value)) return ['Array', value.map(leaf)]
      if (value instanceof Error)
        return ['Error', value.name in errors ? value.name : 'Error', value.message, String(value.stack)]
      if (ArrayBuffer.isView(value)) {
        const kind = hasBuffer && Buffer.isBuffer(value) ? 'Uint8Array' : tag
        return ['View', kind, toBase64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))]
      }
      if (tag === 'Date') return ['Date', (value as Date).getTime()]
      if (tag === 'RegExp') return ['RegExp', (value as RegExp).source, (value as RegExp).flags]
      if (tag === 'Map')
        return ['Map', [...(value as Map<unknown, unknown>)].map(([key, item]) => [leaf(key), leaf(item)])]
      if (tag === 'Set') return ['Set', [...(value as Set<unknown>)].map(leaf)]
      if (tag === 'ArrayBuffer') return ['ArrayBuffer', toBase64(new Uint8Array(value as ArrayBuffer))]
      if (/^(Promise|Weak)/.test(tag)) return unclonable()
      return ['Object', Object.keys(value).map((key) => [key, leaf((value as Record<string, unknown>)[key])])]
    }
    const start = leaf(root)
    return JSON.stringify([start, nodes])
  }

  function decode(text: string): unknown {
    const [start, nodes] = JSON.parse(text) as [Leaf, Node[]]
    const made: unknown[] = []
    const value = ([kind, content]: Leaf): unknown => {
      if (kind === 'value') return content
      if (kind === 'number') return Number(content)
      if (kind === 'bigint') return BigInt(content as string)
      return kind === 'ref' ? object(content as number) : undefined
    }
    const object = (number: number): unknown => {
      if (number in made) return made[number]
      const [kind, a, b, c] = nodes[number] as [string, never, never, never]
      const keep = <T>(thing: T): T => {
        made[number] = thing
        return thing
      }
      if (kind === 'Array') {
        const array = keep([] as unknown[])
        for (const item of a as Leaf[]) array.push(value(item))
        return array
      }
      if (kind === 'Map') {
        const map = keep(new Map())
        for (const [key, item] of a as [Leaf, Leaf][]) map.set(value(key), value(item))
        return map
      }
      if (kind === 'Set') {
        const set = keep(new Set())
        for (const item of a as Leaf[]) set.add(value(item))
        return set
      }
      if (kind === 'Date') return keep(new Date(a))
      if (kind === 'RegExp') return keep(new RegExp(a, b))
      if (kind === 'ArrayBuffer') return keep(fromBase64(a).buffer)
      if (kind === 'View') {
        const View = (globalThis as unknown as Record<string, new (buffer: ArrayBufferLike) => unknown>)[a]!
        return keep(a === 'Uint8Array' ? fromBase64(b) : new View(fromBase64(b).buffer))
      }
      if (kind === 'Error') return keep(Object.assign(new errors[a]!(b), { stack: c as string }))
      const record = keep({} as Record<string, unknown>)
      for (const [key, item] of a as [string, Leaf][]) record[key] = value(item)
      return record
    }
    return value(start)
  }
  return { encode, decode }
}
