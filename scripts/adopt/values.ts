/** Flags and times, in all the ways that a column may hold them as text. */

const FLAGS: Record<string, boolean> = {
  ...{ true: true, t: true, '1': true, yes: true, y: true, on: true },
  ...{ false: false, f: false, '0': false, no: false, n: false, off: false },
}

/** Undefined: neither true nor false. */
export const flagOf = (text: string | null | undefined): boolean | undefined =>
  FLAGS[text?.trim().toLowerCase() ?? '']

const TIME =
  /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d)(\.\d{1,6})?(?: ?(Z|[+-]\d\d(?::?\d\d)?))?)?$/

/** A service whose clock or zone was off wrote times that are to come. */
const AHEAD_MS = 24 * 60 * 60 * 1000

/**
 * A time as PostgreSQL writes it in UTC (`2024-02-29 12:00:00.123456+00`), if it is one between 1970 and a day
 * after `now`. Without a zone it is UTC, as the old service had it.
 */
export function timeOf(text: string | null | undefined, now: string): string | undefined {
  const [, date = '', clock = '00:00:00', fraction = '', zone = 'Z'] = TIME.exec(text ?? '') ?? []
  const offset =
    zone.length > 3 && !zone.includes(':') ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone
  const time = new Date(`${date}T${clock}${offset.length === 3 ? `${offset}:00` : offset}`)
  const ms = time.getTime()
  if (!(ms >= 0 && ms <= Date.parse(now) + AHEAD_MS)) return undefined
  const utc = time.toISOString().slice(0, 19)
  // 31 February is the beginning of March for JavaScript.
  if (/^(?:Z|\+00)/.test(offset) && utc !== `${date}T${clock}`) return undefined
  return `${utc.replace('T', ' ')}${fraction.replace(/\.?0+$/, '')}+00`
}
