import * as z from 'zod/mini'
import { PASSWORD_MAX_BYTES } from '../passwords/hash.ts'

/** Text that PostgreSQL can store: well-formed, and without NUL. */
export const text = (schema: z.ZodMiniString<string> = z.string()) =>
  schema.check(
    z.refine((value) => value.isWellFormed() && !value.includes('\0'), {
      message: 'contains control characters',
      abort: true,
    }),
  )

/** No control characters, and no `@`: a username must never look like an email. */
const USERNAME = /^[^\p{C}@]+$/u

export const Username = z
  .string()
  .check(
    z.normalize('NFKC'),
    z.trim(),
    z.minLength(3),
    z.maxLength(50),
    z.regex(USERNAME, 'must not contain "@" or control characters'),
  )
  .check(z.meta({ description: 'Unique without regard to case', example: 'ada' }))

/** RFC 5321 section 4.5.3.1.3: the longest path, less its angle brackets. */
const EMAIL_MAX_LENGTH = 254

export const Email = z
  .string()
  .check(
    z.trim(),
    z.maxLength(EMAIL_MAX_LENGTH),
    z.regex(z.regexes.email, 'must be an email address'),
  )
  .check(
    z.meta({
      description: 'Unique without regard to case',
      format: 'email',
      example: 'ada@example.com',
    }),
  )

export const FullName = z
  .pipe(
    z.nullable(
      z
        .string()
        .check(
          z.normalize('NFC'),
          z.trim(),
          z.maxLength(100),
          z.regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not contain control characters'),
        ),
    ),
    z.transform((name) => name || null),
  )
  .check(z.meta({ example: 'Ada Lovelace' }))

/** A new password. The rest of the policy depends on the account: see `rejectWeakPassword`. */
export const NewPassword = text(z.string().check(z.minLength(8))).check(
  z.meta({
    description: `At least 8 characters, at most ${PASSWORD_MAX_BYTES} bytes in UTF-8; not a common password, not a name of the account`,
    example: 'correct horse battery staple',
  }),
)

/** A password to compare, exactly as typed. */
export const Password = text(z.string().check(z.minLength(1))).check(
  z.meta({
    example: 'correct horse battery staple',
  }),
)

/** Longer than any token we issue. */
const TOKEN_MAX_LENGTH = 512

export const Token = z.string().check(z.minLength(1), z.maxLength(TOKEN_MAX_LENGTH))

/** In the normal form in which usernames are stored: what was typed at registration logs in. */
const Identifier = text(
  z.string().check(z.normalize('NFKC'), z.trim(), z.minLength(1), z.maxLength(EMAIL_MAX_LENGTH)),
)

export const Credentials = z.pipe(
  z.object({
    username: z.optional(Identifier).check(
      z.meta({
        description: 'The username or the email',
        example: 'ada',
      }),
    ),
    email: z.optional(Identifier),
    password: Password,
  }),
  z.transform(({ username, email, password }, context) => {
    const identifier = username ?? email
    if (identifier) return { identifier, password }
    context.issues.push({
      code: 'custom',
      input: { username, email },
      path: ['username'],
      message: 'username or email is required',
    })
    return z.NEVER
  }),
)

export const AccountId = z.object({
  id: z.coerce.number().check(z.int(), z.positive(), z.maximum(2_147_483_647)),
})

/** A query parameter that is on or off. */
export const Flag = z.stringbool({ truthy: ['true', '1'], falsy: ['false', '0'] })

export const SessionId = z.object({ id: z.uuid() })

export const Message = z.object({ message: z.string() }).check(z.meta({ id: 'Message' }))
