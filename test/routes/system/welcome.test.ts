import { expect, test } from 'vitest'
import packageJson from '../../../package.json' with { type: 'json' }
import { environment, visitor } from '../../setup/api.ts'
import { expectResponse } from '../../setup/shapes.ts'

test('GET / returns the name of the project, the version and where to go next', async () => {
  expectResponse(await visitor().get('/'), 200, {
    message: 'Welcome to ADL Production API!',
    version: packageJson.version,
    docs: '/docs',
    redoc: '/redoc',
    health: '/health',
  })
  const renamed = visitor({ env: environment({ PROJECT_NAME: 'Acme' }) })
  expect((await renamed.get('/')).body.message).toBe('Welcome to Acme API!')
})
