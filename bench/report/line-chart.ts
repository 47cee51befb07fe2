/** A line chart as SVG, for Markdown: readable on light and dark pages, without scripts or fonts. */

export type Series = { name: string; points: { x: number; y: number }[]; isDashed?: boolean }

export type LineChart = {
  title: string
  x: { label: string; scale: 'log' | 'steps' }
  /** Logarithmic. */
  y: { label: string }
  series: Series[]
}

const [WIDTH, HEIGHT] = [800, 420]
const PLOT = { left: 70, top: 44, right: 540, bottom: 360 }

/** Told apart also by people who see fewer colors (Okabe and Ito). */
export const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#7f7f7f']

export const STYLE = `
  .paper { fill: #ffffff } text { fill: #24292f; font: 12px system-ui, sans-serif }
  .grid { stroke: #d0d7de } .title { font-size: 15px; font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } text { fill: #e6edf3 } .grid { stroke: #30363d }
  }`

export const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** The powers of ten around these values. */
function decades(values: number[]): number[] {
  const first = Math.floor(Math.log10(Math.min(...values)))
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...values))))
  return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i))
}

/** Where values from `ticks[0]` to the last one are, between two pixels. */
const logScale = (ticks: number[], from: number, to: number) => {
  const [low, high] = [Math.log10(ticks[0] ?? 1), Math.log10(ticks.at(-1) ?? 10)]
  return (value: number) => from + ((Math.log10(value) - low) / (high - low)) * (to - from)
}

const stepScale = (ticks: number[], from: number, to: number) => (value: number) =>
  from + (ticks.indexOf(value) / Math.max(1, ticks.length - 1)) * (to - from)

export function lineChart({ title, x, y, series }: LineChart): string {
  const all = series.flatMap(({ points }) => points)
  const ys = decades(all.map((point) => point.y))
  const xs =
    x.scale === 'log'
      ? decades(all.map((point) => point.x))
      : [...new Set(all.map((point) => point.x))].sort((a, b) => a - b)
  const xAt = (x.scale === 'log' ? logScale : stepScale)(xs, PLOT.left, PLOT.right)
  const yAt = logScale(ys, PLOT.bottom, PLOT.top)
  const number = (value: number) => value.toLocaleString('en')
  const pixel = (value: number) => value.toFixed(1)

  const grid = ys.map(
    (
      tick,
    ) => `<line class="grid" x1="${PLOT.left}" x2="${PLOT.right}" y1="${pixel(yAt(tick))}" y2="${pixel(yAt(tick))}"/>
  <text x="${PLOT.left - 8}" y="${pixel(yAt(tick) + 4)}" text-anchor="end">${number(tick)}</text>`,
  )
  const columns = xs.map(
    (tick) =>
      `<text x="${pixel(xAt(tick))}" y="${PLOT.bottom + 20}" text-anchor="middle">${number(tick)}</text>`,
  )
  const lines = series.map(({ name, points, isDashed }, i) => {
    const color = COLORS[i % COLORS.length]
    const path = points.map((point) => `${pixel(xAt(point.x))},${pixel(yAt(point.y))}`)
    const dots = points.map(
      (point) =>
        `<circle cx="${pixel(xAt(point.x))}" cy="${pixel(yAt(point.y))}" r="3.5" fill="${color}"/>`,
    )
    const [legendY, legendX] = [PLOT.top + 8 + i * 24, PLOT.right + 24]
    const stroke = `stroke="${color}" stroke-width="2"${isDashed ? ' stroke-dasharray="6 4"' : ''}`
    return `<polyline points="${path.join(' ')}" fill="none" ${stroke}/>
  ${dots.join('')}
  <line x1="${legendX}" x2="${legendX + 24}" y1="${legendY}" y2="${legendY}" ${stroke}/>
  <text x="${legendX + 32}" y="${legendY + 4}">${escaped(name)}</text>`
  })
  const middle = { x: (PLOT.left + PLOT.right) / 2, y: (PLOT.top + PLOT.bottom) / 2 }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">
  <style>${STYLE}
  </style>
  <rect class="paper" width="${WIDTH}" height="${HEIGHT}"/>
  <text class="title" x="${PLOT.left}" y="24">${escaped(title)}</text>
  ${[...grid, ...columns, ...lines].join('\n  ')}
  <text x="${middle.x}" y="${PLOT.bottom + 46}" text-anchor="middle">${escaped(x.label)}</text>
  <text x="18" y="${middle.y}" text-anchor="middle" transform="rotate(-90 18 ${middle.y})">${escaped(y.label)}</text>
</svg>
`
}
