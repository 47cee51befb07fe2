/** A queue that accepts messages and drops them. The response is what a queue binding expects. */
export default {
  async fetch(request) {
    await request.arrayBuffer() // The sender waits until its message has been read.
    return Response.json({ backlogCount: 0, backlogBytes: 0, oldestMessageTimestamp: 0 })
  },
}
