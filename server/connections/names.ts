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

// Letters that look like those of another script, within one word (Unicode TS 39, 5.2), and marks piled on a letter.
const LOOKALIKE =
  /(?=\S*\p{Script=Latin})(?=\S*[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}])\S/u
const PILED = /\p{M}{4}/u
/** Of the wallet itself, however it is spaced, cased or decorated: nobody else asks in its name. */
const OURS = /^(the)?quotawallet$/

/** The name of an app, which people rely on: as `cleanName`, and made to look like no other. @throws Fault `bad_request` */
export function checkAppName(name: string): string {
  const clean = cleanName(name)
  if (LOOKALIKE.test(clean) || PILED.test(clean))
    throw fault('bad_request', { message: 'name mixes scripts within a word.', param: 'name' })
  const letters = clean
    .replace(/\p{S}/gu, '')
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')
  if (OURS.test(letters)) throw fault('bad_request', { message: 'name is the wallet’s own.', param: 'name' })
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

// Names that lead nowhere, or into somebody's own network (RFC 6761, 6762, 7686, 8375, and .internal of ICANN).
const LOCAL_NAMES = /\.(localhost|local|internal|intranet|private|corp|home|lan|arpa|onion|invalid|test)$/
const DOMAIN = /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * The name of a domain in the one form in which it is kept and shown: lower case, other scripts as `xn--…`, so that no
 * two names look the same.
 * @throws Fault `url_not_allowed` for an address, a local name, or anything beside a name
 */
export function checkDomain(text: string): string {
  const plain = /^[^\s/\\?#@:%*[\]]+$/.test(text) ? (URL.parse(`https://${text}`)?.hostname ?? '') : ''
  if (!DOMAIN.test(plain) || LOCAL_NAMES.test(plain))
    throw fault('url_not_allowed', {
      message: 'domain: is not a public domain name, as in app.example.com.',
      param: 'domain',
    })
  return plain
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
