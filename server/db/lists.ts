// Lists as parameters of a statement.
// owns: their lengths, and the marks they stand at. never: any other SQL.
// always true: few different lengths occur, so few texts of a statement are prepared and kept; what fills a list up equals
// no id.

const SIZES = [1, 10, 100, 500] as const
const MOST = 500

/** A list cut into lists of a few fixed lengths, the last one filled up with ''. */
export function padded(ids: readonly string[]): string[][] {
  const lists: string[][] = []
  for (let from = 0; from < ids.length; from += MOST) {
    const some = ids.slice(from, from + MOST)
    const size = SIZES.find((length) => some.length <= length) ?? MOST
    lists.push([...some, ...Array<string>(size - some.length).fill('')])
  }
  return lists
}

/** "?, ?, ?": a mark for each of a list, inside IN ( ) or VALUES ( ). */
export function marks(list: readonly unknown[]): string {
  return list.map(() => '?').join(', ')
}
