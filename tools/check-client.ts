/** `npm run check:client`: whether the package of the typed client works wherever it is installed. */
import { run } from './run.ts'

run('publint', 'client', '--strict')
// ECMAScript modules alone: Node 20.19 and later can `require` them too.
run('attw', '--pack', 'client', '--profile', 'esm-only')
