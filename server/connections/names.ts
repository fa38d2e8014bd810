// Names and addresses that developers give, and people see.
// owns: what may stand in a name, a redirect URI or a return URL. never: a look-up of an address.
// always true: pure; a name is NFC and shows as it is stored; an address is https, or http on this machine.

import { fault } from '../faults.ts'

const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * A name as it is stored: NFC, single spaces, nothing invisible and nothing that turns the direction of writing.
 * @throws Fault `bad_request`
 */
export function cleanName(name: string, param = 'name'): string {
  const clean = name.normalize('NFC').trim().replace(/ {2,}/g, ' ')
  if (clean === '' || HIDDEN.test(clean))
    throw fault('bad_request', { message: `${param} is empty or holds invisible characters.`, param })
  return clean
}

/**
 * Checks where a person may be sent: https, or http on loopback (RFC 8252, section 7.3); no fragment, no user name, no
 * wildcard, nothing that a second parser could read otherwise.
 * @throws Fault `bad_request` naming the field
 */
export function checkReturnUrl(text: string, param: string): string {
  const refuse = (why: string) => fault('bad_request', { message: `${param}: ${why}`, param })
  if (!/^[\x21-\x7e]+$/.test(text) || /[\\*"<>^`{|}]/.test(text)) throw refuse('holds a forbidden character.')
  if (!/^https?:\/\/[^/]/i.test(text)) throw refuse('must begin with https:// (or http:// on loopback).')
  if (!URL.canParse(text)) throw refuse('is not an address.')
  const url = new URL(text)
  if (text.includes('#')) throw refuse('must not have a fragment.')
  if (url.username !== '' || url.password !== '' || /^[^/]*\/\/[^/?]*@/.test(text))
    throw refuse('must not carry a user name.')
  if (url.protocol === 'http:' && !LOOPBACK.has(url.hostname)) throw refuse('must be https, or http on loopback.')
  return text
}

/** The redirect URIs of an app. @throws Fault `bad_request` */
export function checkRedirectUris(uris: readonly string[]): readonly string[] {
  for (const uri of uris) checkReturnUrl(uri, 'redirect_uris')
  if (new Set(uris).size !== uris.length)
    throw fault('bad_request', { message: 'redirect_uris: one is given twice.', param: 'redirect_uris' })
  return uris
}

/** The address of a logo: https only, because it is shown to people. @throws Fault `bad_request` */
export function checkLogoUri(uri: string | null): string | null {
  if (uri === null) return null
  checkReturnUrl(uri, 'logo_uri')
  if (!uri.startsWith('https://'))
    throw fault('bad_request', { message: 'logo_uri: must be https.', param: 'logo_uri' })
  return uri
}
