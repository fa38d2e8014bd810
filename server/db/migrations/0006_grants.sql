-- One row per grant; what is left of it is its account. `ended_at` is set when the rest went back to the pool.
CREATE TABLE grants (
  id           TEXT PRIMARY KEY,
  publisher_id TEXT NOT NULL,
  app_id       TEXT NOT NULL REFERENCES apps (id),
  external_id  TEXT NOT NULL REFERENCES external_users (id),
  amount       INTEGER NOT NULL CHECK (amount > 0),
  description  TEXT,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER,
  ended_at     INTEGER
) STRICT;
CREATE INDEX grants_by_external ON grants (external_id) WHERE ended_at IS NULL;
CREATE INDEX grants_by_publisher ON grants (publisher_id, id);
CREATE INDEX grants_by_expiry ON grants (expires_at) WHERE ended_at IS NULL AND expires_at IS NOT NULL;
