/**
 * Calls the Worker's consumer and cron, which have no address of their own: `POST /queue` with
 * `{queue, messages}` returns what the consumer decided, `POST /scheduled` runs the cron.
 */
export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname === '/scheduled') {
      return Response.json(await env.WORKER.scheduled({ cron: '*/5 * * * *' }))
    }
    const { queue, messages } = await request.json()
    const dated = messages.map((each) => ({ ...each, timestamp: new Date(each.timestamp) }))
    return Response.json(await env.WORKER.queue(queue, dated))
  },
}
