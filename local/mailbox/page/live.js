/** Shows times in the reader's time zone. */
function localizeTimes() {
  for (const time of document.querySelectorAll('time')) {
    const date = new Date(time.dateTime)
    const isToday = date.toDateString() === new Date().toDateString()
    const short = isToday ? date.toLocaleTimeString() : date.toLocaleDateString()
    time.textContent = 'long' in time.dataset ? date.toLocaleString() : short
  }
}

/** Updates the list, and leaves the open email, the focus and what is being typed as they are. */
async function refresh() {
  const response = await fetch(location.href)
  if (!response.ok) return location.assign('/')
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html')
  const focused = document.activeElement.getAttribute('href')
  const { scrollTop } = list
  list.replaceChildren(...fresh.querySelector('#list').childNodes)
  list.scrollTop = scrollTop
  if (focused) list.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus()
  const count = fresh.querySelector('#count')
  if (counter.textContent !== count.textContent) counter.replaceChildren(...count.childNodes)
  clear.hidden = fresh.querySelector('#clear').hidden
  if (document.body.classList.contains('listing')) document.title = fresh.title
  localizeTimes()
}

/** The search is in the address, so that a reload and the links keep it. */
function search(words) {
  const url = new URL(location.href)
  if (words) url.searchParams.set('search', words)
  else url.searchParams.delete('search')
  history.replaceState(null, '', url)
  return refresh()
}

const [list, counter, clear, confirmation, field] = [
  '#list',
  '#count',
  '#clear',
  '#confirm',
  '[name=search]',
].map((selector) => document.querySelector(selector))

localizeTimes()

const events = new EventSource('/events')
let wasOpen = false
events.addEventListener('change', refresh)
// Emails may have arrived while the mailbox was not reachable.
events.addEventListener('open', () => {
  if (wasOpen) refresh()
  wasOpen = true
})

let typed
field.addEventListener('input', () => {
  clearTimeout(typed)
  typed = setTimeout(() => search(field.value), 150)
})
field.form.addEventListener('submit', (event) => {
  event.preventDefault()
  search(field.value)
})

clear.addEventListener('click', () => {
  confirmation.returnValue = ''
  confirmation.showModal()
})
confirmation.addEventListener('close', () => {
  if (confirmation.returnValue === 'delete') fetch('/mails', { method: 'DELETE' })
})
