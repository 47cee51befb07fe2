import { post } from './api.js'
import { explain } from './explain.js'
import { onSubmit, show, showHint, showProblem } from './form.js'

const form = document.getElementById('request')
const email = document.getElementById('email')

let isAdmin = false

/** Whose link it is to be, if a page of ours says so. The email is taken out of the address bar and the history. */
function open() {
  const fields = new URLSearchParams(location.hash.slice(1))
  isAdmin = fields.get('account') === 'admin'
  history.replaceState(null, '', location.pathname + (isAdmin ? '#account=admin' : ''))
  document.getElementById('of-admin').hidden = !isAdmin
  email.value = fields.get('email') ?? ''
  showHint(email)
  show('request', email)
}

async function request() {
  const address = email.value.trim()
  if (!address) return showProblem(email, 'Enter the email address of your account.')
  try {
    await post(`/api/v1/${isAdmin ? 'admins' : 'password'}/forgot-password`, { email: address })
  } catch (error) {
    if (error.status !== 422) throw error
    return showProblem(email, 'Enter an address like name@example.com.')
  }
  document.getElementById('address').textContent = address
  show('sent')
}

onSubmit(form, request, explain)
email.addEventListener('input', () => showHint(email))
document.getElementById('another').addEventListener('click', () => show('request', email))
// Another address opened on this page changes only the fragment. Without one, it is what `open` removed.
addEventListener('hashchange', () => location.hash && open())
open()
