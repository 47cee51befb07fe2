/** Dashboards in Grafana's format. `schemaVersion` 42 is that of Grafana 12 and 13. */
import type { Dashboard, Panel } from './panel.ts'

/** Grafana's grid. */
const COLUMNS = 24
const STAT = { w: 6, h: 4 }
const GRAPH = { w: 12, h: 8 }

/** Chosen in Grafana, so that a dashboard suits any of its Prometheus servers. */
const DATASOURCE = { type: 'prometheus', uid: '$datasource' }

const REF_IDS = 'ABCDEFGH'

export const grafanaDashboard = ({ uid, title, description, panels }: Dashboard) => ({
  uid,
  title,
  description,
  tags: ['accounts'],
  schemaVersion: 42,
  editable: true,
  graphTooltip: 1,
  refresh: '30s',
  timezone: 'browser',
  time: { from: 'now-6h', to: 'now' },
  // From each dashboard to the others.
  links: [
    {
      type: 'dashboards',
      title: 'Accounts',
      tags: ['accounts'],
      asDropdown: false,
      keepTime: true,
      includeVars: true,
    },
  ],
  templating: {
    list: [
      { type: 'datasource', name: 'datasource', label: 'Prometheus', query: 'prometheus' },
      {
        type: 'query',
        name: 'instance',
        label: 'Service',
        datasource: DATASOURCE,
        query: { query: 'label_values(adl_application_info, instance)', refId: 'instance' },
        refresh: 2,
        includeAll: true,
        multi: true,
        current: { text: 'All', value: '$__all' },
      },
    ],
  },
  panels: placed(panels).map(({ panel, gridPos }, i) => grafanaPanel(panel, gridPos, i + 1)),
})

type GridPos = { x: number; y: number; w: number; h: number }

/** From left to right, in rows of one height. */
function placed(panels: readonly Panel[]): { panel: Panel; gridPos: GridPos }[] {
  let [x, y, height] = [0, 0, 0]
  return panels.map((panel) => {
    const { w, h } = panel.type === 'stat' ? STAT : GRAPH
    if (x + w > COLUMNS || (x > 0 && h !== height)) {
      x = 0
      y += height
    }
    const gridPos = { x, y, w, h }
    x += w
    height = h
    return { panel, gridPos }
  })
}

function grafanaPanel(panel: Panel, gridPos: GridPos, id: number) {
  const { type, title, description, unit, queries, thresholds, isStacked, isUpOrDown } = panel
  const steps = isUpOrDown
    ? [step('red', null), step('green', 1)]
    : thresholds
      ? [
          step('green', null),
          ...(thresholds.yellow === undefined ? [] : [step('yellow', thresholds.yellow)]),
          step('red', thresholds.red),
        ]
      : [step('text', null)]
  const isStat = type === 'stat'
  return {
    id,
    type,
    title,
    description,
    gridPos,
    datasource: DATASOURCE,
    targets: Object.entries(queries).map(([legendFormat, expr], i) => ({
      refId: REF_IDS[i],
      datasource: DATASOURCE,
      expr,
      legendFormat,
      range: !isStat,
      instant: isStat,
    })),
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        ...(isStat
          ? { thresholds: { mode: 'absolute', steps } }
          : {
              custom: {
                lineWidth: 2,
                fillOpacity: isStacked ? 30 : 0,
                stacking: { mode: isStacked ? 'normal' : 'none' },
              },
            }),
        ...(isUpOrDown && { mappings: [UP_OR_DOWN] }),
      },
      overrides: [],
    },
    options: isStat
      ? {
          reduceOptions: { calcs: ['lastNotNull'] },
          colorMode: 'value',
          textMode: Object.keys(queries).some((legend) => legend.includes('{{'))
            ? 'value_and_name'
            : 'value',
        }
      : {
          legend: { showLegend: true, displayMode: 'list', placement: 'bottom' },
          tooltip: { mode: 'multi', sort: 'desc' },
        },
  }
}

const step = (color: string, value: number | null) => ({ color, value })

const UP_OR_DOWN = {
  type: 'value',
  options: { 0: { text: 'down', index: 0 }, 1: { text: 'up', index: 1 } },
}
