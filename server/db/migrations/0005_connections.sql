-- Apps: OAuth clients as people see them. A deleted app keeps its row, for the receipts that name it.
CREATE TABLE apps (
  id                 TEXT PRIMARY KEY,
  client_id          TEXT NOT NULL UNIQUE,
  publisher_id       TEXT NOT NULL,
  name               TEXT NOT NULL,
  type               TEXT NOT NULL CHECK (type IN ('confidential', 'public')),
  secret_hash        TEXT,
  redirect_uris      TEXT NOT NULL,
  allowed_scopes     TEXT NOT NULL,
  logo_uri           TEXT,
  markup_bps         INTEGER NOT NULL CHECK (markup_bps BETWEEN 0 AND 100000),
  markup_notice_days INTEGER NOT NULL CHECK (markup_notice_days >= 7),
  -- From when on a person who consented to less must consent again; null while no rise was announced.
  consent_due_at     INTEGER,
  created_at         INTEGER NOT NULL,
  deleted_at         INTEGER,
  CHECK ((type = 'confidential') = (secret_hash IS NOT NULL))
) STRICT;
CREATE INDEX apps_by_publisher ON apps (publisher_id, id);

CREATE TABLE api_keys (
  id           TEXT PRIMARY KEY,
  app_id       TEXT NOT NULL REFERENCES apps (id),
  hash         TEXT NOT NULL UNIQUE,
  prefix       TEXT NOT NULL,
  name         TEXT NOT NULL,
  billing_mode TEXT NOT NULL CHECK (billing_mode IN ('user', 'developer', 'test')),
  rate_per_min INTEGER NOT NULL CHECK (rate_per_min > 0),
  created_at   INTEGER NOT NULL,
  last_used_at INTEGER,
  revoked_at   INTEGER
) STRICT;
CREATE INDEX api_keys_by_app ON api_keys (app_id, id);

-- One person's standing permission to one app. `generation` counts how often it was begun anew after a revoke.
CREATE TABLE connections (
  id               TEXT PRIMARY KEY,
  user_id          TEXT NOT NULL,
  app_id           TEXT NOT NULL REFERENCES apps (id),
  name             TEXT,
  status           TEXT NOT NULL CHECK (status IN ('active', 'paused', 'revoked')),
  scopes           TEXT NOT NULL,
  markup_bps       INTEGER NOT NULL CHECK (markup_bps BETWEEN 0 AND 100000),
  per_call_ceiling INTEGER CHECK (per_call_ceiling > 0),
  ask_above        INTEGER CHECK (ask_above > 0),
  models           TEXT,
  created_at       INTEGER NOT NULL,
  expires_at       INTEGER,
  generation       INTEGER NOT NULL,
  version          INTEGER NOT NULL,
  UNIQUE (user_id, app_id)
) STRICT;
CREATE INDEX connections_by_app ON connections (app_id, id);

-- When a connection was last used; apart, so that a call never waits for a row that an edit has locked.
CREATE TABLE connection_uses (
  connection   TEXT PRIMARY KEY REFERENCES connections (id),
  last_used_at INTEGER NOT NULL
) STRICT;

CREATE TABLE connection_caps (
  connection TEXT NOT NULL REFERENCES connections (id),
  period     TEXT NOT NULL CHECK (period IN ('day', 'week', 'month', 'total')),
  amount     INTEGER NOT NULL CHECK (amount > 0),
  PRIMARY KEY (connection, period)
) STRICT;

-- Windows that were opened. One budget per label ("day-2026-11-23"), and labels only rise: a change of time zone moves
-- where a window ends, never how many there are.
CREATE TABLE cap_windows (
  connection TEXT NOT NULL REFERENCES connections (id),
  period     TEXT NOT NULL,
  label      TEXT NOT NULL,
  starts_at  INTEGER NOT NULL,
  ends_at    INTEGER,
  account    TEXT NOT NULL UNIQUE,
  funded     INTEGER NOT NULL CHECK (funded > 0),
  PRIMARY KEY (connection, period, label)
) STRICT;

-- Users of an app by the app's own names. `unlinked` has been linked before; only a new consent revives it.
CREATE TABLE external_users (
  id               TEXT PRIMARY KEY,
  app_id           TEXT NOT NULL REFERENCES apps (id),
  external_user_id TEXT NOT NULL,
  status           TEXT NOT NULL CHECK (status IN ('unclaimed', 'linked', 'unlinked')),
  user_id          TEXT,
  connection       TEXT REFERENCES connections (id),
  created_at       INTEGER NOT NULL,
  linked_at        INTEGER,
  UNIQUE (app_id, external_user_id),
  CHECK ((status = 'linked') = (user_id IS NOT NULL AND connection IS NOT NULL))
) STRICT;
CREATE INDEX external_users_by_link ON external_users (linked_at) WHERE status = 'linked';
CREATE INDEX external_users_by_user ON external_users (user_id) WHERE user_id IS NOT NULL;
