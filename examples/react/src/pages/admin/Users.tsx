import type { UserList } from 'edge-accounts-client'
import { type ChangeEvent, useCallback, useEffect, useRef } from 'react'
import { accounts } from '../../accounts.ts'
import { useLoad } from '../../load.ts'
import { Title } from '../../parts/Title.tsx'
import { WhenLoaded } from '../../parts/WhenLoaded.tsx'
import { Link, navigate, useAddress } from '../../router.tsx'
import { UserRow } from './UserRow.tsx'

const PAGE_SIZE = 20
/** Between the last key and the request. */
const SEARCH_DELAY_MS = 300

const IS_ACTIVE: Record<string, boolean> = { active: true, disabled: false }

/** The first page of this list with something else chosen: of the list as it is now, not when it was drawn. */
function pathWith(chosen: Record<string, string>): string {
  const { search = '', show = 'all' } = Object.fromEntries(new URLSearchParams(location.search))
  return `/admin/users?${new URLSearchParams({ search, show, ...chosen })}`
}

/** Search, filter and page are in the address: a reload keeps them, and they can be sent to somebody. */
export function Users() {
  const { searchParams } = useAddress()
  const search = searchParams.get('search') ?? ''
  const show = searchParams.get('show') ?? 'all'
  const page = Number(searchParams.get('page') ?? 1)

  const load = useCallback(
    (signal: AbortSignal) =>
      accounts.listUsers(
        { search: search || undefined, is_active: IS_ACTIVE[show], page, page_size: PAGE_SIZE },
        { signal },
      ),
    [search, show, page],
  )
  const users = useLoad(load)

  return (
    <>
      <Title>Users</Title>
      <search className="filters">
        <SearchField
          search={search}
          onSearch={(search) => navigate(pathWith({ search }), { replace: true })}
        />
        <label>
          <span className="unseen">Show</span>
          <select
            value={show}
            onChange={({ target }) => navigate(pathWith({ show: target.value }))}
          >
            <option value="all">All users</option>
            <option value="active">Active</option>
            <option value="disabled">Disabled</option>
          </select>
        </label>
      </search>
      <WhenLoaded loaded={users}>
        {(list) => (
          <section className="panel">
            {list.items.length === 0 && <p className="empty">No users match.</p>}
            <ul className="rows">
              {list.items.map((user) => (
                <UserRow key={user.id} user={user} reload={users.reload} />
              ))}
            </ul>
            <Paging {...list} pathTo={(page) => pathWith({ page: String(page) })} />
          </section>
        )}
      </WhenLoaded>
    </>
  )
}

type SearchFieldProps = { search: string; onSearch: (search: string) => void }

function SearchField({ search, onSearch }: SearchFieldProps) {
  const timer = useRef(0)
  useEffect(() => () => clearTimeout(timer.current), [])

  function onChange({ target: { value } }: ChangeEvent<HTMLInputElement>) {
    clearTimeout(timer.current)
    timer.current = window.setTimeout(() => onSearch(value.trim()), SEARCH_DELAY_MS)
  }

  return (
    <input
      type="search"
      aria-label="Search for users"
      placeholder="Username or email"
      autoComplete="off"
      spellCheck={false}
      maxLength={254}
      defaultValue={search}
      onChange={onChange}
    />
  )
}

type PagingProps = UserList & { pathTo: (page: number) => string }

function Paging({
  page,
  page_size,
  total,
  total_pages,
  total_is_capped,
  items,
  pathTo,
}: PagingProps) {
  const first = (page - 1) * page_size
  return (
    <nav className="paging" aria-label="Pages of the list">
      <span role="status">
        {items.length > 0 &&
          `${first + 1}–${first + items.length} of ${total.toLocaleString('en')}${total_is_capped ? '+' : ''}`}
      </span>
      {page > 1 && <Link to={pathTo(page - 1)}>Previous</Link>}
      {page < total_pages && <Link to={pathTo(page + 1)}>Next</Link>}
    </nav>
  )
}
