-- How far each device's edits have come, and what became of each.
CREATE TABLE wallet_clients (
  user_id  TEXT NOT NULL,
  client   TEXT NOT NULL,
  last_mid INTEGER NOT NULL,
  PRIMARY KEY (user_id, client)
) STRICT;
CREATE TABLE wallet_mutations (
  user_id TEXT NOT NULL,
  client  TEXT NOT NULL,
  mid     INTEGER NOT NULL,
  hash    TEXT NOT NULL,
  code    TEXT,
  message TEXT,
  at      INTEGER NOT NULL,
  PRIMARY KEY (user_id, client, mid)
) STRICT;

-- What a person wrote beside a receipt.
CREATE TABLE annotations (
  user_id    TEXT NOT NULL,
  request_id TEXT NOT NULL,
  note       TEXT,
  tags       TEXT NOT NULL,
  PRIMARY KEY (user_id, request_id)
) STRICT;
