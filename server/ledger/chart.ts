// The chart of accounts: every kind of place value may rest.
// owns: the kinds, their unit, and whether they have a floor. never: balances.
// always true: an account's id begins with its kind, so its unit and guard can be read off its name.

export type Unit = 'usd' | 'cap'

type Kind = { readonly unit: Unit; readonly guarded: boolean; readonly text: string }

const CHART = {
  user: { unit: 'usd', guarded: true, text: 'what a person has bought and not spent' },
  external: { unit: 'usd', guarded: true, text: 'the same, of an unclaimed external user of one app' },
  pool: { unit: 'usd', guarded: true, text: 'a publisher’s money set aside for grants' },
  grant: { unit: 'usd', guarded: true, text: 'one grant; spendable in the apps of the publisher who gave it' },
  reserve: { unit: 'usd', guarded: true, text: 'the part of earnings that is held back for a while' },
  cap: { unit: 'cap', guarded: true, text: 'what one connection may still spend in one window' },
  payable: { unit: 'usd', guarded: true, text: 'earnings that are old enough to be paid out' },
  earnings: { unit: 'usd', guarded: false, text: 'a publisher’s markup, until it is old enough' },
  receivable: { unit: 'usd', guarded: false, text: 'what a person owes after a lost dispute' },
  sales: { unit: 'usd', guarded: false, text: 'base cost charged' },
  fees: { unit: 'usd', guarded: false, text: 'what packages cost above the balance they bring' },
  costs: { unit: 'usd', guarded: false, text: 'what the payment provider charges the operator' },
  disputed: {
    unit: 'usd',
    guarded: false,
    text: 'payments that card networks have taken back while a dispute is open',
  },
  loss: { unit: 'usd', guarded: false, text: 'what a call cost above its hold; the operator bears it' },
  forfeited: { unit: 'usd', guarded: false, text: 'balances that people gave up when they deleted their account' },
  world: { unit: 'usd', guarded: false, text: 'where money comes from and goes to' },
  limits: { unit: 'cap', guarded: false, text: 'where limits are issued from and where spending returns them' },
} as const satisfies Record<string, Kind>

export type AccountKind = keyof typeof CHART

/** Unit and guard of an account, by its id ("user:…", "sales"). @throws Error for a kind that is not in the chart */
export function kindOf(account: string): Kind {
  const kind = account.split(':', 1)[0] ?? ''
  if (!Object.hasOwn(CHART, kind)) throw new Error(`no kind of account is called ${kind}`)
  return CHART[kind as AccountKind]
}

export const account = {
  user: (id: string) => `user:${id}`,
  external: (app: string, id: string) => `external:${app}:${id}`,
  pool: (publisher: string) => `pool:${publisher}`,
  grant: (id: string) => `grant:${id}`,
  earnings: (publisher: string) => `earnings:${publisher}`,
  payable: (publisher: string) => `payable:${publisher}`,
  reserve: (publisher: string) => `reserve:${publisher}`,
  receivable: (payer: string) => `receivable:${payer}`,
  cap: (connection: string, window: string) => `cap:${connection}:${window}`,
  sales: 'sales',
  fees: 'fees',
  costs: 'costs',
  disputed: 'disputed',
  loss: 'loss',
  forfeited: 'forfeited',
  stripe: 'world:stripe',
  bank: 'world:bank',
  sandbox: 'world:sandbox',
  limits: 'limits',
} as const
