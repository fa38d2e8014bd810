// The one version of the API that the stand-in speaks.
// owns: its name. never: another version. always true: it is the one that the installed SDK is pinned to.

import type Stripe from 'stripe'

export const API_VERSION: Stripe.LatestApiVersion = '2026-10-28.endive'
