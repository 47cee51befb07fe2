import { type Email, formatTime, renderEmail } from './layout.ts'

export type TestProps = { project: string; at: Date }

/** Shows an admin that mail arrives. */
export function testEmail({ project, at }: TestProps): Email {
  return renderEmail({
    project,
    subject: `Test mail from ${project}`,
    preview: 'Sending mail works.',
    blocks: [
      `If you can read this, ${project} can send mail.`,
      { facts: [['Sent', formatTime(at)]] },
    ],
    reason: 'You get this mail because an admin asked for a test.',
  })
}
