/** A user who does everything once or twice, and keeps a ledger of what happened. */
import { changePassword, resetPassword, updateProfile } from './acts.ts'
import { CANARY, pause } from './client.ts'
import { type AccountLedger, newLedger } from './ledger.ts'
import { logIn, logOut, refresh, register, type Surroundings } from './sign-in.ts'

const THINK_MS = 100

/** One life of a user. */
export async function liveAsUser(around: Surroundings, username: string): Promise<AccountLedger> {
  const password = `${CANARY.password} ${crypto.randomUUID()}`
  const ledger = newLedger(username, `${username}@${CANARY.emailDomain}`, password)
  if (!(await register(around, ledger))) return ledger
  let tokens = await logIn(around, ledger)
  for (let day = 0; day < 3 && tokens && around.goesOn(); day++) {
    await updateProfile(around, ledger, tokens)
    await pause(THINK_MS)
    tokens = await refresh(around, ledger, tokens)
  }
  if (!tokens || !around.goesOn()) return ledger
  await changePassword(around, ledger, tokens)
  tokens = await logIn(around, ledger)
  if (tokens) await logOut(around, ledger, tokens)
  await resetPassword(around, ledger)
  tokens = await logIn(around, ledger)
  if (tokens) await refresh(around, ledger, tokens)
  return ledger
}
