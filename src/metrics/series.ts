import { BUCKETS_MS, type MetricName } from './definitions.ts'

/**
 * Values by series: a metric and the values of its labels, separated by tabs. One number, or those of a
 * histogram: the sum in milliseconds, then the count of each bucket, the last of them without a bound.
 */
export type Series = Map<string, number[]>

const SEPARATOR = '\t'

export const keyOf = (name: MetricName, ...labels: string[]) => [name, ...labels].join(SEPARATOR)

/** The opposite of {@link keyOf}. */
export function partsOf(key: string) {
  const [name = '', ...labels] = key.split(SEPARATOR)
  return { name, labels }
}

export function increment(series: Series, key: string) {
  const values = series.get(key)
  if (values) values[0] = (values[0] ?? 0) + 1
  else series.set(key, [1])
}

/** Adds a duration to a histogram. */
export function observe(series: Series, key: string, milliseconds: number) {
  let values = series.get(key)
  if (!values) {
    values = new Array(BUCKETS_MS.length + 2).fill(0) as number[]
    series.set(key, values)
  }
  let bucket = 0
  while (milliseconds > (BUCKETS_MS[bucket] ?? Number.POSITIVE_INFINITY)) bucket++
  values[0] = (values[0] ?? 0) + milliseconds
  values[bucket + 1] = (values[bucket + 1] ?? 0) + 1
}

/** Adds the series of all. */
export function sum(...all: readonly Iterable<[string, readonly number[]]>[]): Series {
  const total: Series = new Map()
  for (const series of all) {
    for (const [key, values] of series) {
      const known = total.get(key)
      total.set(key, known ? known.map((value, i) => value + (values[i] ?? 0)) : [...values])
    }
  }
  return total
}
