-- Requests for consent that have been answered, or are shown to a signed-in wallet. A row is what decides between the
-- two sides: `decision` is set once. `shown` is whether it stands on the feed of `user_id`, whose browser asked.
CREATE TABLE consent_requests (
  uid          TEXT PRIMARY KEY,
  user_id      TEXT,
  shown        INTEGER NOT NULL DEFAULT 0 CHECK (shown IN (0, 1)),
  app_id       TEXT,
  scopes       TEXT,
  markup_bps   INTEGER,
  digits       TEXT,
  -- The sign-ins of the browser that asked: our own session, the authorization server's, or both. One has to be alive.
  session_hash TEXT,
  op_session   TEXT,
  -- When the person gave their password there, in milliseconds.
  signed_in_at INTEGER,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  decision     TEXT CHECK (decision IN ('approve', 'deny', 'continue')),
  decided_by   TEXT
) STRICT;
CREATE INDEX consent_requests_person ON consent_requests (user_id, created_at);
CREATE INDEX consent_requests_shown ON consent_requests (expires_at) WHERE shown = 1;
CREATE INDEX consent_requests_age ON consent_requests (created_at);
