/** A panel of a dashboard as SVG: lines or areas over time, or numbers. */
import type { Panel, Unit } from '../../scripts/dashboards/panel.ts'
import { COLORS, escaped } from './line-chart.ts'

/** Pixels. */
export type Box = { x: number; y: number; width: number; height: number }

/** A series with its legend; values by time in Unix seconds. */
export type Line = { name: string; values: [time: number, value: number][] }

export type Range = { start: number; end: number }

const MARGIN = { left: 72, right: 16, top: 36, bottom: 62 }
const LEGEND_LINE = 17
const GRID_LINES = 4
const MOST_TIMES = 6

/** About how wide a letter of the legend is. */
const LETTER = 6.8

/** Legends in the order of their last values, and no more than fit. */
const MOST_LINES = COLORS.length

const UNITS: Record<Unit, (value: number) => string> = {
  short: (value) => rounded(value),
  reqps: (value) => `${rounded(value)} req/s`,
  s: (value) => (value >= 1 || value === 0 ? `${rounded(value)} s` : `${rounded(value * 1000)} ms`),
  percentunit: (value) => `${rounded(value * 100)} %`,
  d: (value) => `${rounded(value)} d`,
}

const rounded = (value: number) => Number(value.toPrecision(3)).toLocaleString('en')

export function panelSvg(panel: Panel, lines: Line[], box: Box, range: Range): string {
  const body = panel.type === 'stat' ? stat(panel, lines, box) : graph(panel, lines, box, range)
  return `<g transform="translate(${box.x} ${box.y})">
  <rect class="panel" width="${box.width}" height="${box.height}" rx="4"/>
  <text class="name" x="14" y="23">${escaped(panel.title)}</text>
  ${body}
</g>`
}

function stat({ unit, thresholds, isUpOrDown, queries }: Panel, lines: Line[], box: Box): string {
  const isNamed = Object.keys(queries).some((legend) => legend.includes('{{'))
  const width = box.width / Math.max(1, lines.length)
  return lines
    .map(({ name, values }, i) => {
      const value = values.at(-1)?.[1] ?? 0
      const text = isUpOrDown ? (value === 1 ? 'up' : 'down') : UNITS[unit](value)
      const isBad = isUpOrDown ? value !== 1 : thresholds !== undefined && value >= thresholds.red
      const isSuspect = thresholds?.yellow !== undefined && value >= thresholds.yellow
      const color = isBad ? 'bad' : isSuspect ? 'suspect' : isUpOrDown || thresholds ? 'good' : ''
      const middle = (i + 0.5) * width
      const label = isNamed
        ? `<text class="quiet" x="${middle}" y="${box.height - 16}" text-anchor="middle">${escaped(name)}</text>`
        : ''
      return `<text class="number ${color}" x="${middle}" y="${box.height / 2 + (isNamed ? 14 : 24)}" text-anchor="middle">${escaped(text)}</text>${label}`
    })
    .join('\n  ')
}

/** A round number of which `count` reach this value. */
function stepFor(most: number, count: number): number {
  const rough = most / count || 1
  const power = 10 ** Math.floor(Math.log10(rough))
  return ([1, 2, 2.5, 5].find((factor) => factor * power >= rough) ?? 10) * power
}

function graph(panel: Panel, found: Line[], box: Box, range: Range): string {
  const plot = {
    left: MARGIN.left,
    right: box.width - MARGIN.right,
    top: MARGIN.top,
    bottom: box.height - MARGIN.bottom,
  }
  if (found.length === 0) {
    return `<text class="quiet" x="${box.width / 2}" y="${box.height / 2}" text-anchor="middle">No data</text>`
  }
  const lines = found
    .toSorted((a, b) => (b.values.at(-1)?.[1] ?? 0) - (a.values.at(-1)?.[1] ?? 0))
    .slice(0, MOST_LINES)
  const tops = panel.isStacked ? stacked(lines) : lines
  const most = Math.max(0, ...tops.flatMap(({ values }) => values.map(([, value]) => value)))
  const step = stepFor(most, GRID_LINES)
  const xAt = (time: number) =>
    plot.left + ((time - range.start) / (range.end - range.start)) * (plot.right - plot.left)
  const yAt = (value: number) =>
    plot.bottom - (value / (step * GRID_LINES)) * (plot.bottom - plot.top)
  const pixel = (value: number) => value.toFixed(1)
  const path = (values: Line['values']) =>
    values.map(([time, value]) => `${pixel(xAt(time))},${pixel(yAt(value))}`).join(' ')

  const grid = Array.from({ length: GRID_LINES + 1 }, (_, i) => {
    const y = pixel(yAt(i * step))
    return `<line class="grid" x1="${plot.left}" x2="${plot.right}" y1="${y}" y2="${y}"/><text class="quiet" x="${plot.left - 8}" y="${Number(y) + 4}" text-anchor="end">${UNITS[panel.unit](i * step)}</text>`
  })
  const minutes = (range.end - range.start) / 60
  const apart = Math.max(1, stepFor(minutes, MOST_TIMES))
  const times = Array.from({ length: Math.floor(minutes / apart) + 1 }, (_, i) => {
    const x = xAt(range.end - i * apart * 60)
    const label = i === 0 ? 'now' : `−${i * apart} min`
    return `<text class="quiet" x="${pixel(x)}" y="${plot.bottom + 18}" text-anchor="${i === 0 ? 'end' : 'middle'}">${label}</text>`
  })
  const drawn = tops.map(({ values }, i) => {
    const color = COLORS[i % COLORS.length]
    const below = tops[i + 1]?.values ?? values.map(([time]): [number, number] => [time, 0])
    const area = panel.isStacked
      ? `<polygon points="${path(values)} ${path(below.toReversed())}" fill="${color}" fill-opacity="0.35"/>`
      : ''
    return `${area}<polyline points="${path(values)}" fill="none" stroke="${color}" stroke-width="2"/>`
  })
  return [...grid, ...times, ...drawn, legend(lines, plot.left, plot.bottom + 38, plot.right)].join(
    '\n  ',
  )
}

/** Each line on top of those after it. */
function stacked(lines: Line[]): Line[] {
  const below = new Map<number, number>()
  return lines
    .toReversed()
    .map(({ name, values }) => ({
      name,
      values: values.map(([time, value]): [number, number] => {
        const top = (below.get(time) ?? 0) + value
        below.set(time, top)
        return [time, top]
      }),
    }))
    .toReversed()
}

/** Two rows; what does not fit is left out. */
function legend(lines: Line[], left: number, top: number, right: number): string {
  let [x, y] = [left, top]
  return lines
    .flatMap(({ name }, i) => {
      const width = 22 + name.length * LETTER + 14
      if (x > left && x + width > right) [x, y] = [left, y + LEGEND_LINE]
      if (y > top + LEGEND_LINE) return []
      const mark = `<rect x="${x.toFixed(1)}" y="${y - 6}" width="14" height="3" fill="${COLORS[i % COLORS.length]}"/><text x="${(x + 20).toFixed(1)}" y="${y}">${escaped(name)}</text>`
      x += width
      return [mark]
    })
    .join('')
}
