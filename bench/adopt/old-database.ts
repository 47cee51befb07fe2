/** Databases of the FastAPI service as they are in the field, and the rows that make adopting one hard. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'

/** The two forms of its tables, and one in between: migrated by hand, with `admin` left over. */
export const FORMS = ['first', 'later', 'between'] as const

export type Form = (typeof FORMS)[number]

export const PASSWORD = 'correct horse battery staple'

/** Of {@link PASSWORD}, by Python: `bcrypt.hashpw(password.encode(), bcrypt.gensalt())`. */
export const PYTHON_HASH = '$2b$12$dy75L2ipo66b4KvGhlzUBO0YYAQqePXqSg.A22GtoXvkUkHg2qYlq'

/** What an old reset link ends in. */
export const RESET_TOKEN = 'kVb3Jm0rT8wq5Zx2Ny7uLd4oPs1HfGcAeRi6KtBvMlQ'

const tables = (file: 'first' | 'later') =>
  readFile(join(import.meta.dirname, `${file}.sql`), 'utf8')

/** Creates the old tables. */
export async function createOldTables(client: pg.Client, form: Form): Promise<void> {
  await client.query(await tables(form === 'later' ? 'later' : 'first'))
  if (form !== 'between') return
  await client.query(`
    alter table users add is_superuser boolean, add full_name varchar(255), add phone varchar(30);
    alter table users alter created_at type timestamptz using created_at at time zone 'UTC';
    create table admins (like admin including defaults including indexes);
    alter table admins add is_superadmin integer default 0, add full_name text;
    create table password_reset_tokens (
      id varchar(255) primary key, user_id integer not null references users (id),
      token varchar(255) not null unique, expires_at timestamp not null, used boolean, created_at timestamp
    )`)
}

/** Adds this many ordinary users, from id 1001. A tenth of their names and emails have capitals. */
export async function addUsers(client: pg.Client, form: Form, count: number): Promise<void> {
  const more = form === 'first' ? ['', ''] : [', full_name, is_superuser', ", 'User ' || n, false"]
  await client.query(
    `insert into users (id, username, email, hashed_password, is_active, created_at, updated_at${more[0]})
    select n, case when n % 10 = 0 then 'User_' else 'user_' end || n,
      case when n % 10 = 0 then 'User_' else 'user_' end || n || '@example.com',
      '$2b$12$' || left(translate(encode(sha512(n::text::bytea), 'base64'), E'+=\\n', './'), 53),
      n % 50 <> 0, timestamp '2022-01-01' + n * interval '97 seconds',
      timestamp '2022-01-01' + n * interval '131 seconds'${more[1]}
    from generate_series(1001, 1000 + $1::int) n`,
    [count],
  )
}

type Row = { id: number; username?: string; email?: string; hash?: string; name?: string | null }

/** The rows that are hard to take, by what they show. Each form has them as far as its columns can. */
export const AWKWARD: readonly Row[] = [
  { id: 1, username: 'ada', email: 'ada@example.com' },
  { id: 2, username: 'ADA', email: 'ada.second@example.com' },
  { id: 3, username: 'ada-2', email: 'ada.third@example.com' },
  { id: 4, username: 'Ａｄａ', email: 'ada.fourth@example.com' },
  { id: 5, username: 'grace', email: 'Grace@Example.com' },
  { id: 6, username: 'grace.hopper', email: 'grace@example.com' },
  { id: 7, username: 'GRACE@example.com', email: 'thief@example.com' },
  { id: 8, username: 'own@example.com', email: 'own@example.com' },
  { id: 9, username: 'free@example.net', email: 'free@example.com' },
  { id: 10, username: 'ol\u200bga', email: 'olga@example.com' },
  { id: 11, username: 'olga', email: 'olga.second@example.com' },
  { id: 12, username: 'inv\u00adisible', email: 'invisible@example.com\u200b' },
  { id: 13, username: '\ufdfa'.repeat(20), email: 'long@example.com' },
  { id: 14, username: ' ', email: 'blank@example.com' },
  { id: 15, username: 'umlaut', email: 'jürgen@example.com' },
  { id: 16, username: 'wide', email: 'ｗｉｄｅ@example.com' },
  { id: 17, username: 'quoted', email: '"a b"@example.com' },
  { id: 18, username: 'noemail', email: '' },
  { id: 19, username: 'nohash', hash: '' },
  { id: 20, username: 'plain', hash: 'hunter2' },
  { id: 21, username: 'expensive', hash: `$2b$15$${PYTHON_HASH.slice(7)}` },
  { id: 22, username: 'cheap', hash: `$2y$04$${PYTHON_HASH.slice(7)}` },
  { id: 23, username: 'padded', hash: `${PYTHON_HASH}\n` },
  { id: 24, username: 'emoji', name: 'Zoë 👩‍👩‍👧 \u202e' },
  { id: 25, username: 'longname', name: 'x'.repeat(200) },
  { id: 26, username: 'space', name: '   ' },
  { id: 27, username: '=cmd|calc', email: '+formula@example.com' },
  { id: 28, username: 'evil.com', email: 'evil@example.com' },
  { id: 29, username: 'o\'connor, "the"\n', email: 'oconnor@example.com' },
  { id: 30, username: 'i̇stanbul', email: 'istanbul@example.com' },
  { id: 31, username: 'İstanbul', email: 'istanbul.second@example.com' },
  { id: 32, username: 'Straße', email: 'strasse@example.com' },
  { id: -5, username: 'negative' },
]

