// What a route is, to the client.
// owns: the form of a row in the tables of routes. never: a row. always true: a row is plain data; its types cost nothing.

export type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
/** `dollars`: the input's `credits` go out as an amount of dollars. `raw`: the answer is not JSON, and is handed over as it is. */
type Kind = 'json' | 'dollars' | 'raw' | 'form'
export type AnyRoute = { method: Method; path: string; kind: Kind }
/** `types` is for the compiler alone. */
export type Route<I, O> = AnyRoute & { readonly types?: [I, O] }

export const route = <I, O>(method: Method, path: string): Route<I, O> => ({ method, path, kind: 'json' })
export const raw = <I>(method: Method, path: string): Route<I, Response> => ({ method, path, kind: 'raw' })
export const form = <I, O>(path: string): Route<I, O> => ({ method: 'POST', path, kind: 'form' })
export const funds = <I, O>(path: string): Route<I, O> => ({ method: 'POST', path, kind: 'dollars' })

export type Page = { limit?: number; cursor?: string } | undefined
