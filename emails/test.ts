import { type Email, formatTime, renderEmail } from './layout.ts'

export type TestProps = { project: string; at: Date }

/** Lets an admin check that email is delivered. */
export function testEmail({ project, at }: TestProps): Email {
  return renderEmail({
    project,
    subject: `Test email from ${project}`,
    preview: 'Sending email works.',
    blocks: [
      `If you can read this, ${project} can send email.`,
      { facts: [['Sent', formatTime(at)]] },
    ],
    reason: 'You received this email because an admin sent a test.',
  })
}
