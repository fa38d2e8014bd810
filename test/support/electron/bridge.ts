// The passage between a page and its preload: contextBridge.
// owns: how values cross, which is as Electron does it - copied, functions and promises as proxies, errors by message.
// never: a shared object. always true: this function runs in both worlds from its source, so it uses nothing outside
// itself; the two share only DOM events, whose detail Chromium clones from one world into the other.

export type Bridge = {
  post: (detail: unknown) => void
  pack: (value: unknown) => unknown
  /** Called in the page's world when the preload exposes something. */
  onExpose: (take: (key: string, api: unknown) => void) => void
}

/** @param secret names this window's events @param me 'page' or 'preload' @param other the opposite one */
export function makeBridge(secret: string, me: string, other: string): Bridge {
  type Packed = Record<string, never> & { $function?: number; $promise?: number; $error?: string }
  type Message = {
    answer?: { value?: unknown; error?: string }
    settle?: number
    ok?: unknown
    error?: string
    call?: number
    args?: unknown
    expose?: string
    api?: unknown
  }
  const functions = new Map<number, (...args: unknown[]) => unknown>()
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  let last = 0
  let answer: Message['answer']
  let expose: (key: string, api: unknown) => void = () => {}
  const isPlain = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && Object.prototype.toString.call(value) === '[object Object]'
  const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
  const mapped = (value: Record<string, unknown>, each: (item: unknown) => unknown) =>
    Object.fromEntries(Object.keys(value).map((key) => [key, each(value[key])]))
  const post = (detail: unknown) => void window.dispatchEvent(new CustomEvent(`${secret}-${other}`, { detail }))

  const pack = (value: unknown): unknown => {
    if (typeof value === 'function') {
      functions.set(++last, value as (...args: unknown[]) => unknown)
      return { $function: last }
    }
    if (value instanceof Promise) {
      const id = ++last
      value.then(
        (ok) => post({ settle: id, ok: pack(ok) }),
        (error) => post({ settle: id, error: messageOf(error) }),
      )
      return { $promise: id }
    }
    if (value instanceof Error) return { $error: value.message }
    if (typeof value === 'symbol') throw new Error('An object could not be cloned.')
    if (Array.isArray(value)) return value.map(pack)
    return isPlain(value) ? mapped(value, pack) : value
  }
  const unpack = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(unpack)
    if (!isPlain(value)) return value
    const { $function, $promise, $error } = value as Packed
    if ($function !== undefined) return (...args: unknown[]) => call($function, args)
    if ($promise !== undefined) return new Promise((resolve, reject) => waiting.set($promise, { resolve, reject }))
    return $error === undefined ? mapped(value, unpack) : new Error($error)
  }
  // Events are delivered synchronously, so a call has its answer when post() returns.
  const call = (id: number, args: unknown[]): unknown => {
    answer = undefined
    post({ call: id, args: pack(args) })
    const got = answer as Message['answer']
    if (!got) throw new Error('the other world is gone')
    if (got.error !== undefined) throw new Error(got.error)
    return unpack(got.value)
  }
  const run = (id: number, args: unknown): Message['answer'] => {
    try {
      return { value: pack(functions.get(id)!(...(unpack(args) as unknown[]))) }
    } catch (error) {
      return { error: messageOf(error) }
    }
  }
  const receive = (event: Event) => {
    const message = (event as CustomEvent<Message>).detail
    event.stopImmediatePropagation()
    if (message.answer) answer = message.answer
    else if (message.call !== undefined) post({ answer: run(message.call, message.args) })
    else if (message.expose !== undefined) expose(message.expose, unpack(message.api))
    else if (message.settle !== undefined) {
      const wait = waiting.get(message.settle)
      waiting.delete(message.settle)
      if (message.error === undefined) wait?.resolve(unpack(message.ok))
      else wait?.reject(new Error(message.error))
    }
  }
  window.addEventListener(`${secret}-${me}`, receive, true)
  return {
    post,
    pack,
    onExpose(take) {
      expose = take
    },
  }
}
