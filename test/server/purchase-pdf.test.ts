// Receipts as PDF: whoever the person is, their name is on it.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { create } from 'fontkit'
import { fontBytes, fontsOf, type Opened, runsOf } from '../../server/payments/pdf-fonts.ts'
import type { PurchaseFacts } from '../../server/payments/purchase-facts.ts'
import { receiptPdf } from '../../server/payments/purchase-pdf.ts'

const FACTS: PurchaseFacts = {
  number: 'chk_1',
  seller: 'Quota Wallet',
  billedTo: { name: 'Ann Lee', email: 'ann@example.org' },
  paidAt: Date.parse('2026-11-23T12:00:00Z'),
  item: 'Wallet balance, Basic package',
  balance: 8_500_000,
  fee: 1_500_000,
  total: 10_000_000,
  returned: [],
  real: true,
}

const opened = new Map<string, Opened>()
const open = (path: string): Opened => {
  const font = opened.get(path) ?? (create(fontBytes(path)) as unknown as Opened)
  opened.set(path, font)
  return font
}

describe('the letters of a name', () => {
  const LAST = fontsOf(400).at(-1)
  /** The name, what is drawn of it, and whether the font of every script is needed. */
  const rows: [string, string, boolean][] = [
    ['Ann Lee', 'Ann Lee', false],
    ['Łukasz Żółć', 'Łukasz Żółć', false],
    ['Αλέξης Ιωάννου', 'Αλέξης Ιωάννου', false],
    ['Иван Петров', 'Иван Петров', false],
    ['Nguyễn Văn Ánh', 'Nguyễn Văn Ánh', false],
    ['Jose\u0301', 'José', false],
    ['王小明', '王小明', true],
    ['さくら 김철수', 'さくら 김철수', true],
    ['محمد علي', 'محمد علي', false],
    ['हिन्दी ไทย עברית', 'हिन्दी ไทย עברית', true],
    ['\u202eeel nnA', 'eel nnA', false],
    ['a\u0000b\nc', 'abc', false],
    ['Ann \u{1f600}', 'Ann \u25a1', true],
    ['', '', false],
  ]
  for (const [name, drawn, every] of rows)
    test(JSON.stringify(name), async () => {
      const runs = runsOf(name, 400, open)
      assert.equal(runs.map(({ text }) => text).join(''), drawn)
      assert.equal(
        runs.some(({ font }) => font === LAST),
        every,
      )
      const pdf = await receiptPdf({ ...FACTS, billedTo: { name, email: 'ann@example.org' } })
      assert.match(pdf.subarray(0, 8).toString('latin1'), /^%PDF-1\./)
      assert.match(pdf.subarray(-8).toString('latin1'), /%%EOF/)
    })
})

test('the words of an Arabic or Hebrew name are laid out in one piece, and a space stands on the side of the next script', () => {
  const rows: [string, string[]][] = [
    ['محمد علي', ['arabic:محمد علي']],
    ['דוד בן-כהן', ['hebrew:דוד בן-כהן']],
    ['Ann محمد علي Lee', ['latin:Ann ', 'arabic:محمد علي', 'latin: Lee']],
    ['王 小明', ['every:王 小明']],
  ]
  for (const [name, expected] of rows) {
    const runs = runsOf(name, 400, open)
    const scriptOf = (font: string) =>
      font.includes('unifont') ? 'every' : /-(latin|arabic|hebrew)-400/.exec(font)?.[1]
    assert.deepEqual(
      runs.map(({ font, text }) => `${scriptOf(font)}:${text}`),
      expected,
    )
  }
  // Joined: in the middle of a word a letter has another glyph than alone.
  const font = create(fontBytes(fontsOf(400).find((path) => path.includes('arabic')) ?? '')) as unknown as {
    layout(text: string): { glyphs: { id: number }[] }
  }
  const glyphs = (text: string) => font.layout(text).glyphs.map(({ id }) => id)
  assert.ok(!glyphs('محمد').includes(glyphs('ح')[0] ?? 0))
})

test('the same receipt is the same file, whenever it is made; another one is not', async () => {
  const [one, again, other] = [
    await receiptPdf(FACTS),
    await receiptPdf(FACTS),
    await receiptPdf({ ...FACTS, real: false }),
  ]
  assert.deepEqual(one, again)
  assert.notDeepEqual(one, other)
  assert.ok(one.length < 200_000, `${one.length} bytes`)
})
