/** Shows times in the reader's time zone. */
function localizeTimes() {
  for (const time of document.querySelectorAll('time')) {
    const date = new Date(time.dateTime)
    const isToday = date.toDateString() === new Date().toDateString()
    const short = isToday ? date.toLocaleTimeString() : date.toLocaleDateString()
    time.textContent = 'long' in time.dataset ? date.toLocaleString() : short
  }
}

/** Updates the list, and leaves the open email as it is. */
async function refresh() {
  const response = await fetch(location.href)
  if (!response.ok) return location.assign('/')
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html')
  const { scrollTop } = document.querySelector('#list')
  for (const id of ['#list', '#count', '#clear']) {
    document.querySelector(id).replaceWith(fresh.querySelector(id))
  }
  document.querySelector('#list').scrollTop = scrollTop
  if (document.body.classList.contains('listing')) document.title = fresh.title
  localizeTimes()
}

localizeTimes()

const events = new EventSource('/events')
let wasOpen = false
events.addEventListener('change', refresh)
// A restart of the mailbox deletes all emails.
events.addEventListener('open', () => {
  if (wasOpen) refresh()
  wasOpen = true
})

document.addEventListener('click', (event) => {
  if (event.target.id === 'clear') fetch('/mails', { method: 'DELETE' })
})
