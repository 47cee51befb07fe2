/** The list is an asset, not a module: in the Worker it would be 10 KiB of every cold start. */
const LIST = 'https://assets/assets/common-passwords.txt'

let list: ReadonlySet<string> | undefined

/**
 * The few thousand most common passwords (ASVS 6.2.4), in lower case. Read once per
 * isolate.
 *
 * @throws when the Worker was deployed without its assets
 */
export async function commonPasswords(assets: Fetcher): Promise<ReadonlySet<string>> {
  if (list) return list
  const found = await assets.fetch(LIST)
  if (!found.ok)
    throw new Error('The list of common passwords is missing: run npm run build:assets')
  list = new Set((await found.text()).trim().split('\n'))
  return list
}
