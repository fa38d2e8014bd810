// What a program can judge of WCAG 2.1 A and AA on a page (axe).
// owns: which rules, and what of their findings counts. never: going anywhere. always true: a page gets the checker once, and
// a finding says the rule, the element and why.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from '@playwright/test'
import type axe from 'axe-core'
import type { RunOptions } from 'axe-core'

/** Half as long as what the module itself offers, which counts where every page gets it. */
const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']
/** What another colour scheme can change; everything else is alike in both. */
const COLOURS = ['color-contrast', 'link-in-text-block']
const SERIOUS = ['serious', 'critical']

const RULES: Record<'all' | 'colours', RunOptions> = {
  all: { runOnly: { type: 'tag', values: TAGS }, resultTypes: ['violations'] },
  colours: { runOnly: { type: 'rule', values: COLOURS }, resultTypes: ['violations'] },
}

/** One line for each serious barrier: the rule, the element, and why. */
export async function barriers(page: Page, rules: keyof typeof RULES = 'all'): Promise<string[]> {
  const found = await violations(page, RULES[rules])
  return found.filter(({ impact }) => SERIOUS.includes(impact)).flatMap(lines)
}

/** The same for all that the checker knows of, however slight. */
export async function findings(page: Page): Promise<string[]> {
  return (await violations(page, { resultTypes: ['violations'] })).flatMap(lines)
}

type Violation = { id: string; impact: string; nodes: string[] }

const lines = ({ id, nodes }: Violation) => nodes.map((node) => `${id}: ${node}`)

async function violations(page: Page, options: RunOptions): Promise<Violation[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(SOURCE)
  return page.evaluate(async (how) => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run(document, how)
    return violations.map(({ id, impact, nodes }) => ({
      id,
      impact: impact ?? '',
      nodes: nodes.map((node) => `${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`),
    }))
  }, options)
}
