import * as z from 'zod'

/** A cursor is opaque to clients: JSON in base64url (RFC 4648 section 5). Forged ones are 422. */
export const cursorOf = <Position extends z.ZodType>(position: Position) =>
  z
    .base64url()
    .max(1024)
    .transform((text, context) => {
      try {
        return JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown
      } catch {
        context.addIssue({ code: 'custom', message: 'is not a valid cursor' })
        return z.NEVER
      }
    })
    .pipe(position)

export const encodeCursor = (position: unknown): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url')
