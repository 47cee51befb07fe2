import { accounts } from '../accounts.ts'
import { useMe } from '../parts/AccountArea.tsx'
import { Field } from '../parts/Field.tsx'
import { Form } from '../parts/Form.tsx'
import { Title } from '../parts/Title.tsx'
import { navigate } from '../router.tsx'

export function DeleteAccount() {
  const { me } = useMe()
  return (
    <>
      <Title>Delete account</Title>
      <p className="lead">You are signed out everywhere, and can’t sign in again.</p>
      <section className="panel">
        <Form
          button="Delete my account"
          isDangerous
          submit={async ({ password = '' }) => {
            await accounts.deleteCurrentUser({ password })
            navigate('/sign-in?notice=deleted', { replace: true })
            return undefined
          }}
          explain={({ status }) =>
            status === 401 ? { password: 'This is not your password.' } : undefined
          }
        >
          <input name="username" autoComplete="username" value={me.username} readOnly hidden />
          <Field
            label="Password"
            name="password"
            type="password"
            autoComplete="current-password"
            hint={`To delete the account of ${me.email}, enter its password.`}
          />
        </Form>
      </section>
    </>
  )
}
