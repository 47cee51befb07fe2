/**
 * Stands in for packages that our dependencies import for features we don't use: see `[alias]` in
 * wrangler.toml. Reading received mail and webhooks alone are 35 KiB, gzipped, in every cold start.
 */
class LeftOut {
  constructor() {
    throw new TypeError('This part of a dependency is left out of the Worker')
  }
}

export { LeftOut as Analytics, LeftOut as Webhook }
export default LeftOut
