import * as z from 'zod/mini'

const DAY_MS = 24 * 60 * 60 * 1000

/** Seconds that a refresh token of the former service lived, unless its own variable said more: 7 days. */
const REFRESH_TOKEN_SECONDS = 7 * 24 * 60 * 60

/**
 * The furthest that the end may be away. The last tokens are made on the day of the switch and live 7 days;
 * this leaves three weeks to prepare, or covers those of 30 days.
 */
const MAX_DAYS = 30

/** The end of a day, in UTC and milliseconds since the epoch. */
const endOf = (day: string) => Date.parse(day) + DAY_MS

const lastDay = z.iso
  .date('must be a date, such as 2026-12-31: the last day on which old tokens are accepted')
  .check(
    // Of no date it says nothing.
    z.refine((day) => !(endOf(day) > Date.now() + (MAX_DAYS + 1) * DAY_MS), {
      message: `must be at most ${MAX_DAYS} days ahead`,
    }),
  )

export const LegacyVariables = z.object({
  /** `SECRET_KEY` of the former service. Any text: it can't be chosen any more. */
  LEGACY_SECRET_KEY: z.optional(z.string()),
  LEGACY_UNTIL: z.optional(lastDay),
})

/** `refreshTokenSeconds`: of this service, which may have been that of the former one. */
export const legacyOf = (
  { LEGACY_SECRET_KEY: secretKey, LEGACY_UNTIL: day }: z.output<typeof LegacyVariables>,
  refreshTokenSeconds: number,
) =>
  secretKey && day
    ? {
        secretKey,
        until: endOf(day),
        longestLife: Math.max(REFRESH_TOKEN_SECONDS, refreshTokenSeconds),
      }
    : undefined
