-- Where a publisher wants to be told. `app_id` null: of all their apps.
CREATE TABLE webhooks (
  id                    TEXT PRIMARY KEY,
  publisher_id          TEXT NOT NULL,
  app_id                TEXT,
  url                   TEXT NOT NULL,
  events                TEXT NOT NULL,
  low_balance_threshold INTEGER CHECK (low_balance_threshold > 0),
  status                TEXT NOT NULL CHECK (status IN ('enabled', 'disabled')),
  disabled_reason       TEXT CHECK (disabled_reason IN ('developer', 'failing', 'gone', 'overrun')),
  failing_since         INTEGER,
  created_at            INTEGER NOT NULL,
  CHECK ((status = 'disabled') = (disabled_reason IS NOT NULL))
) STRICT;
CREATE INDEX webhooks_by_publisher ON webhooks (publisher_id, id);

-- What its deliveries are signed with, sealed; several sign during a rotation.
CREATE TABLE webhook_secrets (
  id         TEXT PRIMARY KEY,
  webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  sealed     TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER
) STRICT;
CREATE INDEX webhook_secrets_of ON webhook_secrets (webhook_id);

-- What happened, as it is sent; the same id is one event, whoever tells of it how often.
CREATE TABLE webhook_events (
  id           TEXT PRIMARY KEY,
  publisher_id TEXT NOT NULL,
  type         TEXT NOT NULL,
  body         TEXT NOT NULL,
  at           INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_events_by_age ON webhook_events (at);

-- One event on its way to one webhook. A replay is a row of its own.
CREATE TABLE webhook_deliveries (
  id              TEXT PRIMARY KEY,
  webhook_id      TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  event_id        TEXT NOT NULL REFERENCES webhook_events (id),
  status          TEXT NOT NULL CHECK (status IN ('waiting', 'delivered', 'failed')),
  tries           INTEGER NOT NULL DEFAULT 0,
  next_at         INTEGER NOT NULL,
  claimed_until   INTEGER NOT NULL DEFAULT 0,
  response_status INTEGER,
  error           TEXT,
  duration_ms     INTEGER,
  created_at      INTEGER NOT NULL,
  ended_at        INTEGER
) STRICT;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_at) WHERE status = 'waiting';
CREATE INDEX webhook_deliveries_of ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_event ON webhook_deliveries (event_id);

-- How far the sealed movements were read for events.
CREATE TABLE webhook_mark (
  id  INTEGER PRIMARY KEY CHECK (id = 1),
  seq INTEGER NOT NULL
) STRICT;
INSERT INTO webhook_mark (id, seq) VALUES (1, 0);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (webhook_id, next_at) WHERE status = 'waiting';

-- Whose balance stands below a webhook's threshold and was told of; the row goes when it is above again.
CREATE TABLE webhook_lows (
  webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  payer      TEXT NOT NULL,
  PRIMARY KEY (webhook_id, payer)
) STRICT;
