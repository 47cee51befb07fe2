/** A dashboard of monitoring/grafana as SVG, with the data that Prometheus returns for its panels. */
import { grafanaDashboard } from '../../scripts/dashboards/grafana.ts'
import type { Dashboard } from '../../scripts/dashboards/panel.ts'
import type { Prometheus } from '../prometheus.ts'
import { escaped, STYLE } from './line-chart.ts'
import { type Line, panelSvg, type Range } from './panel.ts'

const COLUMN = 50
const ROW = 34
const GAP = 8
const HEADER = 52

const PANEL_STYLE = `${STYLE}
  .page { fill: #f4f5f5 } .panel { fill: #ffffff; stroke: #d8dade }
  .name { font-weight: 600; font-size: 13px } .quiet { fill: #57606a }
  .number { font-size: 30px; font-weight: 600 }
  .good { fill: #1a7f37 } .suspect { fill: #9a6700 } .bad { fill: #cf222e }
  @media (prefers-color-scheme: dark) {
    .page { fill: #111217 } .panel { fill: #181b1f; stroke: #2c3036 } .quiet { fill: #9da7b1 }
    .good { fill: #3fb950 } .suspect { fill: #d29922 } .bad { fill: #f85149 }
  }`

export async function dashboardPlot(
  dashboard: Dashboard,
  prometheus: Prometheus,
  range: Range & { step: number },
): Promise<string> {
  const { panels } = grafanaDashboard(dashboard)
  const drawn = await Promise.all(
    dashboard.panels.map(async (panel, i) => {
      const { x = 0, y = 0, w = 0, h = 0 } = panels[i]?.gridPos ?? {}
      const box = {
        x: x * COLUMN + GAP,
        y: y * ROW + HEADER,
        width: w * COLUMN - GAP,
        height: h * ROW - GAP,
      }
      return panelSvg(panel, await linesOf(panel.queries, prometheus, range), box, range)
    }),
  )
  const bottom = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h))
  const [width, height] = [24 * COLUMN + GAP, bottom * ROW + HEADER]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(dashboard.title)}">
  <style>${PANEL_STYLE}
  </style>
  <rect class="page" width="${width}" height="${height}"/>
  <text class="title" x="${GAP + 4}" y="33">${escaped(dashboard.title)}</text>
  ${drawn.join('\n  ')}
</svg>
`
}

async function linesOf(
  queries: Readonly<Record<string, string>>,
  prometheus: Prometheus,
  range: Range & { step: number },
): Promise<Line[]> {
  const found = await Promise.all(
    Object.entries(queries).map(async ([legend, query]) => {
      const series = await prometheus.queryRange(query.replaceAll('$instance', '.+'), range)
      return series.map(({ metric, values }) => ({
        name: legend.replace(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? ''),
        values: values.filter(([, value]) => Number.isFinite(value)),
      }))
    }),
  )
  return found.flat().filter(({ values }) => values.length > 0)
}
