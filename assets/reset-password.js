import { post } from './api.js'

const PASSWORD_MIN_LENGTH = 8 // code points. The API may require more.

const form = document.getElementById('reset')
const password = document.getElementById('password')
const repeated = document.getElementById('repeated')
const visible = document.getElementById('visible')
const formError = document.getElementById('error')

/** What the link of the email says: the token, and whether it is an admin's. */
let link

/** Takes the token out of the address bar and the history, because it can set the password. */
function takeLink() {
  // The fragment, which browsers send to no server. Older emails have the token in the query.
  const [fragment, query] = [location.hash.slice(1), location.search].map(
    (text) => new URLSearchParams(text),
  )
  const fields = fragment.has('token') ? fragment : query
  link = { token: fields.get('token'), isAdmin: fields.get('account') === 'admin' }
  history.replaceState(null, '', location.pathname)
  form.reset()
  showError(null, '')
  show(link.token ? 'reset' : 'missing')
}

/** Shows one state of the page. Moving the focus there announces it to screen readers. */
function show(id) {
  for (const state of ['reset', 'done', 'rejected', 'missing']) {
    document.getElementById(state).hidden = state !== id
  }
  const target = id === 'reset' ? password : document.querySelector(`#${id} .title`)
  document.title = document.querySelector(`#${id} .title`).textContent
  target.focus()
}

function showError(field, message) {
  formError.textContent = message
  for (const input of [password, repeated]) {
    input.setAttribute('aria-invalid', String(input === field))
  }
  field?.focus()
}

function validate() {
  if ([...password.value].length < PASSWORD_MIN_LENGTH) {
    return [password, `Use at least ${PASSWORD_MIN_LENGTH} characters.`]
  }
  if (password.value !== repeated.value) return [repeated, 'The passwords do not match.']
}

async function save() {
  try {
    const path = link.isAdmin ? '/api/admins' : '/api/password'
    await post(`${path}/reset-password`, { token: link.token, new_password: password.value })
    form.reset()
    show('done')
  } catch (error) {
    if (error.status === 400 || error.fields.includes('token')) {
      document.getElementById('rejected-reason').textContent = error.message
      show('rejected')
    } else {
      showError(error.status === 422 ? password : null, error.message)
    }
  }
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const problem = validate()
  if (problem) return showError(...problem)
  showError(null, '')
  const button = form.querySelector('button')
  button.disabled = true
  await save()
  button.disabled = false
})

function showPasswords(isVisible) {
  for (const input of [password, repeated]) input.type = isVisible ? 'text' : 'password'
}

visible.addEventListener('change', () => showPasswords(visible.checked))
form.addEventListener('reset', () => showPasswords(false))

// Another link opened on this page changes only the fragment, and loads nothing.
addEventListener('hashchange', takeLink)
takeLink()
