import { type Email, renderEmail } from './layout.ts'

export type PasswordResetProps = {
  project: string
  name: string
  /** The page to choose a new password, including the token. */
  link: string
  /** Until the link expires. */
  minutes: number
}

/** Links to the page to choose a new password. */
export function passwordResetEmail({ project, name, link, minutes }: PasswordResetProps): Email {
  const unit = { style: 'unit', unit: 'minute', unitDisplay: 'long' } as const
  const time = new Intl.NumberFormat('en', unit).format(minutes)
  return renderEmail({
    project,
    subject: `Reset your ${project} password`,
    preview: `Choose a new password. The link expires in ${time}.`,
    name,
    blocks: [
      `We received a request to reset the password of your ${project} account.`,
      { button: 'Choose a new password', link },
      `The link can be used once and expires in ${time}. Requesting a new link makes it invalid.`,
      'If you did not request this, ignore this email. Your password will not change.',
    ],
    reason: 'You received this email because someone entered your address under “Forgot password”.',
  })
}
