-- Answers kept for Idempotency-Key on POSTs that move money and are not metered calls.
CREATE TABLE idempotent_answers (
  scope_hash TEXT PRIMARY KEY,
  body_hash  TEXT NOT NULL,
  answer     TEXT NOT NULL,
  at         INTEGER NOT NULL
) STRICT;
CREATE INDEX idempotent_answers_by_age ON idempotent_answers (at);
