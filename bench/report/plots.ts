import type { Phase } from '../measure/burst.ts'
import type { ListTimes } from '../measure/list.ts'
import { lineChart, type Series } from './line-chart.ts'
import { percentile } from './statistics.ts'

/** Phases `me alone` and `me + n in flight`: n, and a percentile of `me`. */
function pointsOf(phases: Phase[], share: number) {
  return phases.flatMap(({ name, me }) =>
    me ? [{ x: Number(/\d+/.exec(name)?.[0] ?? 0), y: percentile(me.latencies, share) }] : [],
  )
}

/** `before`: of another checkout, in the same run. */
export function burstPlot(phases: Phase[], before: Phase[] | undefined): string {
  const seriesOf = (name: string, of: Phase[], isDashed: boolean): Series[] => [
    { name: `p50${name}`, points: pointsOf(of, 0.5), isDashed },
    { name: `p95${name}`, points: pointsOf(of, 0.95), isDashed },
  ]
  return lineChart({
    title: 'GET /api/users/me beside logins',
    x: { label: 'logins in flight', scale: 'steps' },
    y: { label: 'milliseconds' },
    series: before
      ? [...seriesOf(', before', before, true), ...seriesOf(', now', phases, false)]
      : seriesOf('', phases, false),
  })
}

const SHOWN = [
  'page 1',
  'is_active=false',
  'deleted=true',
  'search: selective',
  'search: all',
  'next page, by cursor',
  'nine tenths down, by number',
]

export const listPlot = (sizes: ListTimes[]): string =>
  lineChart({
    title: 'GET /api/admins/users as accounts grow',
    x: { label: 'users', scale: 'log' },
    y: { label: 'milliseconds, p50' },
    series: SHOWN.map((name) => ({
      name,
      points: sizes.map(({ users, times }) => ({ x: users, y: times[name] ?? Number.NaN })),
    })),
  })
