/** `npm run adopt`, killed at any moment, and run once more after both databases have changed. */
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { BAD_TIMES, PYTHON_HASH } from '../../bench/adopt/old-database.ts'
import {
  accountsOf,
  adopt,
  type Connected,
  isReadingHeldUp,
  newDatabase,
  oldDatabase,
  reportFile,
  startAdopting,
} from './old-service.ts'

/** More than two batches. */
const USERS = 4_500

/** An advisory lock that a run waits for. */
const HOLD = 7

/** Where a run is killed: as it is about to do this, with so many users imported. */
const MOMENTS = [
  { before: 'insert on public.users', imported: 0 },
  { before: 'insert on public.users', imported: 2_000 },
  { before: 'insert on public.users', imported: 4_000 },
  { before: 'insert on public.admins', imported: USERS },
  { before: 'insert on public.legacy_password_resets', imported: USERS },
  { before: 'update on adoption.state', imported: USERS },
] as const

/** Makes a run wait at a moment. */
async function holdUp({ query }: Connected, { before, imported }: (typeof MOMENTS)[number]) {
  await query(`select pg_advisory_lock(${HOLD})`)
  await query(`create or replace function hold() returns trigger language plpgsql as $$
    begin
      if (select count(*) from public.users) >= ${imported} then
        perform pg_advisory_xact_lock(${HOLD});
      end if;
      return null;
    end $$`)
  await query(`create trigger hold before ${before} for each statement execute function hold()`)
  return async () => {
    await query(`select pg_advisory_unlock(${HOLD})`)
    await query(`drop trigger hold ${before.replace(/^\w+ /, '')}`)
  }
}

const isWaiting = ({ query }: Connected) =>
  query(`select from pg_locks where locktype = 'advisory' and objid = ${HOLD} and not granted
    and database = (select oid from pg_database where datname = current_database())`)

test('npm run adopt, killed at every step and run again, has imported what a run in one go does', async () => {
  const from = await oldDatabase('later', USERS)
  const [to, undisturbed] = [await newDatabase(), await newDatabase()]
  const file = await reportFile()
  const begin = () => startAdopting(from, to, '--report', file, '--apply')
  await adopt(from, undisturbed)

  await from.query('begin; lock table users in access exclusive mode')
  const reading = begin()
  await expect.poll(() => isReadingHeldUp(from), { timeout: 60_000 }).toHaveLength(1)
  reading.kill('SIGKILL')
  await once(reading, 'exit')
  await from.query('rollback')

  for (const moment of MOMENTS) {
    const release = await holdUp(to, moment)
    const run = begin()
    await expect.poll(() => isWaiting(to), { timeout: 60_000 }).toHaveLength(1)
    run.kill('SIGKILL')
    await once(run, 'exit')
    const [{ count }] = await to.query('select count(*)::int from users')
    expect(count).toBeGreaterThanOrEqual(moment.imported)
    await release()
  }

  // The server carried out what the last one had begun: that was its end.
  const complete = 'select completed_at is not null as is_complete from adoption.state'
  await expect.poll(() => to.query(complete)).toEqual([{ is_complete: true }])
  const { outcome } = await adopt(from, to, { isSince: true })
  expect(outcome.users).toMatchObject({ imported: 0, updated: 0, rejected: 3, unchanged: 4_534 })
  for (const table of ['users', 'admins'] as const) {
    const imported = await accountsOf(to, table)
    expect(imported.length).toBeGreaterThan(1)
    // One has no times of its own: they are when the adoption began.
    const isTimed = ({ account }: { account: { id: number } }) => account.id !== BAD_TIMES
    const expected = await accountsOf(undisturbed, table)
    expect(imported.filter(isTimed)).toEqual(expected.filter(isTimed))
  }
  const totals = 'select is_active, sum(total)::int as total from user_totals group by 1 order by 1'
  expect(await to.query(totals)).toEqual(await undisturbed.query(totals))
})

