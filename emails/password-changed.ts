import { type Brand, type Email, type Fact, formatTime, renderEmail } from './layout.ts'
import { ours, text } from './text.ts'

export type PasswordChangedProps = {
  brand: Brand
  name: string
  at: Date
  /** The device or place, as in the list of sessions. Null if unknown. */
  place: string | null
}

/** Notifies the owner of a changed or reset password, with what to do if it was someone else. */
export function passwordChangedEmail(props: PasswordChangedProps): Email {
  const { name, at, place } = props
  const project = ours(props.brand.name)
  const facts: Fact[] = [[text`When`, formatTime(at)]]
  if (place !== null) facts.push([text`Where`, text`${place}`])
  return renderEmail({
    brand: props.brand,
    subject: text`Your ${project} password was changed`,
    preview: text`If this was you, no action is needed.`,
    name,
    blocks: [
      text`The password of your ${project} account was changed. All other devices were signed out.`,
      { facts },
      text`If this was you, no action is needed.`,
      text`If this was not you, choose “Forgot password” on the sign-in page now. Setting a new password signs everyone else out. Then change the password of your email account too, because anyone who can read your email can reset your password.`,
    ],
    reason: text`You received this email because it concerns the security of your account.`,
  })
}
