import { useState } from 'react'
import { accounts } from '../accounts.ts'
import { Card } from '../parts/Card.tsx'
import { Field } from '../parts/Field.tsx'
import { Form } from '../parts/Form.tsx'
import { Link } from '../router.tsx'

export function ForgotPassword() {
  const [sentTo, setSentTo] = useState<string>()
  const footer = <Link to="/sign-in">Back to sign in</Link>

  if (sentTo !== undefined) {
    // The same for an address without an account: nobody learns who has one.
    return (
      <Card
        title="Check your email"
        lead={
          <>
            If <strong>{sentTo}</strong> has an account, a link to choose a new password is on its
            way. It works once.
          </>
        }
        footer={footer}
      >
        <p className="lead">
          No email? Look in the spam folder, or{' '}
          <button type="button" className="link" onClick={() => setSentTo(undefined)}>
            try another address
          </button>
          .
        </p>
      </Card>
    )
  }
  return (
    <Card
      title="Forgot your password?"
      lead="Enter the email of your account, and we send you a link to choose a new one."
      footer={footer}
    >
      <Form
        button="Send the link"
        submit={async ({ email = '' }) => {
          await accounts.requestUserPasswordReset({ email })
          setSentTo(email)
          return undefined
        }}
      >
        <Field label="Email" name="email" type="email" autoComplete="email" maxLength={254} />
      </Form>
    </Card>
  )
}
