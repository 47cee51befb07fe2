import type { ApiResponse } from '../setup/api.ts'

/** Everything that a response shows, except the request id, times, and the seconds a limit lasts. */
export function shown({ status, headers, text }: ApiResponse<any>) {
  const lines = [...headers]
    .filter(([name]) => name !== 'x-request-id')
    .map(([name, value]) => `${name}: ${value.replace(/;t=\d+/g, '')}`)
  const body = text
    .replace(/"timestamp":"[^"]+"/, '"timestamp":""')
    .replace(/"request_id":"[^"]+"/, '"request_id":""')
  return [String(status), ...lines.sort(), body].join('\n')
}
