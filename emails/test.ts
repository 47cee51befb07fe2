import { type Brand, type Email, formatTime, renderEmail } from './layout.ts'
import { ours, text } from './text.ts'

export type TestProps = { brand: Brand; at: Date }

/** Lets an admin check that email is delivered. */
export function testEmail(props: TestProps): Email {
  const project = ours(props.brand.name)
  return renderEmail({
    brand: props.brand,
    subject: text`Test email from ${project}`,
    preview: text`Sending email works.`,
    blocks: [
      text`If you can read this, ${project} can send email.`,
      { facts: [[text`Sent`, formatTime(props.at)]] },
    ],
    reason: text`You received this email because an admin sent a test.`,
  })
}