test('npm run adopt -- --since brings what has changed in the old database, and keeps what has changed here', async () => {
  const [from, to] = [await oldDatabase('later'), await newDatabase()]
  await adopt(from, to)
  const userOf = async (id: number) =>
    (await to.query('select * from users where id = $1', [id]))[0]
  const expires = "now() + interval '1 day'"
  await to.query(
    `insert into user_sessions (id, account_id, epoch, expires_at, ends_at)
    select gen_random_uuid(), id, 0, ${expires}, ${expires} from users where id in (1001, 1002, 1003)`,
  )
  const hash = PYTHON_HASH.replace('$2b$12$', '$2b$11$')
  // Nothing of this shows in updated_at.
  await from.query(`
    update users set hashed_password = '${hash}' where id in (1001, 1007);
    update users set email = 'moved@example.com' where id = 1002;
    update users set is_active = false where id = 1003;
    delete from users where id = 1004;
    update users set username = 'swapping' where id = 1005;
    update users set username = 'user_1005' where id = 1006;
    update users set username = 'user_1006' where id = 1005;
    insert into users (id, username, email, hashed_password, created_at, updated_at) values
      (2001, 'newcomer', 'newcomer@example.com', '${PYTHON_HASH}', now(), now()),
      (20000, 'latecomer', 'latecomer@example.com', '${PYTHON_HASH}', now(), now()),
      (2002, 'Registered', 'registered.there@example.com', '${PYTHON_HASH}', now(), now());
    update password_reset_tokens set used = true where id = 'r1'`)
  await to.query(`
    update users set full_name = 'Changed here' where id in (1007, 1008);
    update users set deleted_at = now() where id = 1009;
    insert into users (id, username, email) values
      (20000, 'other', 'other@example.com'), (20001, 'registered', 'registered@example.com')`)

  const dry = await adopt(from, to, { isSince: true, isApplied: false })
  const { outcome, report } = await adopt(from, to, { isSince: true })
  expect(report).toEqual(dry.report)
  expect(outcome.users).toEqual({
    ...{ imported: 2, changed: 1, rejected: 4, undecided: 4, updated: 5, unchanged: 47 },
    ...{ conflicts: 1, deleted: 1 },
  })
  const actions = report
    .filter(({ id, table }) => table === 'users' && Number(id) > 1000)
    .map(({ id, action, field }) => `${id} ${action} ${field}`.trim())
  expect(actions).toEqual([
    ...['1001 update hashed_password', '1002 update email', '1003 update is_active'],
    ...['1005 update username', '1006 update username'],
    ...[
      '1007 conflict full_name, hashed_password',
      '2001 import',
      '2002 change username',
      '20000 reject id',
      '1004 deleted',
    ],
  ])

  expect(await userOf(1001)).toMatchObject({ hashed_password: hash, session_epoch: 0 })
  expect(await userOf(1002)).toMatchObject({ email: 'moved@example.com' })
  expect(await userOf(1003)).toMatchObject({ is_active: false })
  expect(await userOf(1004)).toMatchObject({ deleted_at: null })
  expect([(await userOf(1005)).username, (await userOf(1006)).username]).toEqual([
    ...['user_1006', 'user_1005'],
  ])
  expect(await userOf(1007)).toMatchObject({ full_name: 'Changed here' })
  expect((await userOf(1007)).hashed_password).not.toBe(hash)
  expect(await userOf(1008)).toMatchObject({ full_name: 'Changed here' })
  expect((await userOf(1009)).deleted_at).not.toBe(null)
  expect(await userOf(2001)).toMatchObject({ username: 'newcomer' })
  expect(await userOf(2002)).toMatchObject({ username: 'Registered-2002' })
  expect(await userOf(20000)).toMatchObject({ username: 'other', adopted_at: null })
  expect(await to.query('select from legacy_password_resets')).toEqual([])
  expect(
    await to.query(
      'select account_id from user_sessions where revoked_at is not null order by account_id',
    ),
  ).toEqual([{ account_id: 1001 }, { account_id: 1003 }])

  const third = await adopt(from, to, { isSince: true })
  expect(third.outcome.users).toMatchObject({ imported: 0, updated: 0, conflicts: 1, deleted: 1 })
})

test('npm run adopt -- --since imports who took the name that another gave up, and whatever name the old service let somebody have', async () => {
  const [from, to] = [await oldDatabase('later'), await newDatabase()]
  const hostile = `username = 'adopting 1005', email = 'adopting 1006'`
  await from.query(`update users set ${hostile} where id = 1010`)
  await adopt(from, to)
  await from.query(`
    update users set username = 'renamed', email = 'renamed@example.com' where id = 1005;
    update users set username = 'moved', email = 'moved@example.com' where id = 1006;
    insert into users (id, username, email, hashed_password, created_at, updated_at) values
      (2001, 'user_1005', 'user_1006@example.com', '${PYTHON_HASH}', now(), now());
    update users set username = 'user_1006' where id = 1007`)
  const { outcome } = await adopt(from, to, { isSince: true })
  expect(outcome.users).toMatchObject({ imported: 1, updated: 3, conflicts: 0 })
  expect(
    await to.query(
      'select id, username from users where id in (1005, 1006, 1007, 2001) order by id',
    ),
  ).toEqual([
    { id: 1005, username: 'renamed' },
    { id: 1006, username: 'moved' },
    { id: 1007, username: 'user_1006' },
    { id: 2001, username: 'user_1005' },
  ])
})

test('npm run adopt does not call itself complete where something else was written', async () => {
  const [from, to] = [await oldDatabase('later'), await newDatabase()]
  await to.query(`
    create function meddle() returns trigger language plpgsql as $$
      begin new.full_name := 'Someone'; return new; end $$;
    create trigger meddle before insert on users for each row when (new.id = 1001)
      execute function meddle();
    create function prolong() returns trigger language plpgsql as $$
      begin new.expires_at := new.expires_at + interval '1 hour'; return new; end $$;
    create trigger prolong before insert on legacy_password_resets for each row
      execute function prolong()`)
  await expect(adopt(from, to)).rejects.toThrow(
    /^Not verified: users as imported: full_name differ; password_reset_tokens as imported: 1 links differ\./,
  )
  expect(await to.query('select completed_at from adoption.state')).toEqual([
    { completed_at: null },
  ])
})
