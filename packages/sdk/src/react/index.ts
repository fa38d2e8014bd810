// The React front door: `@quota-wallet/sdk/react`.
// owns: the list of its public names. never: code. always true: React is the app's own.

export { BalanceBadge, BuyButton, ConnectButton, SpendMeter } from './components.tsx'
export type { QuotaState, Source, Standing } from './context.tsx'
export { fromServer, QuotaProvider, useQuota } from './context.tsx'
