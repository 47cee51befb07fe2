import { accounts, useUser } from '../accounts.ts'
import { Card } from '../parts/Card.tsx'
import { Field } from '../parts/Field.tsx'
import { Form } from '../parts/Form.tsx'
import { Notice } from '../parts/Notice.tsx'
import { Link, Redirect, safeAddress, useAddress } from '../router.tsx'

/** Said above the form to those whom another page has sent here. */
const NOTICES = new Map([
  ['ended', 'You have been signed out. Sign in to go on where you were.'],
  ['registered', 'Your account is ready. Sign in to use it.'],
  ['reset', 'Your password is changed. Sign in with the new one.'],
  ['deleted', 'Your account is deleted.'],
])

export function SignIn() {
  const user = useUser()
  const { search, searchParams } = useAddress()
  // Also when another tab has signed in.
  if (user) return <Redirect to={safeAddress(searchParams.get('next'), '/profile')} />

  const notice = NOTICES.get(searchParams.get('notice') ?? '')
  return (
    <Card
      title="Sign in"
      footer={
        <>
          New here? <Link to={`/register${search}`}>Create an account</Link>
        </>
      }
    >
      {notice && <Notice kind="neutral">{notice}</Notice>}
      <Form
        button="Sign in"
        submit={async ({ username, password = '' }) => {
          await accounts.loginUser({ username, password })
          return undefined
        }}
        explain={({ status }) =>
          status === 401 ? { '': 'The username or the password is wrong.' } : undefined
        }
      >
        <Field label="Username or email" name="username" autoComplete="username" />
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete="current-password"
          aside={<Link to="/forgot-password">Forgot it?</Link>}
        />
      </Form>
    </Card>
  )
}
