// A QR code, drawn.
// owns: one path. never: the encoding (a library's). always true: dark on light in both themes, as scanners expect, and
// without a style attribute, which the pages' CSP forbids.

import { encodeQR } from 'qr'

/** @param text what the code says; @param label what it is, for those who cannot see it */
export function QrCode({ text, label }: { text: string; label: string }) {
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: 4 })
  const path = rows.map((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')).join('')).join('')
  return (
    <svg
      viewBox={`0 0 ${rows.length} ${rows.length}`}
      role="img"
      aria-label={label}
      shapeRendering="crispEdges"
      className="mx-auto size-48 rounded-lg bg-white"
    >
      <path d={path} fill="#000" />
    </svg>
  )
}
