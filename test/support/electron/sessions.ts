// session and protocol.
// owns: one browser context for each partition, its handlers, its own schemes, its permissions.
// never: partitions on disk ("persist:" is refused by name). always true: what the program's permission handlers answer
// is what Chromium enforces in the page.

import { EventEmitter } from 'node:events'
import { loud, loudClass, notImplemented } from './loud.ts'
import { devtools, runtime } from './runtime.ts'
import { addScheme, originOf, toPage } from './schemes.ts'

type SchemeHandler = (request: Request) => Response | Promise<Response>
type PermissionCheck = (contents: object | null, permission: string, origin: string, details: object) => boolean

/** Electron's permission names, with Chromium's for DevTools. */
const PERMISSIONS: Record<string, string[]> = {
  geolocation: ['geolocation'],
  notifications: ['notifications'],
  media: ['camera', 'microphone'],
  midi: ['midi'],
  'clipboard-read': ['clipboard-read'],
  'clipboard-sanitized-write': ['clipboard-write'],
  'persistent-storage': ['persistent-storage'],
  'idle-detection': ['idle-detection'],
  'local-fonts': ['local-fonts'],
  'window-management': ['window-management'],
  'display-capture': ['display-capture'],
  'screen-wake-lock': ['screen-wake-lock'],
  'loopback-network': ['loopback-network', 'local-network-access'],
  'local-network': ['local-network'],
}

export class Session extends EventEmitter {
  readonly protocol = makeProtocol()
  readonly isDefault: boolean
  #context: Promise<string> | null = null
  #check: PermissionCheck | null = null

  constructor(isDefault: boolean) {
    super()
    this.isDefault = isDefault
  }

  setPermissionCheckHandler(check: PermissionCheck | null): void {
    this.#check = check
  }
  // A request is made only where the check said no, and is then answered likewise: the check alone decides here.
  setPermissionRequestHandler(): void {}
  setDevicePermissionHandler(): void {}
  isPersistent(): boolean {
    return this.isDefault
  }

  /** Which of DevTools' browser contexts this session is; undefined is the default one, which a lent browser's is not. */
  async contextId(): Promise<string | undefined> {
    if (this.isDefault && !devtools().isLent) return undefined
    this.#context ??= devtools()
      .send('Target.createBrowserContext', { disposeOnDetach: true })
      .then((made) => made.browserContextId)
    return this.#context
  }

  /** Asks the program about every permission, for the origin of an address, and tells Chromium. No handler grants all. */
  async applyPermissions(contents: object, url: string): Promise<void> {
    const origin = originOf(url)
    if (!/^https?:/.test(toPage(url))) return
    const browserContextId = await this.contextId()
    const settings = Object.entries(PERMISSIONS).flatMap(([permission, names]) => {
      const granted =
        this.#check?.(contents, permission, `${origin}/`, { requestingUrl: url, isMainFrame: true }) ?? true
      return names.map((name) => ({ permission: { name }, setting: granted ? 'granted' : 'denied' }))
    })
    const target = { origin: new URL(toPage(url)).origin, ...(browserContextId ? { browserContextId } : {}) }
    await Promise.all(settings.map((setting) => devtools().send('Browser.setPermission', { ...setting, ...target })))
  }
}
loudClass('session', Session)

const partitions = new Map<string, Session>()
const defaultSession = new Session(true)

export const session = loud('session', {
  defaultSession,
  fromPartition(name: string): Session {
    if (name.startsWith('persist:')) notImplemented(`session.fromPartition('${name}') on disk`)
    const known = partitions.get(name) ?? new Session(false)
    partitions.set(name, known)
    return known
  },
})

export const protocol = defaultSession.protocol

function makeProtocol() {
  const handlers = new Map<string, SchemeHandler>()
  return loud('protocol', {
    registerSchemesAsPrivileged(schemes: { scheme: string }[]): void {
      if (runtime.isReady) throw new Error('protocol.registerSchemesAsPrivileged should be called before app is ready')
      for (const { scheme } of schemes) addScheme(scheme)
    },
    handle(scheme: string, handler: SchemeHandler): void {
      if (handlers.has(scheme)) throw new Error(`Failed to register protocol: ${scheme}`)
      addScheme(scheme)
      handlers.set(scheme, handler)
    },
    unhandle: (scheme: string) => void handlers.delete(scheme),
    isProtocolHandled: (scheme: string) => handlers.has(scheme),
    handlerOf: (scheme: string) => handlers.get(scheme),
  })
}
