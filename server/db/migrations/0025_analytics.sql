-- Counters of charges, rolled up from the sealed movements in order. `seq` is the last movement that is counted.
CREATE TABLE rollup_mark (
  id  INTEGER PRIMARY KEY CHECK (id = 1),
  seq INTEGER NOT NULL
) STRICT;
INSERT INTO rollup_mark (id, seq) VALUES (1, 0);

-- By app and model, for each hour ('h') and each day ('d'), UTC. Amounts are micros.
CREATE TABLE usage_by_model (
  publisher_id TEXT NOT NULL,
  grain        TEXT NOT NULL CHECK (grain IN ('h', 'd')),
  starts_at    INTEGER NOT NULL,
  app_id       TEXT NOT NULL,
  model        TEXT NOT NULL,
  requests     INTEGER NOT NULL,
  base         INTEGER NOT NULL,
  markup       INTEGER NOT NULL,
  granted      INTEGER NOT NULL,
  tokens       INTEGER NOT NULL,
  PRIMARY KEY (publisher_id, grain, starts_at, app_id, model)
) STRICT, WITHOUT ROWID;

-- By payer, for each day. `hours` has a bit for each hour of the day with a call.
CREATE TABLE usage_by_user (
  publisher_id TEXT NOT NULL,
  starts_at    INTEGER NOT NULL,
  app_id       TEXT NOT NULL,
  payer        TEXT NOT NULL,
  hours        INTEGER NOT NULL,
  requests     INTEGER NOT NULL,
  base         INTEGER NOT NULL,
  markup       INTEGER NOT NULL,
  granted      INTEGER NOT NULL,
  tokens       INTEGER NOT NULL,
  PRIMARY KEY (publisher_id, starts_at, app_id, payer)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_of_user ON usage_by_user (publisher_id, payer, starts_at);

-- How many different payers, for each hour, day, week (from Monday) and month; `app_id` '' is all apps of a publisher.
CREATE TABLE active_users (
  publisher_id TEXT NOT NULL,
  app_id       TEXT NOT NULL,
  grain        TEXT NOT NULL CHECK (grain IN ('h', 'd', 'w', 'm')),
  starts_at    INTEGER NOT NULL,
  users        INTEGER NOT NULL,
  PRIMARY KEY (publisher_id, app_id, grain, starts_at)
) STRICT, WITHOUT ROWID;
