import { type Email, renderEmail } from './layout.ts'

export type PasswordResetProps = {
  project: string
  name: string
  /** Where a new password is chosen, token included. */
  link: string
  /** How long the link works. */
  minutes: number
}

/** Leads to the page where a new password is chosen. */
export function passwordResetEmail({ project, name, link, minutes }: PasswordResetProps): Email {
  const unit = { style: 'unit', unit: 'minute', unitDisplay: 'long' } as const
  const time = new Intl.NumberFormat('en', unit).format(minutes)
  return renderEmail({
    project,
    subject: `Reset your ${project} password`,
    preview: `Choose a new password. The link works once, for ${time}.`,
    name,
    blocks: [
      `We were asked to reset the password of your ${project} account.`,
      { button: 'Choose a new password', link },
      `The link works once, for ${time}. Asking for another one makes it invalid.`,
      'If you did not ask for this, ignore this mail: your password stays as it is.',
    ],
    reason: 'You get this mail because somebody entered your address under “Forgot password”.',
  })
}
