// The script of the first ten minutes.
// owns: its text. never: a step that the reference does not have.
// always true: a test takes it off the page and runs it as it stands.

export const QUICKSTART = `const url = process.env.QUOTA_BASE_URL ?? '{{url}}'

async function ask(method, path, bearer, body) {
  const headers = { 'content-type': 'application/json', ...(bearer ? { authorization: 'Bearer ' + bearer } : {}) }
  const reply = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) })
  const answer = await reply.json()
  if (!reply.ok) throw new Error(answer.error.message + ' ' + answer.error.docs_url)
  return answer
}

// 1. You: an account. It is a wallet too, with one balance.
const email = 'dev-' + Date.now() + '@example.org'
const { session_token: you } = await ask('POST', '/auth/register', null, { email, password: 'correct horse battery' })

// 2. An app, with a markup of 20 % on what its users pay, and a key for its server.
const { app } = await ask('POST', '/developers/apps', you, { name: 'My app', redirect_uris: [], markup_bps: 2000 })
const { secret: key } = await ask('POST', '/developers/keys', you, { app_id: app.id, name: 'server' })

// 3. Balance. On a real server you pay at checkout.url; the sandbox has a button for it.
const pages = { success_url: 'http://127.0.0.1:3000/ok', cancel_url: 'http://127.0.0.1:3000/no' }
const checkout = await ask('POST', '/api/payments/checkout', you, { package_id: 'starter', ...pages })
await ask('POST', '/sandbox/checkouts/' + checkout.id, null, { outcome: 'paid' })

// 4. Two dollars of it go into the grant pool, one of them to a user of yours, by your own name for them.
await ask('POST', '/developers/grants/pool', you, { amount: 2_000_000 })
await ask('POST', '/v1/funding/grant', key, { external_user_id: 'user-42', amount: 1.0, description: 'Welcome!' })

// 5. A model call that this user pays for. Any OpenAI SDK does the same with url + '/v1' and this path.
const call = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello!' }] }
const answer = await ask('POST', '/v1/users/user-42/chat/completions', key, call)
console.log(answer.choices[0].message.content)
console.log('credits used', answer.quota.credits_used, 'paid by', answer.quota.funded_by[0].source)

// 6. The same user buys balance in your app; what they spend of it carries your markup.
const buying = await ask('POST', '/api/payments/checkout', key, { package_id: 'starter', external_user_id: 'user-42', ...pages })
await ask('POST', '/sandbox/checkouts/' + buying.id, null, { outcome: 'paid' })

// 7. What came of it, and what will be paid out when.
const { summary } = await ask('GET', '/developers/analytics/summary', you)
console.log('requests', summary.requests, 'revenue', summary.revenue)
const { earnings, rules } = await ask('GET', '/developers/payouts', you)
console.log('pending', earnings.pending, 'payable', earnings.payable, 'after days', rules.matures_after_days)
`
