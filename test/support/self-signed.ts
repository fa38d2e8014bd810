// A certificate that nobody vouches for.
// owns: the few bytes of X.509 (RFC 5280) that a TLS server needs. never: a file, a key that is kept. always true: it names
// 127.0.0.1 and is in its time, so that all that is wrong with it is who signed it: itself.

import { generateKeyPairSync, sign } from 'node:crypto'

const der = (tag: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  const size = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}
const hex = (bytes: string) => Buffer.from(bytes, 'hex')
const [INTEGER, BITS, BYTES, UTF8, UTC, SEQUENCE, SET] = [2, 3, 4, 12, 23, 0x30, 0x31]
const ECDSA_SHA256 = der(SEQUENCE, hex('06082a8648ce3d040302'))
const COMMON_NAME = hex('0603550403')
const ALT_NAME = hex('0603551d11')

/** @returns both in PEM, as node:https takes them */
export function selfSigned(): { key: string; cert: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8, Buffer.from('nobody')))))
  const times = ['200101000000Z', '491231235959Z'].map((time) => der(UTC, Buffer.from(time)))
  const loopback = der(SEQUENCE, der(0x87, hex('7f000001')))
  const signed = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, hex('02'))), // version 3
    der(INTEGER, hex('01')),
    ECDSA_SHA256,
    name,
    der(SEQUENCE, ...times),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(SEQUENCE, der(SEQUENCE, ALT_NAME, der(BYTES, loopback)))),
  )
  const signature = der(BITS, hex('00'), sign('sha256', signed, privateKey))
  const body = der(SEQUENCE, signed, ECDSA_SHA256, signature).toString('base64').replace(/.{64}/g, '$&\n')
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`,
  }
}
