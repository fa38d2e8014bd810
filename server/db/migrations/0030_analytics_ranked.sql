-- Counters that a read finds by period instead of adding up every day of every payer. All are made anew, from the first
-- movement; the server counts in the background after the upgrade and says so meanwhile.
DROP TABLE usage_by_model;
DROP TABLE usage_by_user;
DROP TABLE active_users;
UPDATE rollup_mark SET seq = 0;

-- For each hour ('h'), day ('d') and month ('m'), UTC: by app and model; `app_id` '' is all apps of the publisher, `model` ''
-- all models. Amounts are micros.
CREATE TABLE usage_by_model (
  publisher_id TEXT NOT NULL,
  app_id       TEXT NOT NULL,
  model        TEXT NOT NULL,
  grain        TEXT NOT NULL CHECK (grain IN ('h', 'd', 'm')),
  starts_at    INTEGER NOT NULL,
  requests     INTEGER NOT NULL,
  base         INTEGER NOT NULL,
  markup       INTEGER NOT NULL,
  granted      INTEGER NOT NULL,
  tokens       INTEGER NOT NULL,
  PRIMARY KEY (publisher_id, app_id, model, grain, starts_at)
) STRICT, WITHOUT ROWID;
-- To rank the apps or the models of a period.
CREATE INDEX usage_of_period ON usage_by_model (publisher_id, grain, starts_at);

-- By payer and app, for each day. `hours` has a bit for each hour of the day with a call.
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
CREATE INDEX usage_of_payer ON usage_by_user (payer, starts_at);

-- By payer, for each week (from Monday) and month, in the order of what they came to; `app_id` '' is all apps.
CREATE TABLE usage_ranked (
  payer        TEXT NOT NULL,
  publisher_id TEXT NOT NULL,
  app_id       TEXT NOT NULL,
  grain        TEXT NOT NULL CHECK (grain IN ('w', 'm')),
  starts_at    INTEGER NOT NULL,
  requests     INTEGER NOT NULL,
  base         INTEGER NOT NULL,
  markup       INTEGER NOT NULL,
  granted      INTEGER NOT NULL,
  tokens       INTEGER NOT NULL,
  PRIMARY KEY (payer, publisher_id, app_id, grain, starts_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_by_revenue ON usage_ranked (publisher_id, app_id, grain, starts_at, (base + markup));
CREATE INDEX usage_by_requests ON usage_ranked (publisher_id, app_id, grain, starts_at, requests);
CREATE INDEX usage_by_tokens ON usage_ranked (publisher_id, app_id, grain, starts_at, tokens);

-- By payer, ever; `app_id` '' is all apps. `last_day` is the last day with a call.
CREATE TABLE usage_ever (
  payer        TEXT NOT NULL,
  publisher_id TEXT NOT NULL,
  app_id       TEXT NOT NULL,
  last_day     INTEGER NOT NULL,
  requests     INTEGER NOT NULL,
  base         INTEGER NOT NULL,
  markup       INTEGER NOT NULL,
  granted      INTEGER NOT NULL,
  tokens       INTEGER NOT NULL,
  PRIMARY KEY (payer, publisher_id, app_id)
) STRICT, WITHOUT ROWID;

-- How many different payers, for each hour, day, week (from Monday) and month; `app_id` '' is all apps of a publisher.
CREATE TABLE active_users (
  publisher_id TEXT NOT NULL,
  app_id       TEXT NOT NULL,
  grain        TEXT NOT NULL CHECK (grain IN ('h', 'd', 'w', 'm')),
  starts_at    INTEGER NOT NULL,
  users        INTEGER NOT NULL,
  PRIMARY KEY (publisher_id, app_id, grain, starts_at)
) STRICT, WITHOUT ROWID;

-- How many payers had a call on a day and their last one before it on `before_at` (-1: never); `app_id` '' is all apps.
-- The different payers of a period are those of its days whose day before is not within it.
CREATE TABLE user_gaps (
  publisher_id TEXT NOT NULL,
  app_id       TEXT NOT NULL,
  starts_at    INTEGER NOT NULL,
  before_at    INTEGER NOT NULL,
  users        INTEGER NOT NULL,
  PRIMARY KEY (publisher_id, app_id, starts_at, before_at)
) STRICT, WITHOUT ROWID;
