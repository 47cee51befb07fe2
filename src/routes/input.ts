import * as z from 'zod/mini'
import { withoutBreaks } from '../../emails/text.ts'
import { BODY_LIMIT } from '../middleware/validate.ts'
import { PASSWORD_MAX_BYTES } from '../passwords/hash.ts'
import { readsAsHost } from './host-like.ts'

/** Text that PostgreSQL can store: well-formed, and without NUL. */
export const text = (schema: z.ZodMiniString<string> = z.string()) =>
  schema.check(
    z.refine((value) => value.isWellFormed() && !value.includes('\0'), {
      message: 'contains control characters',
      abort: true,
    }),
  )

/**
 * A username or an email as it is stored, searched and counted: in NFKC, without the breaks that our emails
 * put into it, and without white space around it. NFKC comes first, as it makes `@`, dots and spaces of
 * other characters, and what is checked must be what is kept. Only SQL folds case.
 */
export const identifier = () =>
  z.string().check(z.normalize('NFKC'), z.overwrite(withoutBreaks), z.trim())

/**
 * Letters and marks of any script, digits, `_` and `-`, and single dots between them. No `@`, so that nobody
 * uses the email of another, and nothing invisible, which would make two names of what reads as one:
 * ignorable characters, the letters that Unicode has as blanks, and the joiners of scripts that few fonts
 * have. A stacker of scripts in use (Indic_Syllabic_Category=Invisible_Stacker: Burmese, Khmer, Tai Tham,
 * Sundanese, Meetei, Chakma) needs a letter to stack.
 */
const USERNAME =
  /^(?!.*(?:\.[.\p{M}]|[\p{Default_Ignorable_Code_Point}\u{13441}\u{13442}\u{16fe4}]|[\u2d7f\u{10a3f}\u{1107f}\u{113d0}\u{1193e}\u{11a47}\u{11a99}\u{11d45}\u{11d97}\u{11f42}\u{1bc9d}]|[\u1039\u17d2\u1a60\u1bab\uaaf6\u{11133}](?!\p{L})))[\p{L}\p{Nd}_-][\p{L}\p{M}\p{Nd}._-]*(?<!\.)$/u

const USERNAME_RULES =
  'Letters and digits of any script, `_`, `-`, and single dots between them; nothing that reads as a web address. Unique without regard to case. Length in UTF-16 code units'

export const Username = identifier()
  .check(
    z.minLength(3),
    z.maxLength(50),
    z.regex(USERNAME, {
      message:
        'must consist of letters, digits, ".", "_" and "-", with each "." between two others',
      abort: true,
    }),
    z.refine((name) => !readsAsHost(name), {
      message: 'must not read as a web address, such as "www.ada" or "ada.com"',
    }),
  )
  .check(z.meta({ description: USERNAME_RULES }))

/** A username as accounts have it from before these rules: it may stay, but nobody may take it. */
export const FormerUsername = identifier()
  .check(
    z.minLength(3),
    z.maxLength(50),
    z.regex(/^[^\p{C}@]+$/u, 'must not contain "@" or control characters'),
  )
  .check(z.meta({ description: USERNAME_RULES }))

/** RFC 5321 section 4.5.3.1.3: the longest path, less its angle brackets. */
export const EMAIL_MAX_LENGTH = 254

/** ASCII, which NFKC does not change. What it would turn into ASCII is rejected (CVE-2022-35924). */
export const Email = z
  .string()
  .check(
    z.overwrite(withoutBreaks),
    z.trim(),
    z.maxLength(EMAIL_MAX_LENGTH),
    z.regex(z.regexes.email, 'must be an email address'),
  )
  .check(z.meta({ description: 'Unique without regard to case', format: 'email' }))

/** Controls, and what is invisible: ignorable characters, annotations, blanks that are no white space. */
export const INVISIBLE =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb\u2800\u{13441}\u{13442}\u{16fe4}\u{1d159}]/u

/**
 * What names are written with all the same: emoji, variants of Han and Mongolian letters, and joiners in
 * the scripts that have them, also behind the last letter (Malayalam).
 */
export const WRITTEN = new RegExp(
  [
    '\\p{RGI_Emoji}|\\p{Extended_Pictographic}[\\ufe0e\\ufe0f]',
    '\\p{scx=Han}[\\ufe00-\\ufe02\\u{e0100}-\\u{e01ef}]|\\p{scx=Mongolian}[\\u180b-\\u180d\\u180f]',
    '[\\p{L}--[\\p{scx=Latin}\\p{scx=Greek}\\p{scx=Cyrillic}\\p{scx=Han}\\p{scx=Hangul}]][\\u200c\\u200d](?=[\\p{L}\\p{M}])',
    '[\\p{M}--\\p{scx=Inherited}][\\u200c\\u200d]',
  ].join('|'),
  'gv',
)

/** In this order: the emoji take milliseconds to compile, and most names need none of `WRITTEN`. */
const isVisible = (name: string) =>
  !INVISIBLE.test(name) || !INVISIBLE.test(name.replace(WRITTEN, ''))

export const FULL_NAME_MAX_LENGTH = 100

export const FullName = z
  .pipe(
    z.nullable(
      z.string().check(
        z.normalize('NFC'),
        z.trim(),
        z.maxLength(FULL_NAME_MAX_LENGTH),
        z.refine(isVisible, {
          message: 'must not contain control characters or invisible characters',
        }),
      ),
    ),
    z.transform((name) => name || null),
  )
  .check(
    z.meta({
      description:
        'Without control characters and invisible ones. Empty is null. Length in UTF-16 code units',
    }),
  )

/** A new password. The rest of the policy depends on the account: see `rejectWeakPassword`. */
export const NewPassword = text(z.string().check(z.minLength(8))).check(
  z.meta({
    description: `At least 8 characters (PASSWORD_MIN_LENGTH may ask for more) and at most ${PASSWORD_MAX_BYTES} bytes in UTF-8, both in NFKC; not a common password, not a name of the account`,
    maxLength: PASSWORD_MAX_BYTES,
  }),
)

/** A password to compare, exactly as typed. */
export const Password = text(z.string().check(z.minLength(1))).check(
  z.meta({ description: 'Only the size of the body bounds it', maxLength: BODY_LIMIT }),
)

/** Longer than any token we issue. */
const TOKEN_MAX_LENGTH = 512

export const Token = z.string().check(z.minLength(1), z.maxLength(TOKEN_MAX_LENGTH))

/** A name to log in with or to search for. Names that the rules no longer accept are among them. */
export const Identifier = text(identifier().check(z.minLength(1), z.maxLength(EMAIL_MAX_LENGTH)))

export const Credentials = z.pipe(
  z
    .object({
      username: z
        .optional(Identifier)
        .check(z.meta({ description: 'The username or the email. Required without `email`' })),
      email: z.optional(Identifier).check(z.meta({ description: 'In place of `username`' })),
      password: Password,
    })
    .check(z.meta({ id: 'LoginRequest' })),
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
export const Flag = z
  .stringbool({ truthy: ['true', '1'], falsy: ['false', '0'] })
  .check(z.meta({ type: 'boolean' }))

export const SessionId = z.object({ id: z.uuid() })

export const Message = z.object({ message: z.string() }).check(z.meta({ id: 'Message' }))
