import { BUCKETS_MS, type Definition, METRICS } from './definitions.ts'
import { partsOf, type Series } from './series.ts'

const DEFINITIONS = new Map<string, Definition>(Object.entries(METRICS))

/** Media type of Prometheus' text format 0.0.4. */
export const EXPOSITION = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * Prometheus' text format 0.0.4. What no metric of ours is, as a former version may have counted it, is
 * left out.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function expose(series: Series): string {
  const samples = new Map<string, string[]>()
  for (const [key, values] of series) {
    const { name, labels } = partsOf(key)
    const metric = DEFINITIONS.get(name)
    if (!metric || metric.labels.length !== labels.length) continue
    const pairs = metric.labels.map((label, i) => `${label}="${escapeValue(labels[i] ?? '')}"`)
    const lines =
      metric.type === 'histogram'
        ? histogram(name, pairs, values)
        : [sample(name, pairs, values[0])]
    const known = samples.get(name)
    if (known) known.push(...lines)
    else samples.set(name, lines)
  }
  return [...DEFINITIONS]
    .flatMap(([name, { type, help }]) => {
      const lines = samples.get(name)
      return lines ? [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines] : []
    })
    .map((line) => `${line}\n`)
    .join('')
}

const escapeValue = (value: string) =>
  value.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"')

const sample = (name: string, pairs: readonly string[], value = 0) =>
  `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`

function histogram(
  name: string,
  pairs: readonly string[],
  [milliseconds = 0, ...counts]: number[],
) {
  let count = 0
  const buckets = counts.map((inBucket, i) => {
    const bound = BUCKETS_MS[i]
    count += inBucket
    return sample(
      `${name}_bucket`,
      [...pairs, `le="${bound === undefined ? '+Inf' : bound / 1000}"`],
      count,
    )
  })
  return [
    ...buckets,
    sample(`${name}_sum`, pairs, milliseconds / 1000),
    sample(`${name}_count`, pairs, count),
  ]
}
