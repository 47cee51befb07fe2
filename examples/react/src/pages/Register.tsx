import { accounts, PASSWORD_MIN_LENGTH, useUser } from '../accounts.ts'
import { Card } from '../parts/Card.tsx'
import { Field } from '../parts/Field.tsx'
import { Form } from '../parts/Form.tsx'
import { Link, navigate, Redirect, safeAddress, useAddress } from '../router.tsx'

export function Register() {
  const user = useUser()
  const { search, searchParams } = useAddress()
  if (user) return <Redirect to={safeAddress(searchParams.get('next'), '/profile')} />

  return (
    <Card
      title="Create an account"
      footer={
        <>
          Have an account? <Link to={`/sign-in${search}`}>Sign in</Link>
        </>
      }
    >
      <Form
        button="Create account"
        submit={async ({ username = '', email = '', password = '', full_name }) => {
          await accounts.registerUser({ username, email, password, full_name })
          // The account is there: if signing in fails, the form would say that it is taken.
          await accounts
            .loginUser({ username, password })
            .catch(() => navigate('/sign-in?notice=registered'))
          return undefined
        }}
      >
        <Field label="Full name" name="full_name" autoComplete="name" maxLength={100} isOptional />
        <Field
          label="Username"
          name="username"
          autoComplete="username"
          minLength={3}
          maxLength={50}
        />
        <Field label="Email" name="email" type="email" autoComplete="email" maxLength={254} />
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete="new-password"
          minLength={PASSWORD_MIN_LENGTH}
          hint={`At least ${PASSWORD_MIN_LENGTH} characters. A few words are easier to remember.`}
        />
      </Form>
    </Card>
  )
}
