import { expect, test } from 'vitest'
import { clientAddress } from '../../src/rate-limit/client-address.ts'

test.each(['203.0.113.7', '::ffff:203.0.113.7', '::FFFF:203.0.113.7', '::ffff:cb00:7107'])(
  '%s counts as one address of IPv4, and its /24 is kept',
  (address) => {
    expect(clientAddress(address)).toEqual({
      limitKey: '203.0.113.7',
      siteKey: null,
      network: '203.0.113.0/24',
    })
  },
)

test.each([
  '2001:db8:a:b::1',
  '2001:DB8:A:B:C:D:E:F',
  '2001:0db8:000a:000b::',
  '2001:db8:a:b::1.2.3.4',
])('%s counts as its /64 and as its /48, which is kept', (address) => {
  expect(clientAddress(address)).toEqual({
    limitKey: '2001:0db8:000a:000b::/64',
    siteKey: '2001:0db8:000a::/48',
    network: '2001:0db8:000a::/48',
  })
})

test.each([
  ...[undefined, '', 'unknown', '1.2.3', '1.2.3.256', '01.2.3.4', '::ffff:1.2.3.999'],
  ...['[::1]', '::1]/?[', '2001:\tdb8::1', 'x2001:db8::1', '2001:db8::1%eth0', '1:2:3'],
])('%j is an unknown address, of no network', (header) => {
  expect(clientAddress(header)).toEqual({ limitKey: 'unknown', siteKey: null, network: null })
})
