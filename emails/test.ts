import { type Email, formatTime, renderEmail } from './layout.ts'
import { ours, text } from './text.ts'

export type TestProps = { project: string; at: Date }

/** Lets an admin check that email is delivered. */
export function testEmail(props: TestProps): Email {
  const project = ours(props.project)
  return renderEmail({
    project,
    subject: text`Test email from ${project}`,
    preview: text`Sending email works.`,
    blocks: [
      text`If you can read this, ${project} can send email.`,
      { facts: [[text`Sent`, formatTime(props.at)]] },
    ],
    reason: text`You received this email because an admin sent a test.`,
  })
}
