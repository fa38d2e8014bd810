-- The secret before the last rotation; it works until `secondary_expires_at`.
ALTER TABLE apps ADD COLUMN secondary_secret_hash TEXT;
ALTER TABLE apps ADD COLUMN secondary_expires_at INTEGER;

-- The domain an app names as its own; it is shown to people while `verified_at` is set. `proof` is what a file there or a
-- TXT record has to say. `failures` counts looks in a row that did not find it.
CREATE TABLE app_domains (
  app_id      TEXT PRIMARY KEY REFERENCES apps (id),
  domain      TEXT NOT NULL,
  proof       TEXT NOT NULL,
  verified_by TEXT CHECK (verified_by IN ('file', 'dns')),
  verified_at INTEGER,
  checked_at  INTEGER,
  failures    INTEGER NOT NULL DEFAULT 0,
  CHECK ((verified_at IS NULL) = (verified_by IS NULL))
) STRICT;
CREATE INDEX app_domains_checked ON app_domains (checked_at) WHERE verified_at IS NOT NULL;
