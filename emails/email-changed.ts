import { type Email, formatTime, renderEmail } from './layout.ts'

export type EmailChangedProps = {
  project: string
  name: string
  oldEmail: string
  newEmail: string
  at: Date
}

/** Tells of a changed address. The same mail suits the old address and the new one. */
export function emailChangedEmail(props: EmailChangedProps): Email {
  const { project, name, oldEmail, newEmail, at } = props
  return renderEmail({
    project,
    subject: `The email address of your ${project} account was changed`,
    preview: 'If it was you, there is nothing to do.',
    name,
    blocks: [
      `Your ${project} account has a new email address. From now on mail, password resets included, goes there.`,
      {
        facts: [
          ['Old address', oldEmail],
          ['New address', newEmail],
          ['When', formatTime(at)],
        ],
      },
      'If it was you, there is nothing to do.',
      `If it was not you, somebody else can use your account. Sign in with your username, change your password and set the address back. If you can no longer sign in, tell the people who run ${project} at once.`,
    ],
    reason: 'This mail goes to the old address and to the new one.',
  })
}
