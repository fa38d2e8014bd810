// The reference of OAuth.
// owns: the table of /oauth. never: a route.
// always true: each row is a route of the server; a test compares the two.

import { z } from 'zod'
import { Interaction, InteractionAnswer, InteractionReply } from '../contract/api.ts'
import type { Group, Operation } from './operation.ts'

const ME = ['session'] as const
const PUBLIC = ['nobody'] as const
const CLIENT = ['client'] as const
const FORM = 'application/x-www-form-urlencoded' as const

const Tokens = z.looseObject({
  access_token: z.string(),
  token_type: z.string(),
  expires_in: z.int(),
  refresh_token: z.string().optional(),
  id_token: z.string().optional(),
  scope: z.string(),
})
const Hosted = z.object({ external_user_id: z.string(), storage_mode: z.literal('hosted'), scope: z.string() })

export const OAUTH: Group = {
  name: 'OAuth',
  text: `The code flow with PKCE (S256), refresh tokens that rotate, PAR, DPoP and the device flow; every address is in
/.well-known/openid-configuration. These endpoints answer errors as RFC 6749 has them.`,
  operations: [
    {
      at: 'GET /.well-known/openid-configuration',
      summary: 'Discovery (also at /.well-known/oauth-authorization-server).',
      who: PUBLIC,
      answer: z.looseObject({ issuer: z.string() }),
    },
    {
      at: 'GET /.well-known/jwks.json',
      summary: 'The keys that sign id_tokens.',
      who: PUBLIC,
      answer: z.object({ keys: z.array(z.looseObject({})) }),
    },
    {
      at: 'GET /oauth/authorize',
      summary:
        'Where a person’s browser is sent; it comes back to the redirect URI with a code. An app may suggest a limit.',
      who: PUBLIC,
      query: {
        client_id: 'The app.',
        redirect_uri: 'Exactly one that is registered.',
        response_type: '`code`.',
        scope: 'openid profile email offline_access credits.read credits.spend, as many as are needed.',
        state: 'Comes back.',
        nonce: 'Is in the id_token.',
        code_challenge: 'Base64url of SHA-256 of the verifier.',
        code_challenge_method: '`S256`.',
        cap_amount: 'A limit the app suggests, in credits.',
        cap_period: '`day`, `week`, `month` or `total`.',
      },
      answer: 'text/html',
    },
    form(
      'POST /oauth/token',
      'A code or a refresh token for tokens; with storage_mode=hosted a code for a link instead.',
      [
        'grant_type',
        'code',
        'redirect_uri',
        'code_verifier',
        'refresh_token',
        'device_code',
        'storage_mode',
        'external_user_id',
      ],
      z.union([Tokens, Hosted]),
    ),
    form('POST /oauth/revoke', 'Gives a token back (RFC 7009).', ['token', 'token_type_hint'], z.looseObject({})),
    form('POST /oauth/introspect', 'What a token is (RFC 7662).', ['token'], z.looseObject({ active: z.boolean() })),
    form(
      'POST /oauth/par',
      'Pushes an authorization request (RFC 9126).',
      ['request fields of /oauth/authorize'],
      z.object({ request_uri: z.string(), expires_in: z.int() }),
      201,
    ),
    form(
      'POST /oauth/device',
      'Begins the device flow (RFC 8628).',
      ['client_id', 'scope'],
      z.looseObject({ device_code: z.string(), user_code: z.string() }),
    ),
    {
      at: 'GET /oauth/userinfo',
      summary: 'Claims of the person behind a token.',
      who: ['token'],
      answer: z.looseObject({ sub: z.string() }),
    },
    {
      at: 'GET /oauth/interactions/{uid}',
      summary: 'A request for consent, for the page that shows it or a script.',
      who: ['session', 'nobody'],
      answer: Interaction,
      errors: ['not_found'],
    },
    {
      at: 'POST /oauth/interactions/{uid}',
      summary: 'Answers it. No connection exists without a limit.',
      who: ME,
      body: InteractionAnswer,
      answer: InteractionReply,
      errors: ['not_found', 'csrf'],
    },
  ],
}

function form(
  at: Operation['at'],
  summary: string,
  fields: readonly string[],
  answer: z.ZodType,
  status = 200,
): Operation {
  const body = z.looseObject(Object.fromEntries(fields.map((name) => [name, z.string().optional()])))
  return { at, summary, who: CLIENT, body, form: FORM, answer, status }
}
