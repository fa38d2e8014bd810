// Every request of a page that the program has a say in.
// owns: the navigation guards, and the answers of own schemes. never: requests of pages to servers (those go out as they are).
// always true: an address the program's listeners prevented is aborted before it is asked for, and the page stays.

import type { WebContents } from './contents.ts'
import { preventable } from './runtime.ts'
import { isOwn, schemeOf, toApp } from './schemes.ts'

/** `Fetch.requestPaused` of the DevTools protocol, as far as it is used. */
export type Paused = {
  requestId: string
  frameId: string
  resourceType: string
  redirectedRequestId?: string
  request: { url: string; method: string; headers: Record<string, string>; postDataEntries?: { bytes: string }[] }
}

/** Decides one paused request. @param isOwnLoad whether loadURL asked for it (the guards do not see those) */
export async function decide(contents: WebContents, paused: Paused, isOwnLoad: boolean): Promise<void> {
  const url = toApp(paused.request.url)
  const { requestId } = paused
  const fail = (errorReason: string) => contents.call('Fetch.failRequest', { requestId, errorReason })
  if (paused.resourceType === 'Document' && isPrevented(contents, paused, url, isOwnLoad)) return fail('Aborted')
  if (!isOwn(url)) return contents.call('Fetch.continueRequest', { requestId })
  const handler = contents.session.protocol.handlerOf(schemeOf(url))
  if (!handler) return fail('AddressUnreachable')
  try {
    const response = await handler(requestFor(paused, url))
    await contents.call('Fetch.fulfillRequest', {
      requestId,
      responseCode: response.status,
      responseHeaders: [...response.headers].map(([name, value]) => ({ name, value })),
      body: Buffer.from(await response.arrayBuffer()).toString('base64'),
    })
  } catch (error) {
    console.error(error)
    await fail('Failed')
  }
}

/** Emits what Electron emits, in its order, and says whether a listener prevented it. */
function isPrevented(contents: WebContents, paused: Paused, url: string, isOwnLoad: boolean): boolean {
  const isMainFrame = paused.frameId === contents.targetId
  const emit = (name: string) => {
    const event = preventable({ url, isMainFrame, isSameDocument: false })
    contents.emit(name, event, url, false, isMainFrame)
    return event.defaultPrevented
  }
  if (paused.redirectedRequestId) return emit('will-redirect')
  if (isMainFrame && isOwnLoad) return false
  return emit('will-frame-navigate') || (isMainFrame && emit('will-navigate'))
}

function requestFor(paused: Paused, url: string): Request {
  const { method, headers, postDataEntries } = paused.request
  const body = postDataEntries && Buffer.concat(postDataEntries.map((entry) => Buffer.from(entry.bytes, 'base64')))
  const request = new Request('https://standin.invalid', { method, headers, ...(body ? { body } : {}) })
  return Object.defineProperty(request, 'url', { value: url })
}
