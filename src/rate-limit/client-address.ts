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

/** What the parser of URLs would take for the end of the address, or leave out, is not in it. */
const IPV6_CHARACTERS = /^[\da-f:.]+$/i

/** Reads what Cloudflare puts into `CF-Connecting-IP`: the one header that a client can't set. */
export function clientAddress(header = ''): ClientAddress {
  if (distinctRemoteAddr(header) === 'IPv4') {
    const network = `${header.split('.').slice(0, 3).join('.')}.0/24`
    return { limitKey: header, siteKey: null, network }
  }
  if (!IPV6_CHARACTERS.test(header) || !URL.canParse(`http://[${header}]`)) return UNKNOWN
  const groups = expandIPv6(header.toLowerCase()).split(':')
  const mapped = mappedIPv4(groups)
  if (mapped) return clientAddress(mapped)
  const site = `${groups.slice(0, 3).join(':')}::/48`
  return { limitKey: `${groups.slice(0, 4).join(':')}::/64`, siteKey: site, network: site }
}

/** `::ffff:102:304` is 1.2.3.4 as well. */
function mappedIPv4(groups: string[]): string | undefined {
  if (groups.slice(0, 6).join(':') !== '0000:0000:0000:0000:0000:ffff') return undefined
  return groups
    .slice(6)
    .flatMap((group) => [group.slice(0, 2), group.slice(2)])
    .map((byte) => Number.parseInt(byte, 16))
    .join('.')
}