/** Ids of the awkward rows that have something else wrong: flags and times. */
const NO_FLAG = 40
export const NO_TIMES = 41
export const BAD_TIMES = 42
const FUTURE = 43

/** Adds {@link AWKWARD} rows, and those with flags and times that are none, where the columns allow it. */
export async function addAwkward(client: pg.Client, form: Form): Promise<void> {
  const named = form !== 'first'
  for (const {
    id,
    username = `user${id}`,
    email = `${username}@example.com`,
    hash,
    name,
  } of AWKWARD) {
    await client.query(
      `insert into users (id, username, email, hashed_password, is_active, created_at, updated_at
        ${named ? ', full_name, is_superuser' : ''})
      values ($1, $2, $3, $4, true, '2023-05-01 12:00:00.123456', '2023-06-01' ${named ? ', $5, false' : ''})`,
      [id, username, email, hash ?? PYTHON_HASH, ...(named ? [name ?? null] : [])],
    )
  }
  const isStrict = form === 'later'
  await client.query(
    `insert into users (id, username, email, hashed_password, is_active, created_at, updated_at) values
      (${NO_FLAG}, 'noflag', 'noflag@example.com', $1, ${isStrict ? 'false' : 'null'}, '2023-05-01', '2023-05-01'),
      (${NO_TIMES}, 'notimes', 'notimes@example.com', $1, true, ${isStrict ? "'2023-05-01', '2023-05-01'" : 'null, null'}),
      (${BAD_TIMES}, 'badtimes', 'badtimes@example.com', $1, true, 'infinity', '0044-03-15 BC'),
      (${FUTURE}, 'future', 'future@example.com', $1, true, '2023-05-01', '2999-01-01')`,
    [PYTHON_HASH],
  )
  await addAdmins(client, form)
  if (form !== 'first') await addResets(client)
  await client.query(`select setval('users_id_seq', (select max(id) from users))`)
}

/** In between, `admin` has one who is in `admins` too, and one who was removed there. */
async function addAdmins(client: pg.Client, form: Form) {
  const admins = `(1, 'root', 'root@example.com'), (2, 'Root', 'ROOT@example.com'), (3, 'helper', 'helper@example.com')`
  const table = form === 'first' ? 'admin' : 'admins'
  const elevated =
    form === 'first'
      ? ['', '']
      : [', is_superadmin', form === 'later' ? ', id = 1' : ', (id = 1)::int']
  await client.query(
    `insert into ${table} (id, username, email, hashed_password, is_active, created_at, updated_at ${elevated[0]})
    select id, username, email, $1, true, '2022-01-01', '2022-01-01' ${elevated[1]}
    from (values ${admins}) a (id, username, email)`,
    [PYTHON_HASH],
  )
  if (form !== 'between') return
  await client.query(
    `insert into admin (id, username, email, hashed_password) values
      (1, 'root', 'root@example.com', $1), (9, 'removed', 'removed@example.com', $1)`,
    [PYTHON_HASH],
  )
}

/** One link that is open, one that was used, one that has expired, and one of a user who is rejected. */
const addResets = (client: pg.Client) =>
  client.query(
    `insert into password_reset_tokens (id, user_id, token, expires_at, used, created_at) values
      ('r1', 1, $1, now() + interval '50 minutes', false, now()),
      ('r2', 3, 'used', now() + interval '50 minutes', true, now()),
      ('r3', 3, 'expired', now() - interval '1 minute', false, now()),
      ('r4', 18, 'rejected', now() + interval '50 minutes', false, now())`,
    [RESET_TOKEN],
  )
