-- The keys that sign receipts; the private half is sealed by the master key. Old ones stay, so that old receipts verify.
CREATE TABLE receipt_keys (
  kid        TEXT PRIMARY KEY,
  public_jwk TEXT NOT NULL,
  sealed     TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- One row per charge: where its document lies in the payer's feed, and what an app may list. Kept in the order in which apps list it.
CREATE TABLE receipts (
  request_id    TEXT NOT NULL,
  payer         TEXT NOT NULL,
  rev           INTEGER NOT NULL,
  app_id        TEXT NOT NULL,
  publisher_id  TEXT NOT NULL,
  connection_id TEXT,
  at            INTEGER NOT NULL,
  model         TEXT NOT NULL,
  base          INTEGER NOT NULL,
  markup        INTEGER NOT NULL,
  granted       INTEGER NOT NULL,
  estimated     INTEGER NOT NULL,
  PRIMARY KEY (app_id, request_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX receipts_by_request ON receipts (request_id);

-- Every price table that a receipt has named.
CREATE TABLE price_tables (
  version TEXT PRIMARY KEY,
  body    TEXT NOT NULL,
  at      INTEGER NOT NULL
) STRICT;
