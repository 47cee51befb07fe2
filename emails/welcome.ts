import { type Email, renderEmail } from './layout.ts'

export type WelcomeProps = {
  project: string
  name: string
  username: string
  /** The frontend, if there is one. */
  link?: string | undefined
}

/** Welcomes a new user, with the username to sign in with. */
export function welcomeEmail({ project, name, username, link }: WelcomeProps): Email {
  return renderEmail({
    project,
    subject: `Welcome to ${project}`,
    preview: 'Your account is ready.',
    name,
    blocks: [
      `Your ${project} account is ready. You can sign in with your username or this email address.`,
      { facts: [['Username', username]] },
      ...(link === undefined ? [] : [{ button: `Open ${project}`, link }]),
      'If you did not sign up, someone entered your address by mistake. You can ignore this email.',
    ],
    reason: 'You received this email because an account was created with your address.',
  })
}
