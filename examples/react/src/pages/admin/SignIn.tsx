import { accounts, useAdmin } from '../../accounts.ts'
import { Card } from '../../parts/Card.tsx'
import { Field } from '../../parts/Field.tsx'
import { Form } from '../../parts/Form.tsx'
import { Notice } from '../../parts/Notice.tsx'
import { Redirect, safeAddress, useAddress } from '../../router.tsx'

/** Admins have accounts of their own: a user can't sign in here. */
export function AdminSignIn() {
  const admin = useAdmin()
  const { searchParams } = useAddress()
  if (admin) return <Redirect to={safeAddress(searchParams.get('next'), '/admin/users')} />

  return (
    <Card title="Sign in as an admin">
      {searchParams.get('notice') === 'ended' && (
        <Notice kind="neutral">You have been signed out. Sign in to go on.</Notice>
      )}
      <Form
        button="Sign in"
        submit={async ({ username, password = '' }) => {
          await accounts.loginAdmin({ username, password })
          return undefined
        }}
        explain={({ status }) =>
          status === 401 ? { '': 'The username or the password is wrong.' } : undefined
        }
      >
        <Field label="Username or email" name="username" autoComplete="username" />
        <Field label="Password" name="password" type="password" autoComplete="current-password" />
      </Form>
    </Card>
  )
}
