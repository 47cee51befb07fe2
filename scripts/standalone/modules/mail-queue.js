/** A queue that accepts messages and drops them. The response is what a queue binding expects. */
export default {
  async fetch(request) {
    await request.arrayBuffer() // The sender waits until its message has been read.
    const metrics = { backlogCount: 0, backlogBytes: 0, oldestMessageTimestamp: 0 }
    return Response.json({ metadata: { metrics } })
  },
}
