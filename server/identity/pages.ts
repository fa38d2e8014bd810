// The few pages that oidc-provider shows itself: an error that cannot be sent back to an app, and the device code.
// owns: their plain HTML. never: scripts, styles, a redirect.
// always true: every text from outside is escaped; a program that does not ask for HTML gets the RFC's JSON.

import type { KoaContextWithOIDC } from 'oidc-provider'

type Out = { error?: string; error_description?: string | undefined }

/** An error on our own page: the address to send it to is not known to be the app's. */
export function errorPage(ctx: KoaContextWithOIDC, out: Out): void {
  if (ctx.accepts('json', 'html') !== 'html') {
    ctx.type = 'application/json'
    ctx.body = { error: out.error, error_description: out.error_description }
    return
  }
  page(ctx, 'This did not work', [
    out.error_description ?? 'The request cannot be answered.',
    `Code: ${out.error ?? 'server_error'}`,
  ])
}

export function deviceInputPage(ctx: KoaContextWithOIDC, form: string, _out?: unknown, error?: unknown): void {
  const said = error ? 'That code is not valid, or no longer. Try again.' : 'Enter the code that your device shows.'
  page(
    ctx,
    'Connect a device',
    [said],
    `${withoutHandlers(form)}<button type="submit" form="op.deviceInputForm">Continue</button>`,
  )
}

export function deviceConfirmPage(
  ctx: KoaContextWithOIDC,
  form: string,
  client: { clientName?: string | undefined; clientId: string },
  _device: unknown,
  code: string,
): void {
  const name = client.clientName ?? client.clientId
  const words = [
    `${name} asks to be connected.`,
    `The device must show this code: ${code}. If it does not, or you did not start this, close this page.`,
  ]
  page(ctx, 'Connect a device', words, `${form}<button type="submit" form="op.deviceConfirmForm">Continue</button>`)
}

export function deviceDonePage(ctx: KoaContextWithOIDC): void {
  page(ctx, 'Connected', ['You can close this page and go back to your device.'])
}

// The library's field has an inline handler, which our content security policy would refuse anyway.
function withoutHandlers(form: string): string {
  return form.replace(/ onfocus="[^"]*"/, '')
}

function page(ctx: KoaContextWithOIDC, title: string, words: readonly string[], rest = ''): void {
  const text = words.map((word) => `<p>${escaped(word)}</p>`).join('')
  ctx.type = 'html'
  ctx.body = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)} - Quota Wallet</title><main><h1>${escaped(title)}</h1>${text}${rest}</main></html>`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}
