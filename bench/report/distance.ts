import type { Timed } from '../measure/distance.ts'
import type { Goal } from './goals.ts'
import { shown, table } from './table.ts'

export const distanceTable = (timed: Timed[]) =>
  table(
    ['Call', 'steps', 'budget, ms', 'p50, ms', 'p50 / budget'],
    timed.map(({ call, p50, budget }) => [
      ...[call.name, [...call.steps, ...Array(call.hashes).fill('hash')].join(', ')],
      ...[shown(budget), shown(p50), shown(p50 / budget)],
    ]),
  )

export const distanceGoals = (timed: Timed[]): Goal[] =>
  timed.map(({ call, p50, budget }) => ({
    ...{ goal: `${call.name}: p50 / its steps`, measured: p50 / budget, limit: { most: 1.1 } },
  }))

/** What a client far from the database waits: it pays the distance once where the Worker is near it. */
export function placementTable(placements: Record<string, Timed[]>, distanceMs: number): string {
  const [atTheEdge = [], ...others] = Object.values(placements)
  return table(
    ['Call', ...Object.keys(placements)],
    atTheEdge.map(({ call, p50 }) => [
      call.name,
      shown(p50),
      ...others.map((timed) =>
        shown((timed.find((each) => each.call === call)?.p50 ?? Number.NaN) + distanceMs),
      ),
    ]),
  )
}
