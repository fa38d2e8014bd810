// Prepared statements, and rows as Postgres gives them.
// owns: the statements of a connection, the shape of a row. never: what a statement says.
// always true: a statement is compiled once per connection; a row is a plain object (node:sqlite's have no prototype, and
// cost twice what its arrays and this do).

import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite'
import type { Value } from './db.ts'

export type Statement = {
  /** The first row, or undefined. */
  get(params: readonly Value[]): object | undefined
  all(params: readonly Value[]): object[]
  /** Answers how many rows it changed. */
  run(params: readonly Value[]): number
}

/** The statements of a connection, compiled when first asked for. */
export function statementsOf(database: DatabaseSync): (sql: string) => Statement {
  const prepared = new Map<string, Statement>()
  return (sql) => {
    let found = prepared.get(sql)
    if (!found) {
      found = statementOf(database.prepare(sql))
      prepared.set(sql, found)
    }
    return found
  }
}

function statementOf(statement: StatementSync): Statement {
  statement.setReturnArrays(true)
  const names = statement.columns().map(({ name }) => name)
  const named = (values: readonly SQLOutputValue[]): object => {
    const row: Record<string, SQLOutputValue> = {}
    for (let at = 0; at < names.length; at++) row[names[at] as string] = values[at] as SQLOutputValue
    return row
  }
  return {
    get: (params) => {
      const values = statement.get(...params) as unknown as SQLOutputValue[] | undefined
      return values === undefined ? undefined : named(values)
    },
    all: (params) => (statement.all(...params) as unknown as SQLOutputValue[][]).map(named),
    run: (params) => Number(statement.run(...params).changes),
  }
}
