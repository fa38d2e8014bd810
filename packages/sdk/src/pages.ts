// Lists that come in pages.
// owns: following `next_cursor`. never: a copy of the list. always true: it ends when the server says so.

/**
 * Goes through all pages of a list.
 * @param list one of the client's lists, e.g. `q.users.list`
 * @example for await (const { users } of everyPage(q.users.list)) …
 */
export async function* everyPage<I extends { cursor?: string }, P extends { next_cursor: string | null }>(
  list: (input: I) => Promise<P>,
  input?: Omit<I, 'cursor'>,
): AsyncGenerator<P> {
  let cursor: string | null = null
  do {
    const page: P = await list({ ...input, ...(cursor === null ? {} : { cursor }) } as I)
    yield page
    cursor = page.next_cursor
  } while (cursor !== null)
}
