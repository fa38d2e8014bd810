// An app's own name for a user, as part of a path.
// owns: its encoding. never: a name that an address would swallow. always true: it stays one segment.

/**
 * @throws RangeError for `.`, `..` and nothing: an address drops them, encoded or not, and the call would be another one.
 * Such a user can be named by `hosted` only (WHATWG URL, 4.4: dot segments).
 */
export function segment(name: string): string {
  if (name === '' || name === '.' || name === '..') throw new RangeError(`not a name that fits in a path: "${name}"`)
  return encodeURIComponent(name)
}
