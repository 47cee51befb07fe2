/** `npm run check:client`: whether the package of the typed client works wherever it is installed. */
import { readCommandLine } from '../scripts/command-line.ts'
import { run } from './run.ts'

readCommandLine({
  name: 'npm run check:client',
  about:
    'Checks with publint and attw whether the package of the typed client works wherever it is installed.',
})
run('publint', 'client', '--strict')
// ECMAScript modules alone: Node 20.19 and later can `require` them too.
run('attw', '--pack', 'client', '--profile', 'esm-only')
