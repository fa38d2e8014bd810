-- Whether the address was proven by a link in a mail, and when.
ALTER TABLE users ADD COLUMN email_verified_at INTEGER;

-- Where a person is signed in: a browser (known by the hash of a cookie), the wallet on a device, or an app.
CREATE TABLE devices (
  id           TEXT PRIMARY KEY,
  user_id      TEXT NOT NULL REFERENCES users (id),
  kind         TEXT NOT NULL CHECK (kind IN ('browser', 'wallet', 'app')),
  client_id    TEXT,
  key_hash     TEXT NOT NULL,
  agent        TEXT,
  address      TEXT,
  created_at   INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  UNIQUE (user_id, key_hash),
  CHECK ((kind = 'browser') = (client_id IS NULL))
) STRICT;

-- Which sign-ins and grants of the authorization server belong to a device; `model` is a row of oidc_models, or was.
CREATE TABLE device_models (
  model  TEXT PRIMARY KEY,
  device TEXT NOT NULL REFERENCES devices (id)
) STRICT;
CREATE INDEX device_models_device ON device_models (device);

-- Sessions from before devices were kept end here: people sign in once more.
DELETE FROM sessions;
ALTER TABLE sessions ADD COLUMN device TEXT;
-- When the person last proved that it is them, in milliseconds.
ALTER TABLE sessions ADD COLUMN recent_at INTEGER;
CREATE INDEX sessions_device ON sessions (device);

-- Links that went out by mail; only hashes are here, a used one is gone. `email` is the address a link proves.
CREATE TABLE mail_tokens (
  hash       TEXT PRIMARY KEY,
  user_id    TEXT NOT NULL REFERENCES users (id),
  purpose    TEXT NOT NULL CHECK (purpose IN ('verify', 'reset', 'change')),
  email      TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX mail_tokens_user ON mail_tokens (user_id, purpose);
CREATE INDEX mail_tokens_expiry ON mail_tokens (expires_at);

-- The authenticator app of a person; asked for once confirmed_at is set. last_step is the newest time step used.
CREATE TABLE totps (
  user_id       TEXT PRIMARY KEY REFERENCES users (id),
  sealed        TEXT NOT NULL,
  last_step     INTEGER NOT NULL DEFAULT 0,
  failures      INTEGER NOT NULL DEFAULT 0,
  blocked_until INTEGER NOT NULL DEFAULT 0,
  created_at    INTEGER NOT NULL,
  confirmed_at  INTEGER
) STRICT;
CREATE TABLE recovery_codes (
  hash    TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id)
) STRICT;
CREATE INDEX recovery_codes_user ON recovery_codes (user_id);

CREATE TABLE passkeys (
  id            TEXT PRIMARY KEY,
  user_id       TEXT NOT NULL REFERENCES users (id),
  credential_id TEXT NOT NULL UNIQUE,
  public_key    TEXT NOT NULL,
  counter       INTEGER NOT NULL,
  transports    TEXT NOT NULL,
  name          TEXT NOT NULL,
  created_at    INTEGER NOT NULL,
  last_used_at  INTEGER
) STRICT;
CREATE INDEX passkeys_user ON passkeys (user_id);

-- WebAuthn challenges that were given out; taken by being deleted. `session` is empty for a sign-in.
CREATE TABLE challenges (
  hash       TEXT PRIMARY KEY,
  purpose    TEXT NOT NULL CHECK (purpose IN ('sign_in', 'register', 'step_up')),
  session    TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX challenges_expiry ON challenges (expires_at);
