import { BCRYPT_COSTS } from '../../src/env.ts'
import type { Costs } from './stage.ts'

const percent = new Intl.NumberFormat('en-US', { style: 'percent', maximumFractionDigits: 1 })

/** What to set `BCRYPT_COST` to, and why. Undefined: there is no hash to go by. */
export function adviseCost(costs: Costs): { cost: number; text: string } | undefined {
  const total = [...costs.values()].reduce((sum, count) => sum + count, 0)
  const [commonest] = [...costs].toSorted(([, a], [, b]) => b - a)
  if (!commonest) return undefined
  const cost = Math.min(Math.max(commonest[0], BCRYPT_COSTS.least), BCRYPT_COSTS.most)
  const shares = [...costs]
    .toSorted(([a], [b]) => a - b)
    .map(([each, count]) => `${each}: ${percent.format(count / total)}`)
  const above = [...costs].reduce((sum, [each, count]) => sum + (each > cost ? count : 0), 0)
  const slower =
    above > 0
      ? ` ${above} hashes are more expensive: their logins take longer, which shows that the account exists.`
      : ''
  return {
    cost,
    text: `Set BCRYPT_COST=${cost}. Costs of the hashes: ${shares.join(', ')}.${slower}`,
  }
}
