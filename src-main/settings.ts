// What the desktop shell is called, and where its pages live.
// owns: names and fixed addresses. never: Electron, files, network.
// always true: a name that the server or the system also knows (client id, scheme) is written here once.

export const PRODUCT = 'Quota Wallet'
export const APP_ID = 'com.quota.wallet'

/** Scheme and host of the wallet's own pages, and the path at which both shells serve the one build. */
export const SCHEME = 'app'
export const HOST = 'wallet'
export const ORIGIN = `${SCHEME}://${HOST}`
export const BASE = '/wallet/'
export const HOME = `${ORIGIN}${BASE}`

export const LINK_SCHEME = 'quota'
export const CLIENT_ID = 'quota-wallet'
export const SCOPE = 'openid wallet'

/** Three modifiers, so that it is nobody else's by accident; off until the person turns it on. */
export const SHORTCUT = 'CommandOrControl+Alt+Shift+Q'
