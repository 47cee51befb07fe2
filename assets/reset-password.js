import { post } from './api.js'

const PASSWORD_MIN_LENGTH = 8 // code points. The API may require more.

const form = document.getElementById('reset')
const password = document.getElementById('password')
const repeated = document.getElementById('repeated')
const visible = document.getElementById('visible')
const formError = document.getElementById('error')

const token = new URLSearchParams(location.search).get('token')
// Removes the token from the address bar and the history, because it can set the password.
history.replaceState(null, '', location.pathname)

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
    await post('/api/password/reset-password', { token, new_password: password.value })
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

visible.addEventListener('change', () => {
  for (const input of [password, repeated]) input.type = visible.checked ? 'text' : 'password'
})

show(token ? 'reset' : 'missing')
