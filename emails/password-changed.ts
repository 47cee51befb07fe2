import { type Email, type Fact, formatTime, renderEmail } from './layout.ts'

export type PasswordChangedProps = {
  project: string
  name: string
  at: Date
  /** The device or place as the session list names it; null where it is not known. */
  place: string | null
}

/** Tells the owner of a changed or reset password, and what to do if it was somebody else. */
export function passwordChangedEmail({ project, name, at, place }: PasswordChangedProps): Email {
  const facts: Fact[] = [['When', formatTime(at)]]
  if (place !== null) facts.push(['Where', place])
  return renderEmail({
    project,
    subject: `Your ${project} password was changed`,
    preview: 'If it was you, there is nothing to do.',
    name,
    blocks: [
      `The password of your ${project} account was changed. All other devices are signed out.`,
      { facts },
      'If it was you, there is nothing to do.',
      'If it was not you, choose “Forgot password” on the sign-in page now: a new password puts everybody else out. Then change the password of your mailbox too, since whoever reads your mail can reset your password.',
    ],
    reason: 'You get this mail because it is about the safety of your account.',
  })
}
