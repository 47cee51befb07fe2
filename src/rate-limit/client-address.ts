import { distinctRemoteAddr, expandIPv6 } from 'hono/utils/ipaddr'

/** An address as limits and the audit trail see it. */
export type ClientAddress = {
  /** Whom a limit counts: one IPv4 address, or the /64 that a household or a machine has of IPv6. */
  limitKey: string
  /** Whom a wider limit counts: the /48 of an IPv6 address, the most that one customer is given. */
  siteKey: string | null
  /** What may be kept: /24 of IPv4, /48 of IPv6. Null for an unknown address. */
  network: string | null
}

/** All callers whose address is missing or nonsense share one bucket. */
const UNKNOWN: ClientAddress = { limitKey: 'unknown', siteKey: null, network: null }

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** Reads what Cloudflare puts into `CF-Connecting-IP`: the one header that a client can't set. */
export function clientAddress(header: string | undefined): ClientAddress {
  const address = header?.match(MAPPED)?.[1] ?? header ?? ''
  if (isIPv4(address)) {
    const network = `${address.split('.').slice(0, 3).join('.')}.0/24`
    return { limitKey: address, siteKey: null, network }
  }
  if (distinctRemoteAddr(address) !== 'IPv6' || !URL.canParse(`http://[${address}]`)) return UNKNOWN
  const groups = expandIPv6(address.toLowerCase()).split(':')
  const mapped = mappedIPv4(groups)
  if (mapped) return clientAddress(mapped)
  const site = `${groups.slice(0, 3).join(':')}::/48`
  return { limitKey: `${groups.slice(0, 4).join(':')}::/64`, siteKey: site, network: site }
}

const isIPv4 = (address: string) =>
  /^(?:\d{1,3}\.){3}\d{1,3}$/.test(address) &&
  address.split('.').every((part) => Number(part) < 256 && String(Number(part)) === part)

/** `::ffff:102:304` is 1.2.3.4 as well. */
function mappedIPv4(groups: string[]): string | undefined {
  if (groups.slice(0, 6).join(':') !== '0000:0000:0000:0000:0000:ffff') return undefined
  return groups
    .slice(6)
    .flatMap((group) => [group.slice(0, 2), group.slice(2)])
    .map((byte) => Number.parseInt(byte, 16))
    .join('.')
}
