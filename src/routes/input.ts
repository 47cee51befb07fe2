import * as z from 'zod'
import { PASSWORD_MAX_BYTES } from '../passwords/hash.ts'

/** Text that PostgreSQL can store: well-formed, and without NUL. */
export const text = (schema: z.ZodString = z.string()) =>
  schema.refine((value) => value.isWellFormed() && !value.includes('\0'), {
    message: 'contains control characters',
    abort: true,
  })

/** No control characters, and no `@`: a username must never look like an email. */
const USERNAME = /^[^\p{C}@]+$/u

export const Username = z
  .string()
  .normalize('NFKC')
  .trim()
  .min(3)
  .max(50)
  .regex(USERNAME, 'must not contain "@" or control characters')
  .meta({ description: 'Unique without regard to case', example: 'ada' })

/** RFC 5321 section 4.5.3.1.3: the longest path, less its angle brackets. */
const EMAIL_MAX_LENGTH = 254

export const Email = z
  .string()
  .trim()
  .max(EMAIL_MAX_LENGTH)
  .regex(z.regexes.email, 'must be an email address')
  .meta({
    description: 'Unique without regard to case',
    format: 'email',
    example: 'ada@example.com',
  })

export const FullName = z
  .string()
  .normalize('NFC')
  .trim()
  .max(100)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not contain control characters')
  .nullable()
  .transform((name) => name || null)
  .meta({ example: 'Ada Lovelace' })

/** A new password. The rest of the policy depends on the account: see `rejectWeakPassword`. */
export const NewPassword = text(z.string().min(8)).meta({
  description: `At least 8 characters, at most ${PASSWORD_MAX_BYTES} bytes in UTF-8; not a common password, not a name of the account`,
  example: 'correct horse battery staple',
})

/** A password to compare, exactly as typed. */
export const Password = text(z.string().min(1)).meta({ example: 'correct horse battery staple' })

/** Longer than any token we issue. */
const TOKEN_MAX_LENGTH = 512

export const Token = z.string().min(1).max(TOKEN_MAX_LENGTH)

/** In the normal form in which usernames are stored: what was typed at registration logs in. */
const Identifier = text(z.string().normalize('NFKC').trim().min(1).max(EMAIL_MAX_LENGTH))

export const Credentials = z
  .object({
    username: Identifier.optional().meta({
      description: 'The username or the email',
      example: 'ada',
    }),
    email: Identifier.optional(),
    password: Password,
  })
  .transform(({ username, email, password }, context) => {
    const identifier = username ?? email
    if (identifier) return { identifier, password }
    context.addIssue({
      code: 'custom',
      path: ['username'],
      message: 'username or email is required',
    })
    return z.NEVER
  })

export const AccountId = z.object({ id: z.coerce.number().int().positive().max(2_147_483_647) })

export const SessionId = z.object({ id: z.uuid() })

export const Message = z.object({ message: z.string() }).meta({ id: 'Message' })
