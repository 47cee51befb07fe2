export const API_KEY = 're_test'
export const MAIL = {
  from: 'Shop <shop@example.com>',
  to: ['ada@example.com'],
  subject: 'Zażółć <b>🙂</b>',
  html: '<p>Hello</p>',
  text: 'Hello',
}
