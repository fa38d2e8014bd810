// What the wallet says, in the language of its person.
// owns: which language that is, finding a sentence's other words. never: a sentence, a format (format.ts). always true: the
// English sentence in the code is the key, and is said as it stands where there is no other; a language begins with the page.

/** Languages by the names their speakers give them. One more is a line here, a catalogue, and a line in `CATALOGUES`. */
export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const
export type Language = keyof typeof LANGUAGES
/** What one sentence becomes; one that counts has the forms of `Intl.PluralRules`, and stands under its English plural. */
export type Words = string | ({ other: string } & Partial<Record<Intl.LDMLPluralRule, string>>)
export type Catalogue = Readonly<Record<string, Words>>

type Names<T extends string> = T extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never
/** One value for each `{name}` of the sentence, and no other. */
export type Values<T extends string, Value = string | number> = Readonly<Record<Names<T>, Value>>
type Rest<T extends string> = [Names<T>] extends [never] ? [] : [values: Values<T>]

const CATALOGUES: Record<Language, (() => Promise<Catalogue>) | null> = {
  en: null,
  de: async () => (await import('./words/de.ts')).GERMAN,
}
const KEPT = 'quota.language'

/** What the person chose on this device; null: the language of the system. */
export function chosenLanguage(): Language | null {
  return known(globalThis.localStorage?.getItem(KEPT) ?? '')
}

/** Keeps the choice and begins the page anew: what was drawn before is in the other language. */
export function chooseLanguage(chosen: Language | null): void {
  if (chosen) localStorage.setItem(KEPT, chosen)
  else localStorage.removeItem(KEPT)
  location.reload()
}

const known = (tag: string): Language | null => {
  const name = tag.toLowerCase().split('-')[0] ?? ''
  return Object.hasOwn(LANGUAGES, name) ? (name as Language) : null
}

/** A worker that speaks is named after its language; all else that is no page (the command) is English. */
function wanted(): Language {
  if (typeof document === 'undefined') return known((globalThis as { name?: string }).name ?? '') ?? 'en'
  return chosenLanguage() ?? navigator.languages.map(known).find((language) => language !== null) ?? 'en'
}

const asked = wanted()
// Waited for only where it is not English: a page in English starts as if there were no other.
const catalogue = CATALOGUES[asked] ? await CATALOGUES[asked]().catch(() => null) : null

/** The language of this page. English where another one's words cannot be had. */
export const language: Language = catalogue ? asked : 'en'
if (typeof document !== 'undefined') document.documentElement.lang = language

const rules = new Intl.PluralRules(language)
const figures = new Intl.NumberFormat(language === 'en' ? 'en-US' : language)

/** A whole number as people read it: "1,204". */
export const count = (n: number): string => figures.format(n)

/** What an English sentence is in this language, `{names}` unfilled; null where it has no other words. */
function other(english: string, n: number): string | null {
  const found = catalogue && Object.hasOwn(catalogue, english) ? catalogue[english] : undefined
  if (found === undefined || typeof found === 'string') return found ?? null
  return found[rules.select(n)] ?? found.other
}

const fill = (text: string, values: Readonly<Record<string, string | number>> = {}): string =>
  text.replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(values, name) ? String(values[name]) : whole))

/** A sentence: `say('{app} may spend {limit}', { app, limit })`. It stands in the code as a literal, as in all of these. */
export function say<const T extends string>(english: T, ...[values]: Rest<T>): string {
  return fill(other(english, 0) ?? english, values)
}

/** A sentence that is not ours, such as the server's; as it stands where it is not known. */
export const translated = (english: string): string => other(english, 0) ?? english

/** A sentence that counts: `counted('{n} call', '{n} calls', calls)`; `{n}` is filled in as `count` writes it. */
export function counted<const T extends string>(
  one: string,
  many: T,
  n: number,
  ...[values]: [Exclude<Names<T>, 'n'>] extends [never]
    ? []
    : [Readonly<Record<Exclude<Names<T>, 'n'>, string | number>>]
): string {
  return fill(other(many, n) ?? (n === 1 ? one : many), { ...values, n: count(n) })
}

/** A sentence in pieces, for `Say`: text, name, text, name, ..., text. */
export const piecesOf = (english: string): string[] => (other(english, 0) ?? english).split(/\{(\w+)\}/)
