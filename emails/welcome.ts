import { type Email, renderEmail } from './layout.ts'

export type WelcomeProps = {
  project: string
  name: string
  username: string
  /** The frontend, where there is one. */
  link?: string | undefined
}

/** Greets a new account and names what one signs in with. */
export function welcomeEmail({ project, name, username, link }: WelcomeProps): Email {
  return renderEmail({
    project,
    subject: `Welcome to ${project}`,
    preview: 'Your account is ready.',
    name,
    blocks: [
      `Your ${project} account is ready. Sign in with your username or this email address.`,
      { facts: [['Username', username]] },
      ...(link === undefined ? [] : [{ button: `Open ${project}`, link }]),
      'If you did not sign up, somebody mistyped their address, and you can ignore this mail.',
    ],
    reason: 'You get this mail because an account was opened with your address.',
  })
}
