const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const DATE = new Intl.DateTimeFormat('en', { dateStyle: 'medium' })

/** Until a week ago in words, then the date. */
export function ago(time: string): string {
  const minutes = (Date.parse(time) - Date.now()) / 60_000
  if (minutes > -1) return 'just now'
  if (minutes > -60) return RELATIVE.format(Math.ceil(minutes), 'minute')
  if (minutes > -24 * 60) return RELATIVE.format(Math.ceil(minutes / 60), 'hour')
  if (minutes > -7 * 24 * 60) return RELATIVE.format(Math.ceil(minutes / 60 / 24), 'day')
  return date(time)
}

/** In one piece, wherever a line breaks. */
export const date = (time: string) => DATE.format(new Date(time)).replaceAll(' ', '\u00a0')
