-- People. The e-mail address is kept as it is compared: NFC, lower case.
CREATE TABLE users (
  id            TEXT PRIMARY KEY,
  email         TEXT NOT NULL UNIQUE,
  password_hash TEXT NOT NULL,
  name          TEXT,
  time_zone     TEXT NOT NULL,
  week_start    TEXT NOT NULL CHECK (week_start IN ('monday', 'sunday', 'saturday')),
  frozen        INTEGER NOT NULL DEFAULT 0 CHECK (frozen IN (0, 1)),
  livemode      INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  version       INTEGER NOT NULL DEFAULT 1,
  created_at    INTEGER NOT NULL
) STRICT;

-- Sessions of people on our own pages and of scripts; only the hash of the token is here.
CREATE TABLE sessions (
  token_hash TEXT PRIMARY KEY,
  user_id    TEXT NOT NULL REFERENCES users (id),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Keys of the authorization server, made once, sealed: 'jwks' signs id_tokens, 'cookies' signs cookies.
CREATE TABLE identity_keys (
  name       TEXT PRIMARY KEY,
  sealed     TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- Everything oidc-provider keeps: grants, codes, tokens, its sessions, interactions. A row is found by the hash of its
-- id; the payload is sealed; the columns are what our own look-ups, revocation and sweeping need.
CREATE TABLE oidc_models (
  id          TEXT PRIMARY KEY,
  kind        TEXT NOT NULL,
  payload     TEXT NOT NULL,
  grant_id    TEXT,
  user_id     TEXT,
  client_id   TEXT,
  scope       TEXT,
  dpop_key    TEXT,
  alias       TEXT,
  consumed_at INTEGER,
  expires_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX oidc_models_grant ON oidc_models (grant_id);
CREATE INDEX oidc_models_owner ON oidc_models (user_id, client_id);
CREATE INDEX oidc_models_alias ON oidc_models (alias);
CREATE INDEX oidc_models_expiry ON oidc_models (expires_at);
