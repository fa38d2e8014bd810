// A strict reader of the journal that the books are exported as.
// owns: the few rules of plain-text accounting that our journal keeps (https://hledger.org/hledger.html#journal).
// never: a rule that hledger does not have. always true: a line it does not know is an error; so is a transaction that
// does not sum to zero. Where hledger is installed, a test compares the two.

const HEAD = /^(\d{4})-(\d{2})-(\d{2}) \* \((\d+)\) (\S[^;]*)$/
/** Two spaces end an account's name, so it has none; its parts are not empty. */
const POSTING = /^ {4}([a-z]+(?::[A-Za-z0-9_-]+)*) {2}USD (-?\d+\.\d{6})$/

export type Journal = { transactions: number; balances: Map<string, bigint> }

type Open = { line: number; sum: bigint; postings: number }

/** Reads a journal of ours. @throws Error that names the line */
export function readJournal(text: string): Journal {
  if (!text.endsWith('\n')) throw new Error('the last line is cut')
  const [commodity, none, ...lines] = text.slice(0, -1).split('\n')
  if (commodity !== 'commodity USD 1000.000000' || none !== '') throw new Error('it does not begin with its commodity')
  const balances = new Map<string, bigint>()
  let transactions = 0
  let before = 0
  let open: Open | null = null
  for (const [i, line] of lines.entries()) {
    const wrong = (why: string) => new Error(`line ${i + 3}: ${why}: ${line}`)
    if (line === '') {
      if (!open || open.postings < 2) throw wrong('a transaction has two postings or more')
      if (open.sum !== 0n) throw new Error(`the transaction at line ${open.line} sums to ${open.sum}`)
      open = null
    } else if (open) {
      const [, account, amount] = POSTING.exec(line) ?? []
      if (account === undefined || amount === undefined) throw wrong('no posting')
      const micros = BigInt(amount.replace('.', ''))
      if (micros === 0n) throw wrong('a posting of nothing')
      balances.set(account, (balances.get(account) ?? 0n) + micros)
      open.sum += micros
      open.postings++
    } else {
      const [, year, month, day, seq] = HEAD.exec(line) ?? []
      const date = `${year}-${month}-${day}`
      if (seq === undefined || Number.isNaN(Date.parse(date)) || new Date(date).toISOString().slice(0, 10) !== date)
        throw wrong('no transaction')
      if (Number(seq) <= before) throw wrong('out of order')
      before = Number(seq)
      transactions++
      open = { line: i + 3, sum: 0n, postings: 0 }
    }
  }
  if (open) throw new Error('the last transaction has no end')
  return { transactions, balances }
}
