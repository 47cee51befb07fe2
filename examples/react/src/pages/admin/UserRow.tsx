import type { UserRead } from 'edge-accounts-client'
import { accounts } from '../../accounts.ts'
import { ActionButton } from '../../parts/ActionButton.tsx'
import { Avatar } from '../../parts/Avatar.tsx'
import { date } from '../../times.ts'

type UserRowProps = { user: UserRead; reload: () => void }

export function UserRow({ user, reload }: UserRowProps) {
  const { id, username, email, full_name, is_active, is_superuser, created_at } = user
  return (
    <li className="row">
      <Avatar name={full_name ?? username} />
      <div>
        <strong>{full_name ?? username}</strong>
        {is_superuser && <span className="badge">Superuser</span>}
        {!is_active && <span className="badge bad">Disabled</span>}
        <p className="hint">
          {full_name && `${username} · `}
          {email} · since&nbsp;{date(created_at)}
        </p>
      </div>
      <div className="buttons">
        <ActionButton
          object={username}
          isDangerous={is_active}
          act={async () => {
            await accounts.updateUser({ id, is_active: !is_active })
            reload()
          }}
        >
          {is_active ? 'Disable' : 'Enable'}
        </ActionButton>
        {is_active && (
          <ActionButton
            object={username}
            done="Signed out."
            act={() => accounts.signOutUser({ id })}
          >
            Sign out
          </ActionButton>
        )}
      </div>
    </li>
  )
}
