-- One counter per payer; raised in the commit that makes the change.
CREATE TABLE feeds (
  id           TEXT PRIMARY KEY,
  rev          INTEGER NOT NULL DEFAULT 0,
  receipt_hash TEXT
) STRICT;

CREATE TABLE changes (
  feed  TEXT NOT NULL,
  rev   INTEGER NOT NULL,
  topic TEXT NOT NULL,
  doc   TEXT NOT NULL,
  row   TEXT,
  PRIMARY KEY (feed, rev)
) STRICT;
