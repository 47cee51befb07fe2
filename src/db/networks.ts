import type { AccountTables } from './accounts.ts'
import type { requestSource } from './audit-events.ts'
import type { Placeholders } from './statement.ts'

/** Networks of an account that are remembered: the latest. */
const MAX_NETWORKS = 20

/** Seconds after which a known network is marked once more: not at each login. */
const MARK_SECONDS = 24 * 60 * 60

/** Whether the owner of an account is known to have been in this network: by a login or a reset. */
export const isKnownNetwork = ({ networks }: AccountTables, id: string, network: string) =>
  `exists (select from ${networks} n where n.account_id = ${id} and n.network = ${network})`

/** CTEs that make the network of the request a known one of the accounts that `from` selects as `id`. */
export const rememberNetwork = (
  { networks }: AccountTables,
  { network }: Pick<Placeholders<typeof requestSource>, 'network'>,
  from: string,
) => `
  remembered as (
    insert into ${networks} as known (account_id, network)
    select id, ${network} from ${from} where ${network} is not null
    on conflict (account_id, network) do update set last_login_at = now()
    where known.last_login_at < now() - make_interval(secs => ${MARK_SECONDS})
  ), forgotten as (
    delete from ${networks} n using ${from} a
    where n.account_id = a.id and n.network in (
      select network from ${networks} where account_id = a.id and network <> ${network}
      order by last_login_at desc, network offset ${MAX_NETWORKS - 1}
    )
  )`
