import { type Email, formatTime, renderEmail } from './layout.ts'

export type EmailChangedProps = {
  project: string
  name: string
  oldEmail: string
  newEmail: string
  at: Date
}

/** Notifies of a changed address. The same email goes to the old and the new address. */
export function emailChangedEmail(props: EmailChangedProps): Email {
  const { project, name, oldEmail, newEmail, at } = props
  return renderEmail({
    project,
    subject: `The email address of your ${project} account was changed`,
    preview: 'If this was you, no action is needed.',
    name,
    blocks: [
      `Your ${project} account has a new email address. All emails now go there, including password resets.`,
      {
        facts: [
          ['Old address', oldEmail],
          ['New address', newEmail],
          ['When', formatTime(at)],
        ],
      },
      'If this was you, no action is needed.',
      `If this was not you, someone else has access to your account. Sign in with your username, change your password, and change the address back. If you can no longer sign in, contact the people who run ${project} immediately.`,
    ],
    reason: 'This email was sent to both the old and the new address.',
  })
}
