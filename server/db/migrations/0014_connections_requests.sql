-- Calls that wait, or waited, for their person. Nothing is held for one of them; `used` is set by the hold it allowed.
CREATE TABLE approvals (
  id         TEXT PRIMARY KEY,
  user_id    TEXT NOT NULL,
  connection TEXT NOT NULL REFERENCES connections (id),
  request_id TEXT NOT NULL UNIQUE,
  amount     INTEGER NOT NULL CHECK (amount > 0),
  scope      TEXT,
  body_hash  TEXT,
  status     TEXT NOT NULL CHECK (status IN ('open', 'approved', 'refused', 'ended', 'used')),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX approvals_open ON approvals (connection) WHERE status = 'open';
CREATE INDEX approvals_age ON approvals (created_at);

-- Notices that were given, so that each is given once; `subject` is a window and a threshold.
CREATE TABLE notices (
  id           TEXT PRIMARY KEY,
  user_id      TEXT NOT NULL,
  subject      TEXT NOT NULL,
  at           INTEGER NOT NULL,
  dismissed_at INTEGER,
  UNIQUE (user_id, subject)
) STRICT;
