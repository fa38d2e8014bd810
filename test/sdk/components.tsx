// A page of an app that uses every component: what the browser test opens.
// owns: nothing but the page. never: a style inline. always true: what it shows is the components' own.

import { createRoot } from 'react-dom/client'
import {
  BalanceBadge,
  BuyButton,
  ConnectButton,
  fromServer,
  QuotaProvider,
  SpendMeter,
  useQuota,
} from '../../packages/sdk/src/react/index.ts'

function Calls() {
  const { onSpend } = useQuota()
  return (
    <button type="button" onClick={() => onSpend({ credits_used: 400_000, balance_after: 1_234_567 })}>
      Ask
    </button>
  )
}

const root = document.getElementById('root')
if (!root) throw new Error('no root')
createRoot(root).render(
  <QuotaProvider source={fromServer('/api/quota')}>
    <ConnectButton /> <BalanceBadge /> <BuyButton packageId="starter">Add $4.05</BuyButton>{' '}
    <SpendMeter limit={1_000_000} /> <Calls />
  </QuotaProvider>,
)
