-- Answers kept for callers who sent an Idempotency-Key: claimed in the commit that holds, filled in the one that settles.
CREATE TABLE kept_answers (
  scope      TEXT PRIMARY KEY,
  body_hash  TEXT NOT NULL,
  hold_id    TEXT NOT NULL UNIQUE,
  sealed     TEXT,
  quota      TEXT,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX kept_answers_expiry ON kept_answers (expires_at);
