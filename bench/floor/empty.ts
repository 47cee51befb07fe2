/** What workerd itself costs. */
export default { fetch: () => new Response('{}') }
