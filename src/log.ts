const LEVELS = { debug: 0, info: 1, warn: 2, error: 3 } as const

export type Level = keyof typeof LEVELS

/**
 * What a line may contain besides the fixed fields: short words and numbers, no user input. The one exception
 * is an origin, checked by its form (middleware/cross-origin.ts).
 */
export type LogFields = Record<string, string | number | boolean | null | undefined>

let threshold: Level = 'info'

export const setLogLevel = (level: Level) => {
  threshold = level
}

type Observer = (level: Level, event: string, fields: LogFields) => void

let observe: Observer | undefined

/** Calls this with every event, also those below the log level. */
export const observeLog = (observer: Observer | undefined) => {
  observe = observer
}

/** Writes one line of JSON. JSON escapes CR and LF, so nothing can make a second line. */
export function writeLog(level: Level, event: string, fields: LogFields = {}) {
  observe?.(level, event, fields)
  if (LEVELS[level] < LEVELS[threshold]) return
  console.log(JSON.stringify({ time: new Date().toISOString(), level, event, ...fields }))
}

/** The part of Hono's context that a line is about. */
type Request = { var: { requestId: string } }

/** The same, with the id of the request it belongs to. */
export const log = (c: Request, level: Level, event: string, fields: LogFields = {}) =>
  writeLog(level, event, { request_id: c.var.requestId, ...fields })
