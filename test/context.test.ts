import { expectTypeOf, test } from 'vitest'
import type { AppEnv, BaseEnv, UnconfiguredEnv } from '../src/context.ts'
import type { Authenticated } from '../src/middleware/authenticate.ts'
import type { Resources } from '../src/resources.ts'

// Checked by `npm run types`.
test('c.var.claims is typed only after authenticate, c.var.config only after resources', () => {
  expectTypeOf<BaseEnv['Variables']>().not.toHaveProperty('config')
  expectTypeOf<UnconfiguredEnv['Variables']['config']>().toEqualTypeOf<
    Resources['config'] | undefined
  >()
  expectTypeOf<AppEnv['Variables']>().not.toHaveProperty('claims')
  expectTypeOf<(AppEnv & Authenticated)['Variables']>().toHaveProperty('claims')
})
