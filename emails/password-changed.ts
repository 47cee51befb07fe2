import { type Email, type Fact, formatTime, renderEmail } from './layout.ts'

export type PasswordChangedProps = {
  project: string
  name: string
  at: Date
  /** The device or place, as in the list of sessions. Null if unknown. */
  place: string | null
}

/** Notifies the owner of a changed or reset password, with what to do if it was someone else. */
export function passwordChangedEmail({ project, name, at, place }: PasswordChangedProps): Email {
  const facts: Fact[] = [['When', formatTime(at)]]
  if (place !== null) facts.push(['Where', place])
  return renderEmail({
    project,
    subject: `Your ${project} password was changed`,
    preview: 'If this was you, no action is needed.',
    name,
    blocks: [
      `The password of your ${project} account was changed. All other devices were signed out.`,
      { facts },
      'If this was you, no action is needed.',
      'If this was not you, choose “Forgot password” on the sign-in page now. Setting a new password signs everyone else out. Then change the password of your email account too, because anyone who can read your email can reset your password.',
    ],
    reason: 'You received this email because it concerns the security of your account.',
  })
}
