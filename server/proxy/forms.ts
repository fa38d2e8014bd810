// Multipart forms (RFC 7578).
// owns: reading one within limits, and writing it anew. never: what a field means.
// always true: what is sent on is written from what was read, so that nobody after us can read it otherwise; the same content
// is always the same bytes, whatever its sender had for a boundary.

import { createHash } from 'node:crypto'
import { Busboy } from '@fastify/busboy'
import { fault } from '../faults.ts'

export type Field = Readonly<{ name: string; value: string }>
export type FormFile = Readonly<{ name: string; filename: string; type: string; bytes: Buffer }>
export type Form = Readonly<{ fields: readonly Field[]; file: FormFile | null }>

/** Far above what any form of a speech API has. */
const LIMITS = {
  fields: 64,
  files: 1,
  parts: 65,
  fieldNameSize: 100,
  fieldSize: 64 * 1024,
  headerPairs: 20,
  headerSize: 16 * 1024,
}

/**
 * Reads a form of at most one file.
 * @param bytes the whole body, within the route's limit
 * @throws Fault bad_request for what is no form, ends early, or is above a limit
 */
export function readForm(contentType: string, bytes: Buffer): Promise<Form> {
  const fields: Field[] = []
  let file: FormFile | null = null
  return new Promise<Form>((resolve, reject) => {
    const refuse = (message: string) => reject(fault('bad_request', { message }))
    let parser: InstanceType<typeof Busboy>
    try {
      parser = new Busboy({
        headers: { 'content-type': contentType },
        limits: { ...LIMITS, fileSize: bytes.length + 1 },
      })
    } catch {
      return refuse('The body is no multipart form.')
    }
    parser.on('field', (name, value, nameCut, valueCut) => {
      if (nameCut || valueCut) refuse('A field of the form is too long.')
      fields.push({ name, value })
    })
    parser.on('file', (name, stream, filename, _encoding, type) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('error', () => refuse('The form ends before its end.'))
      stream.on('end', () => {
        file = { name, filename: filename ?? '', type, bytes: Buffer.concat(chunks) }
      })
    })
    for (const event of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const)
      parser.on(event, () => refuse('The form has too many parts.'))
    parser.on('error', () => refuse('The body is no multipart form.'))
    parser.on('finish', () => resolve({ fields, file }))
    parser.end(bytes)
  })
}

/** The form's bytes and their content type; the boundary comes from the content. */
export function writeForm({ fields, file }: Form): { body: Buffer; type: string } {
  const parts: [head: string, value: Buffer][] = fields.map(({ name, value }) => [named(name), Buffer.from(value)])
  if (file) {
    const head = `${named(file.name)}; filename="${escaped(file.filename)}"\r\ncontent-type: ${plain(file.type)}`
    parts.push([head, file.bytes])
  }
  const hash = createHash('sha256')
  for (const [head, value] of parts) hash.update(`${head.length} ${head} ${value.length} `).update(value)
  const boundary = `quota-${hash.digest('hex')}` // no content can hold a hash of itself
  const pieces = parts.flatMap(([head, value]) => [Buffer.from(`--${boundary}\r\n${head}\r\n\r\n`), value, CRLF])
  const body = Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)])
  return { body, type: `multipart/form-data; boundary=${boundary}` }
}

const CRLF = Buffer.from('\r\n')

function named(name: string): string {
  return `content-disposition: form-data; name="${escaped(name)}"`
}

/** As browsers write it (HTML, "Multipart form data"). */
function escaped(text: string): string {
  return text.replace(/\r/g, '%0D').replace(/\n/g, '%0A').replace(/"/g, '%22')
}

function plain(type: string): string {
  return /^[\w.+-]+\/[\w.+-]+$/.test(type) ? type : 'application/octet-stream'
}
