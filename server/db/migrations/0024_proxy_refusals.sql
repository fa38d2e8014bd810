-- Metered calls that got no answer, for their developer: why, and nothing of what was asked. Bounded per app and by age.
CREATE TABLE refused_calls (
  app_id       TEXT NOT NULL,
  request_id   TEXT NOT NULL,
  publisher_id TEXT NOT NULL,
  key_id       TEXT,
  user_name    TEXT,
  route        TEXT NOT NULL,
  model        TEXT,
  status       INTEGER NOT NULL,
  code         TEXT NOT NULL,
  param        TEXT,
  limit_name   TEXT,
  period       TEXT,
  at           INTEGER NOT NULL,
  PRIMARY KEY (app_id, request_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX refused_calls_by_publisher ON refused_calls (publisher_id, request_id);
CREATE INDEX refused_calls_by_age ON refused_calls (at);
