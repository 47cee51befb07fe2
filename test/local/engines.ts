import { execFileSync } from 'node:child_process'

/** The engines that can be tested here: redis-server only where it is installed. */
export const engines = redisServerInstalled()
  ? (['redis', 'memory'] as const)
  : (['memory'] as const)

export function redisServerInstalled(): boolean {
  try {
    execFileSync('redis-server', ['--version'])
    return true
  } catch {
    return false
  }
}
