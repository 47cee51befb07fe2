/** A queue that accepts messages and drops them. The response is what a queue binding expects. */
export default {
  fetch: () => Response.json({ backlogCount: 0, backlogBytes: 0, oldestMessageTimestamp: 0 }),
}
