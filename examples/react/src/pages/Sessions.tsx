import type { SessionRead } from 'edge-accounts-client'
import { accounts } from '../accounts.ts'
import { deviceName } from '../device.ts'
import { useLoad } from '../load.ts'
import { ActionButton } from '../parts/ActionButton.tsx'
import { Title } from '../parts/Title.tsx'
import { WhenLoaded } from '../parts/WhenLoaded.tsx'
import { ago, date } from '../times.ts'

const load = (signal: AbortSignal) => accounts.listUserSessions({}, { signal })

export function Sessions() {
  const sessions = useLoad(load)
  return (
    <>
      <Title>Sessions</Title>
      <p className="lead">Where you are signed in. If you don’t know a device, end its session.</p>
      <WhenLoaded loaded={sessions}>
        {(list) => <SessionList list={list} reload={sessions.reload} />}
      </WhenLoaded>
    </>
  )
}

type SessionListProps = { list: SessionRead[]; reload: () => void }

function SessionList({ list, reload }: SessionListProps) {
  const hasOthers = list.some(({ current }) => !current)
  return (
    <section className="panel">
      <ul className="rows">
        {list.map((session) => (
          <li key={session.id} className="row">
            <Description {...session} />
            {!session.current && (
              <ActionButton
                object={`the session of ${deviceName(session.device)}`}
                act={async () => {
                  await accounts.endUserSession({ id: session.id })
                  reload()
                }}
              >
                End
              </ActionButton>
            )}
          </li>
        ))}
      </ul>
      <div className="actions">
        {hasOthers ? (
          <ActionButton
            isDangerous
            act={async () => {
              await accounts.endOtherUserSessions()
              reload()
            }}
          >
            End all other sessions
          </ActionButton>
        ) : (
          <p className="hint">You are signed in nowhere else.</p>
        )}
      </div>
    </section>
  )
}

function Description({ device, place, current, created_at, last_used_at }: SessionRead) {
  return (
    <div>
      <strong>{deviceName(device)}</strong>
      {current && <span className="badge good">This device</span>}
      <p className="hint">
        {place ?? 'Unknown place'} · used {ago(last_used_at)} · since&nbsp;{date(created_at)}
      </p>
    </div>
  )
}
