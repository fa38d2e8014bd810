// Routes of the console that bring several folders together.
// owns: an app's users, the log of refused calls. never: a decision.
// always true: only a developer who is signed in, or their own wallet, may come here; what is another's does not exist.

import { countedNow } from '../analytics/rollup.ts'
import { countedAs } from '../analytics/routes.ts'
import { ownAppEver } from '../connections/apps.ts'
import { requireDeveloper } from '../connections/credentials.ts'
import type { Routes } from '../http.ts'
import { refusals } from '../proxy/refusals.ts'
import { cursorOf, limitOf, textOf } from '../query.ts'
import { grantRoutes } from './grant-routes.ts'
import { usersOf } from './users.ts'

const NEWEST = '~'

export const developersRoutes: Routes = (app, deps) => {
  grantRoutes(app, deps)

  app.get<{ Params: { id: string } }>('/developers/apps/:id/users', async (request) => {
    const publisherId = await requireDeveloper(deps, request)
    const [after, limit] = [cursorOf(request, ''), limitOf(request)]
    const counted = countedAs(await countedNow(deps))
    const users = await usersOf(deps.db, { publisherId, appId: request.params.id, after, limit, now: deps.now() })
    return { ...users, ...counted }
  })

  app.get('/developers/logs', async (request) => {
    const publisherId = await requireDeveloper(deps, request)
    const [appId, code, limit] = [textOf(request, 'app_id'), textOf(request, 'code'), limitOf(request)]
    if (appId !== null) await ownAppEver(deps.db, publisherId, appId)
    const before = cursorOf(request, NEWEST)
    const { calls, dropped } = await refusals(deps.db, { publisherId, appId, code, before, limit: limit + 1 })
    const page = calls.slice(0, limit)
    return { calls: page, dropped, next_cursor: calls.length > limit ? (page.at(-1)?.request_id ?? null) : null }
  })
}
