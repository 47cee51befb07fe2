import { cloudflareTest } from '@cloudflare/vitest-plugin'
import type { LocalWorld } from './world.ts'

/** Tests of the Worker, in workerd, configured as wrangler.toml says, isolated from the developer's settings. */
export const workerdProject = (name: string, files: { include: string[]; exclude: string[] }) => ({
  extends: true as const,
  plugins: [
    cloudflareTest(({ inject }) => {
      const { bindings, wranglerConfig: configPath } = inject<LocalWorld>('world')
      return { wrangler: { configPath }, miniflare: { bindings } }
    }),
  ],
  test: {
    name,
    ...files,
    // As in production: one isolate serves many requests. This also avoids starting workerd for each file.
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
})
