/** The `ASSETS` binding, as far as the Worker uses it: a path without an extension is a page. */
const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json',
  txt: 'text/plain; charset=utf-8',
}

export default {
  async fetch({ url, method }, env) {
    const { pathname } = new URL(url)
    const path = /\.\w+$/.test(pathname) ? pathname : `${pathname}.html`
    const file = await env.FILES.fetch(`http://files${path}`, { method })
    const type = TYPES[path.split('.').at(-1)]
    if (!file.ok || type === undefined) return new Response(null, { status: 404 })
    return new Response(file.body, { headers: { 'Content-Type': type } })
  },
}
