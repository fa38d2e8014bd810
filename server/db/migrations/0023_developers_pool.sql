-- Purchases by card that are to become pool money: once paid, their balance goes on into the pool, once.
CREATE TABLE pool_purchases (
  checkout     TEXT PRIMARY KEY,
  publisher_id TEXT NOT NULL,
  amount       INTEGER NOT NULL CHECK (amount > 0),
  created_at   INTEGER NOT NULL,
  ended_at     INTEGER
) STRICT;
CREATE INDEX pool_purchases_open ON pool_purchases (publisher_id) WHERE ended_at IS NULL;
