-- What may be bought; the operator's to change.
CREATE TABLE packages (
  id              TEXT PRIMARY KEY,
  name            TEXT NOT NULL,
  price_cents     INTEGER NOT NULL CHECK (price_cents > 0),
  balance_credits INTEGER NOT NULL CHECK (balance_credits > 0),
  position        INTEGER NOT NULL,
  offered         INTEGER NOT NULL CHECK (offered IN (0, 1)),
  CHECK (balance_credits <= price_cents * 10000)
) STRICT;
INSERT INTO packages (id, name, price_cents, balance_credits, position, offered) VALUES
  ('starter', 'Starter', 500, 4050000, 1, 1),
  ('basic', 'Basic', 1000, 8500000, 2, 1),
  ('plus', 'Plus', 2500, 22500000, 3, 1),
  ('pro', 'Pro', 5000, 46500000, 4, 1);

-- One row per checkout, with the terms as they were shown. Its id is the secret that opens the sandbox's payment page.
CREATE TABLE checkouts (
  id              TEXT PRIMARY KEY,
  package_id      TEXT NOT NULL REFERENCES packages (id),
  package_name    TEXT NOT NULL,
  price_cents     INTEGER NOT NULL,
  balance_credits INTEGER NOT NULL,
  user_id         TEXT,
  external_id     TEXT REFERENCES external_users (id),
  success_url     TEXT NOT NULL,
  cancel_url      TEXT NOT NULL,
  status          TEXT NOT NULL CHECK (status IN ('pending', 'paid', 'declined', 'expired')),
  livemode        INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created_at      INTEGER NOT NULL,
  ended_at        INTEGER,
  CHECK ((user_id IS NULL) <> (external_id IS NULL))
) STRICT;
