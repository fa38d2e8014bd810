// How many tokens a drawn image is.
// owns: OpenAI's tables and its formula. never: a price, a request.
// always true: a size or quality that is not known counts as the dearest of its model; a model that is not known has no count.

/** Of one image: the tokens it is drawn in, and what the model may write beside it. */
export type DrawnTokens = Readonly<{ image: number; text: number }>

type Quality = 'low' | 'medium' | 'high'

/** platform.openai.com/docs/guides/image-generation, "Calculating costs": gpt-image-1, gpt-image-1-mini, gpt-image-1.5. */
const TABLE: Readonly<Record<string, Readonly<Record<Quality, number>>>> = {
  '1024x1024': { low: 272, medium: 1056, high: 4160 },
  '1024x1536': { low: 408, medium: 1584, high: 6240 },
  '1536x1024': { low: 400, medium: 1568, high: 6208 },
}
const DEAREST = 6240

/** What gpt-image-1.5 writes before it draws has no documented limit; this is far above what is seen of it. */
const WRITTEN = 2048

/**
 * gpt-image-2 draws any size up to 8,294,400 pixels, in q × s cells for an area of four million pixels, of which two million
 * are always counted: q goes by the quality, s is q by the shorter side. The vendor's calculator gives the same figures
 * (1024x1024 at high: 7,024; 1536x1024: 5,488).
 */
const CELLS: Readonly<Record<Quality, number>> = { low: 16, medium: 48, high: 96 }
const MOST_PIXELS = 8_294_400

/** @param model the provider's name for it; null for one of which nothing is known */
export function drawnTokens(model: string, size: string | null, quality: string | null): DrawnTokens | null {
  const known: Quality = quality === 'low' || quality === 'medium' ? quality : 'high'
  if (/^gpt-image-1(-mini)?$/.test(model)) return { image: listed(size, known), text: 0 }
  if (/^gpt-image-1\.5/.test(model)) return { image: listed(size, known), text: WRITTEN }
  if (/^gpt-image-2($|-\d)/.test(model)) return { image: calculated(size, known), text: 0 }
  return null
}

/** Pixels of one image; the most that `auto` chooses of the listed sizes where it is not said. */
export function pixelsOf(size: string | null): number {
  const sides = sidesOf(size)
  return sides ? sides[0] * sides[1] : 1024 * 1536
}

function listed(size: string | null, quality: Quality): number {
  if (size !== null && size !== 'auto') return TABLE[size]?.[quality] ?? DEAREST
  return Math.max(...Object.values(TABLE).map((row) => row[quality]))
}

function calculated(size: string | null, quality: Quality): number {
  const q = CELLS[quality]
  const [width, height] = sidesOf(size) ?? [2880, 2880]
  const shorter = Math.round((q * Math.min(width, height)) / Math.max(width, height))
  const pixels = Math.min(width * height, MOST_PIXELS)
  return Math.ceil((q * shorter * (2_000_000 + pixels)) / 4_000_000)
}

function sidesOf(size: string | null): [number, number] | null {
  const match = /^([1-9]\d{1,3})x([1-9]\d{1,3})$/.exec(size ?? '')
  return match ? [Number(match[1]), Number(match[2])] : null
}
