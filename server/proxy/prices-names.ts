// Names of models, as callers write them.
// owns: which priced model a name means. never: a price.
// always true: of the rows of a provider the first that matches decides, also when it has no price: then nothing is found.

import type { MatchLogic } from '@pydantic/genai-prices'
import type { FindOptions, FoundModel, ModelPrice } from './prices.ts'
import { unpriceable } from './prices-data.ts'
import { limitsOf } from './prices-limits.ts'

/** `price` is null for names that must not be taken for another model's. */
export type Entry = Readonly<{ provider: string; price: ModelPrice | null; match: MatchLogic }>

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,199}$/
const FOUND_LIMIT = 4_096

/** A search by name over these rows; what was found once is remembered. */
export function finder(entries: readonly Entry[]): (name: string, options?: FindOptions) => FoundModel | null {
  const byProvider = Map.groupBy(entries, (entry) => entry.provider)
  const found = new Map<string, FoundModel | null>()
  const within = (provider: string, model: string): FoundModel | null => {
    const key = `${provider}/${model}`
    const seen = found.get(key)
    if (seen !== undefined) return seen
    const price = byProvider.get(provider)?.find((candidate) => matches(candidate.match, model))?.price
    const result = price ? { ...price, upstreamModel: model, ...limitsAs(price, model) } : null
    if (found.size >= FOUND_LIMIT) found.clear()
    found.set(key, result)
    return result
  }
  return (name, options = {}) => {
    if (!NAME.test(name) || unpriceable(name) !== null) return null
    const open = (provider: string): boolean => options.among === undefined || options.among.includes(provider)
    const slash = name.indexOf('/')
    const prefix = name.slice(0, Math.max(slash, 0)).toLowerCase()
    if (byProvider.has(prefix)) return open(prefix) ? within(prefix, name.slice(slash + 1)) : null
    const bare = options.bare ?? 'openai'
    const own = open(bare) ? within(bare, name) : null
    if (own) return own
    const others = [...byProvider.keys()].filter((provider) => provider !== bare && open(provider))
    const having = others.map((provider) => within(provider, name)).filter((model) => model !== null)
    return having.length === 1 ? (having[0] ?? null) : null
  }
}

/** A snapshot may have other limits than the family it is priced with. An operator's own limits stand. */
function limitsAs(price: ModelPrice, upstreamModel: string): { contextWindow: number | null; maxOutput: number } {
  const family = limitsOf(price.provider, price.model)
  const snapshot = limitsOf(price.provider, upstreamModel)
  const untouched = family.contextWindow === price.contextWindow && family.maxOutput === price.maxOutput
  return untouched && snapshot.contextWindow !== null
    ? snapshot
    : { contextWindow: price.contextWindow, maxOutput: price.maxOutput }
}

/** The data's own matching rules: without regard to case, but for expressions. */
function matches(rule: MatchLogic, name: string): boolean {
  const text = name.toLowerCase()
  if ('or' in rule) return rule.or.some((part) => matches(part, name))
  if ('and' in rule) return rule.and.every((part) => matches(part, name))
  if ('equals' in rule) return text === rule.equals.toLowerCase()
  if ('starts_with' in rule) return text.startsWith(rule.starts_with.toLowerCase())
  if ('ends_with' in rule) return text.endsWith(rule.ends_with.toLowerCase())
  if ('contains' in rule) return text.includes(rule.contains.toLowerCase())
  return new RegExp(rule.regex).test(name)
}
