/** A panel of a dashboard, as far as ours differ. */
export type Panel = {
  title: string
  /** What it shows: behind the (i) in Grafana. */
  description: string
  /** A line a series over time, or the last value in large digits. */
  type: 'timeseries' | 'stat'
  unit: Unit
  /** PromQL by legend, in which `{{name}}` is the value of a label. `$instance` is chosen in Grafana. */
  queries: Readonly<Record<string, string>>
  /** From these values on the number is yellow or red. */
  thresholds?: { yellow?: number; red: number }
  /** Draws the series on top of each other. */
  isStacked?: boolean
  /** Shows 1 and 0 as words. */
  isUpOrDown?: boolean
}

/** Grafana's names of units. */
export type Unit = 'short' | 'reqps' | 's' | 'percentunit' | 'd'

export type Dashboard = {
  /** Its address in Grafana, and the name of its file. */
  uid: string
  title: string
  description: string
  panels: readonly Panel[]
}

/** `rate` over five minutes, in which a request may be ten seconds late. */
export const rate = (selector: string, by: string) => `sum by (${by}) (rate(${selector}[5m]))`

/** How often it happened in the last `range`, also the first time. */
export const increase = (selector: string, range: string, by: string) =>
  `sum by (${by}) (increase(${selector}[${range}]))`
