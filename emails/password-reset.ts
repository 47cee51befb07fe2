import { type Brand, type Email, renderEmail } from './layout.ts'
import { ours, text } from './text.ts'

export type PasswordResetProps = {
  brand: Brand
  name: string
  /** The page to choose a new password, including the token. */
  link: string
  /** Until the link expires. */
  minutes: number
}

/** Links to the page to choose a new password. */
export function passwordResetEmail(props: PasswordResetProps): Email {
  const { name, link, minutes } = props
  const project = ours(props.brand.name)
  const unit = { style: 'unit', unit: 'minute', unitDisplay: 'long' } as const
  const time = new Intl.NumberFormat('en', unit).format(minutes)
  return renderEmail({
    brand: props.brand,
    subject: text`Reset your ${project} password`,
    preview: text`Choose a new password. The link expires in ${time}.`,
    name,
    blocks: [
      text`We received a request to reset the password of your ${project} account.`,
      { button: text`Choose a new password`, link: ours(link) },
      text`The link can be used once and expires in ${time}. A newer link makes it invalid.`,
      text`If you did not request this, ignore this email. Your password will not change.`,
    ],
    reason: text`You received this email because someone entered your address under “Forgot password”.`,
  })
}
