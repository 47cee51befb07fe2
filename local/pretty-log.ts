/** Formats the Worker's log, one JSON object per line, for a terminal. Other lines are unchanged. */
import { stripVTControlCharacters, styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

const LEVELS: Record<string, Style> = { debug: 'dim', info: 'cyan', warn: 'yellow', error: 'red' }
/** Shown first, in a fixed order. The other fields follow as `key=value`. */
const LEADING_FIELDS = new Set('time level event method route path status duration_ms'.split(' '))
/** `request_id` is long. Its beginning is enough to match it to an X-Request-ID header. */
const SHORT_ID_LENGTH = 8

/**
 * Wrangler's own lines for requests and queue batches, which the Worker logs in more detail, and the
 * table of bindings that it prints again after each reload.
 */
const WRANGLER_NOISE =
  /^\[wrangler:info\] ([A-Z]+ \S+ \d{3} |QUEUE )|^env\.\w+ |^Your Worker has access to|^Binding +Resource|^⎔ Connection status updated|^🪵/u

function parseLine(line: string): Map<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value !== 'object' || value === null || !('level' in value)) return undefined
    return new Map(Object.entries(value))
  } catch {
    return undefined
  }
}

/** What to do about an event, where its fields don't say. */
function adviceOn(event: string, origin: string): string {
  if (event !== 'origin_not_allowed') return ''
  return origin === 'null'
    ? '→ a page opened as a file has no origin: serve it over http'
    : '→ to let its pages call the service, add it to CORS_ORIGINS in .dev.vars'
}

function statusStyle(status: unknown): Style {
  const code = Number(status)
  if (code >= 500) return 'red'
  return code >= 400 ? 'yellow' : 'green'
}

/**
 * @param color whether to use ANSI colors
 * @returns the line to show, or undefined to show nothing
 */
export function prettyLine(line: string, color: boolean): string | undefined {
  if (WRANGLER_NOISE.test(stripVTControlCharacters(line))) return undefined
  const entry = parseLine(line)
  if (entry === undefined) return line
  const paint = (style: Style, text: string) =>
    color ? styleText(style, text, { validateStream: false }) : text
  const get = (key: string) => (entry.has(key) ? String(entry.get(key)) : '')

  const level = get('level')
  const parts = [
    paint('dim', get('time').slice(11, 23)),
    paint(LEVELS[level] ?? 'cyan', level.padEnd(5)),
    paint('bold', get('event')),
    get('method'),
    get('route') || get('path'),
    entry.has('status') ? paint(statusStyle(entry.get('status')), get('status')) : '',
    entry.has('duration_ms') ? `${get('duration_ms')} ms` : '',
  ]
  for (const [key, value] of entry) {
    if (LEADING_FIELDS.has(key) || value === null || value === undefined) continue
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    parts.push(
      paint('dim', `${key}=${key === 'request_id' ? text.slice(0, SHORT_ID_LENGTH) : text}`),
    )
  }
  parts.push(paint('yellow', adviceOn(get('event'), get('origin'))))
  return parts.filter(Boolean).join(' ')
}
