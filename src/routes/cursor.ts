import * as z from 'zod/mini'

/** A cursor is opaque to clients: JSON in base64url (RFC 4648 section 5). Forged ones are 422. */
export const cursorOf = <Position extends z.ZodMiniType>(position: Position) =>
  z.pipe(
    z.pipe(
      z.base64url().check(z.maxLength(1024)),
      z.transform((text, context) => {
        try {
          return JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown
        } catch {
          context.issues.push({ code: 'custom', input: text, message: 'is not a valid cursor' })
          return z.NEVER
        }
      }),
    ),
    position,
  )

export const encodeCursor = (position: unknown): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url')
