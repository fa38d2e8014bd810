// Pages that the program did not make: a link with a target, a middle click, a form into a new tab.
// owns: catching them before they load. never: pages of the program's own windows.
// always true: the opener's window-open handler is asked with the address the stranger wanted, and the stranger is closed.

import type { Devtools } from './devtools.ts'
import { runtime } from './runtime.ts'
import { toApp } from './schemes.ts'

type Attached = { sessionId: string; targetInfo: { type: string; targetId: string; openerId?: string } }

/** Attaches to every new target while it is still paused. */
export async function watchStrangers(devtools: Devtools): Promise<void> {
  devtools.on('', (method, params) => {
    if (method === 'Target.targetDestroyed') runtime.contents.get(params.targetId)?.gone()
    if (method === 'Target.attachedToTarget') meet(devtools, params).catch((error) => console.error(error))
  })
  await devtools.send('Target.setDiscoverTargets', { discover: true })
  await devtools.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: true, flatten: true })
}

async function meet(devtools: Devtools, { sessionId, targetInfo }: Attached): Promise<void> {
  const goOn = () => devtools.send('Runtime.runIfWaitingForDebugger', {}, sessionId).catch(() => {})
  const opener = targetInfo.openerId === undefined ? undefined : runtime.contents.get(targetInfo.openerId)
  if (targetInfo.type !== 'page' || !opener) return goOn()
  devtools.on(sessionId, (method, params) => {
    if (method !== 'Fetch.requestPaused') return
    devtools.off(sessionId)
    devtools.send('Target.closeTarget', { targetId: targetInfo.targetId }).catch(() => {})
    opener.ask(toApp(params.request.url), '', '')
  })
  const patterns = [{ urlPattern: '*', resourceType: 'Document' }]
  await devtools.send('Fetch.enable', { patterns }, sessionId).catch(() => {})
  return goOn()
}
