import { ApiError } from 'edge-accounts-client'
import { useState } from 'react'
import { accounts, PASSWORD_MIN_LENGTH } from '../accounts.ts'
import { useLoad } from '../load.ts'
import { Card } from '../parts/Card.tsx'
import { Field } from '../parts/Field.tsx'
import { Form } from '../parts/Form.tsx'
import { WhenLoaded } from '../parts/WhenLoaded.tsx'
import { forgetResetToken, readResetToken } from '../reset-token.ts'
import { Link, navigate } from '../router.tsx'

const isDeadLink = (error: unknown) => error instanceof ApiError && error.status === 400

/** Where the link of the email leads: `FRONTEND_URL/reset-password?token=…`. */
export function ResetPassword() {
  const [token] = useState(readResetToken)
  return token === null ? <DeadLink title="This link is incomplete" /> : <LiveLink token={token} />
}

function LiveLink({ token }: { token: string }) {
  // Told before two passwords are typed, and whose password it is.
  const [check] = useState(
    () => (signal: AbortSignal) => accounts.checkUserPasswordReset({ token }, { signal }),
  )
  const link = useLoad(check)
  const [isDead, setDead] = useState(false)
  if (isDead || isDeadLink(link.error)) return <DeadLink title="This link no longer works" />

  async function submit({ new_password = '' }) {
    try {
      await accounts.resetUserPassword({ token, new_password })
    } catch (error) {
      if (isDeadLink(error)) setDead(true)
      throw error
    }
    forgetResetToken()
    // All sessions of the account have ended, the one in this browser too.
    if (accounts.user.current()) await accounts.logoutUser().catch(() => {})
    navigate('/sign-in?notice=reset', { replace: true })
    return undefined
  }

  return (
    <Card
      title="Choose a new password"
      lead={
        link.data && (
          <>
            For <strong>{link.data.username}</strong> ({link.data.email}). You will be signed out
            everywhere.
          </>
        )
      }
    >
      <WhenLoaded loaded={link}>
        {({ username }) => (
          <Form button="Change password" submit={submit}>
            <input name="username" autoComplete="username" value={username} readOnly hidden />
            <Field
              label="New password"
              name="new_password"
              type="password"
              autoComplete="new-password"
              minLength={PASSWORD_MIN_LENGTH}
              hint={`At least ${PASSWORD_MIN_LENGTH} characters.`}
            />
          </Form>
        )}
      </WhenLoaded>
    </Card>
  )
}

function DeadLink({ title }: { title: string }) {
  return (
    <Card
      title={title}
      lead="A link works once, for a limited time, and only the newest one does. Get a new one."
      footer={<Link to="/sign-in">Back to sign in</Link>}
    >
      <Link to="/forgot-password" className="button">
        Send me a new link
      </Link>
    </Card>
  )
}
