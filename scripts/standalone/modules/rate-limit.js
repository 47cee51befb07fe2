/**
 * The `ratelimits` binding: a fixed window per key, in the isolate's memory. Cloudflare's also counts on
 * the machine and without a network call.
 */
class RateLimit {
  #counts = new Map()
  #window = 0

  constructor({ limit, period }) {
    this.max = limit
    this.periodMs = period * 1000
  }

  async limit({ key }) {
    const window = Math.floor(Date.now() / this.periodMs)
    if (window !== this.#window) this.#counts.clear()
    this.#window = window
    const count = (this.#counts.get(key) ?? 0) + 1
    this.#counts.set(key, count)
    return { success: count <= this.max }
  }
}

export default (env) => new RateLimit(env)
