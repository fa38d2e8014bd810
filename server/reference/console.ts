// The reference of apps and keys.
// owns: the table of /developers/apps and /developers/keys. never: a route.
// always true: each row is a route of the server; a test compares the two.

import { z } from 'zod'
import {
  App,
  AppCreate,
  AppSettings,
  DomainSet,
  DomainState,
  DomainVerify,
  Key,
  KeyCreate,
  KeyRotate,
  KeyRotated,
  KeySettings,
  SecretRotated,
} from '../contract/api.ts'
import { AppUsers } from '../contract/developers.ts'
import { DEVELOPER, Deleted, type Group, type Method, only, PAGES } from './operation.ts'

const app = (method: Method, path: string) => `${method} /developers/apps${path}` as const
const missing = ['not_found'] as const

export const APPS: readonly Group[] = [
  {
    name: 'Apps',
    text: 'An app is an OAuth client as people see it.',
    operations: [
      {
        at: app('POST', ''),
        summary: 'A new app. The secret is shown once; a public app has none.',
        who: DEVELOPER,
        body: AppCreate,
        status: 201,
        answer: z.object({ app: App, client_secret: z.string().optional() }),
      },
      {
        at: app('GET', ''),
        summary: 'Own apps.',
        who: DEVELOPER,
        query: { archived: '`true`: those that are archived.' },
        answer: only('apps', z.array(App)),
      },
      {
        at: app('GET', '/{id}'),
        summary: 'One app, archived or not.',
        who: DEVELOPER,
        answer: only('app', App),
        errors: missing,
      },
      {
        at: app('PATCH', '/{id}/settings'),
        summary:
          'Changes an app. A raised markup begins a notice; people who agreed to less keep their terms until they agree again.',
        who: DEVELOPER,
        body: AppSettings,
        answer: only('app', App),
        errors: missing,
      },
      {
        at: app('DELETE', '/{id}'),
        summary: 'Archives an app: its keys and tokens end, its history stays.',
        who: DEVELOPER,
        answer: Deleted,
        errors: missing,
      },
      {
        at: app('POST', '/{id}/rotate-secret'),
        summary: 'A new client secret; the old one works for 30 days.',
        who: DEVELOPER,
        answer: SecretRotated,
        errors: missing,
      },
      {
        at: app('POST', '/{id}/revoke-secondary-secret'),
        summary: 'Ends the old one now.',
        who: DEVELOPER,
        answer: only('app', App),
        errors: missing,
      },
      {
        at: app('GET', '/{id}/domain'),
        summary: 'The domain an app names as its own.',
        who: DEVELOPER,
        answer: DomainState,
        errors: missing,
      },
      {
        at: app('POST', '/{id}/domain'),
        summary: 'Names one; the answer says how to prove it.',
        who: DEVELOPER,
        body: DomainSet,
        answer: DomainState,
        errors: ['not_found', 'url_not_allowed'],
      },
      {
        at: app('POST', '/{id}/domain/verify'),
        summary: 'Looks for the proof now.',
        who: DEVELOPER,
        body: DomainVerify,
        answer: DomainState,
        errors: missing,
      },
      { at: app('DELETE', '/{id}/domain'), summary: 'Forgets it.', who: DEVELOPER, answer: Deleted, errors: missing },
      {
        at: app('GET', '/{id}/users'),
        summary: 'An app’s users: people first, then users nobody has claimed.',
        who: DEVELOPER,
        query: PAGES,
        answer: AppUsers,
        errors: missing,
      },
    ],
  },
  {
    name: 'Keys',
    text: 'A key belongs to one app and has a mode: `user` bills the user it names, `developer` its publisher, `test` does either in the sandbox with a made-up model.',
    operations: [
      {
        at: 'POST /developers/keys',
        summary: 'A new key, shown once.',
        who: DEVELOPER,
        body: KeyCreate,
        status: 201,
        answer: z.object({ key: Key, secret: z.string() }),
        errors: missing,
      },
      {
        at: 'GET /developers/keys',
        summary: 'The keys of all own apps.',
        who: DEVELOPER,
        answer: only('keys', z.array(Key)),
      },
      {
        at: 'PATCH /developers/keys/{id}',
        summary: 'Renames a key, or sets its rate.',
        who: DEVELOPER,
        body: KeySettings,
        answer: only('key', Key),
        errors: missing,
      },
      {
        at: 'POST /developers/keys/{id}/rotate',
        summary: 'A new key in its place; both work for a while.',
        who: DEVELOPER,
        body: KeyRotate,
        answer: KeyRotated,
        errors: missing,
      },
      {
        at: 'DELETE /developers/keys/{id}',
        summary: 'Ends a key, with what it began.',
        who: DEVELOPER,
        answer: Deleted,
        errors: missing,
      },
    ],
  },
]
