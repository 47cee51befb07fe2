import { type Brand, type Email, renderEmail } from './layout.ts'
import { ours, text } from './text.ts'

export type WelcomeProps = {
  brand: Brand
  name: string
  username: string
  /** The frontend, if there is one. */
  link?: string | undefined
}

/** Welcomes a new user, with the username to sign in with. */
export function welcomeEmail(props: WelcomeProps): Email {
  const { name, username, link } = props
  const project = ours(props.brand.name)
  return renderEmail({
    brand: props.brand,
    subject: text`Welcome to ${project}`,
    preview: text`Your account is ready.`,
    name,
    blocks: [
      text`Your ${project} account is ready. You can sign in with your username or this email address.`,
      { facts: [[text`Username`, text`${username}`]] },
      ...(link === undefined ? [] : [{ button: text`Open ${project}`, link: ours(link) }]),
      text`If you did not sign up, someone entered your address by mistake. You can ignore this email.`,
    ],
    reason: text`You received this email because an account was created with your address.`,
  })
}
