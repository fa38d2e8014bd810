// Nothing that is missing is missing silently.
// owns: the refusal of whatever the stand-in does not implement. never: a default answer.
// always true: reading a member that is not there throws its name, so a gap shows as itself and not as a strange failure later.

import { EventEmitter } from 'node:events'

// Read by Node itself (inspection, await, JSON, its emitters), not by the program.
const INTERNAL = /^(_|then$|toJSON$|domain$|constructor$|captureRejections$)/

export function notImplemented(what: string): never {
  throw new Error(`electron stand-in: ${what} is not implemented`)
}

/** A module object that throws for members it does not have. It stays writable, as Electron's are. */
export function loud<T extends object>(name: string, members: T): T {
  return new Proxy(members, {
    get: (target, key, receiver) =>
      isMissing(target, key) ? notImplemented(`${name}.${String(key)}`) : Reflect.get(target, key, receiver),
  })
}

/** The same for a class: the trap sits above it in the prototype chain, so private fields keep working. */
export function loudClass(name: string, Class: { prototype: object }): void {
  const trap = new Proxy(EventEmitter.prototype, {
    get: (target, key, receiver) =>
      isMissing(target, key) ? notImplemented(`${name}.${String(key)}`) : Reflect.get(target, key, receiver),
  })
  Object.setPrototypeOf(Class.prototype, trap)
}

function isMissing(target: object, key: string | symbol): boolean {
  return typeof key === 'string' && !(key in target) && !INTERNAL.test(key)
}
