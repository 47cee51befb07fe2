import { type Brand, type Email, formatTime, renderEmail } from './layout.ts'
import { ours, text } from './text.ts'

export type EmailChangedProps = {
  brand: Brand
  name: string
  oldEmail: string
  newEmail: string
  at: Date
}

/** Notifies of a changed address. The same email goes to the old and the new address. */
export function emailChangedEmail(props: EmailChangedProps): Email {
  const { name, oldEmail, newEmail, at } = props
  const project = ours(props.brand.name)
  return renderEmail({
    brand: props.brand,
    subject: text`The email address of your ${project} account was changed`,
    preview: text`If this was you, no action is needed.`,
    name,
    blocks: [
      text`Your ${project} account has a new email address. All emails now go there, including password resets.`,
      {
        facts: [
          [text`Old address`, text`${oldEmail}`],
          [text`New address`, text`${newEmail}`],
          [text`When`, formatTime(at)],
        ],
      },
      text`If this was you, no action is needed.`,
      text`If this was not you, someone else has access to your account. Sign in with your username, change your password, and change the address back. If you can no longer sign in, contact the people who run ${project} immediately.`,
    ],
    reason: text`This email was sent to both the old and the new address.`,
  })
}
