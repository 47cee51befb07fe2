import { accounts } from '../accounts.ts'
import { useMe } from '../parts/AccountArea.tsx'
import { Field } from '../parts/Field.tsx'
import { Form } from '../parts/Form.tsx'
import { Title } from '../parts/Title.tsx'
import { date } from '../times.ts'

export function Profile() {
  const { me, setMe } = useMe()
  return (
    <>
      <Title>Profile</Title>
      <p className="lead">You have had this account since {date(me.created_at)}.</p>
      <section className="panel">
        <Form
          button="Save"
          submit={async ({ full_name, username, email }) => {
            setMe(await accounts.updateCurrentUser({ full_name, username, email }))
            return 'Saved.'
          }}
        >
          <Field
            label="Full name"
            name="full_name"
            autoComplete="name"
            defaultValue={me.full_name ?? ''}
            maxLength={100}
            isOptional
          />
          <Field
            label="Username"
            name="username"
            autoComplete="username"
            defaultValue={me.username}
            minLength={3}
            maxLength={50}
          />
          <Field
            label="Email"
            name="email"
            type="email"
            autoComplete="email"
            defaultValue={me.email}
            maxLength={254}
            hint="When it changes, we notify the old address and the new one."
          />
        </Form>
      </section>
    </>
  )
}
