import { shown, table } from './table.ts'

export type Goal = {
  goal: string
  measured: number
  /** At most, or at least. */
  limit: { most: number } | { least: number }
}

export const isMet = ({ measured, limit }: Goal) =>
  'most' in limit ? measured <= limit.most : measured >= limit.least

const shownLimit = ({ limit }: Goal) =>
  'most' in limit ? `at most ${shown(limit.most)}` : `at least ${shown(limit.least)}`

export const goalTable = (goals: Goal[]) =>
  table(
    ['Goal', 'Measured', 'Limit', ''],
    goals.map((goal) => [
      goal.goal,
      shown(goal.measured),
      shownLimit(goal),
      isMet(goal) ? 'met' : '**not met**',
    ]),
  )
