import { Fragment, useState } from 'react'
import { accounts, PASSWORD_MIN_LENGTH } from '../accounts.ts'
import { useMe } from '../parts/AccountArea.tsx'
import { Field } from '../parts/Field.tsx'
import { Form } from '../parts/Form.tsx'
import { Title } from '../parts/Title.tsx'

export function ChangePassword() {
  const { me } = useMe()
  const [changes, setChanges] = useState(0)
  return (
    <>
      <Title>Password</Title>
      <p className="lead">Changing it signs you out on all your other devices.</p>
      <section className="panel">
        <Form
          button="Change password"
          submit={async ({ current_password = '', new_password = '' }) => {
            await accounts.changeUserPassword({ current_password, new_password })
            setChanges(changes + 1)
            return 'Your password is changed.'
          }}
          explain={({ status }) => {
            if (status === 401) return { current_password: 'This is not your current password.' }
            if (status === 400) return { new_password: 'This is your current password.' }
            return undefined
          }}
        >
          {/* Tells password managers which account to update. */}
          <input name="username" autoComplete="username" value={me.username} readOnly hidden />
          {/* Empty again after each change. */}
          <Fragment key={changes}>
            <Field
              label="Current password"
              name="current_password"
              type="password"
              autoComplete="current-password"
            />
            <Field
              label="New password"
              name="new_password"
              type="password"
              autoComplete="new-password"
              minLength={PASSWORD_MIN_LENGTH}
              hint={`At least ${PASSWORD_MIN_LENGTH} characters. A few words are easier to remember.`}
            />
          </Fragment>
        </Form>
      </section>
    </>
  )
}
