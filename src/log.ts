const LEVELS = { debug: 0, info: 1, warn: 2, error: 3 } as const

export type Level = keyof typeof LEVELS

/**
 * What a line may contain besides the fixed fields: short words and numbers, no user input. The one exception
 * is an origin, checked by its form (middleware/cross-origin.ts).
 */
type Fields = Record<string, string | number | boolean | null | undefined>

let threshold: Level = 'info'

export const setLogLevel = (level: Level) => {
  threshold = level
}

/** Writes one line of JSON. JSON escapes CR and LF, so nothing can make a second line. */
export function writeLog(level: Level, event: string, fields: Fields = {}) {
  if (LEVELS[level] < LEVELS[threshold]) return
  console.log(JSON.stringify({ time: new Date().toISOString(), level, event, ...fields }))
}

/** The part of Hono's context that a line is about. */
type Request = { var: { requestId: string } }

/** The same, with the id of the request it belongs to. */
export const log = (c: Request, level: Level, event: string, fields: Fields = {}) =>
  writeLog(level, event, { request_id: c.var.requestId, ...fields })
