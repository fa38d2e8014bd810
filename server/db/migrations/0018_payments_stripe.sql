-- Checkouts learn of the provider: its session, its payment, and two more outcomes.
CREATE TABLE checkouts_now (
  id              TEXT PRIMARY KEY,
  kind            TEXT NOT NULL CHECK (kind IN ('page', 'auto')),
  package_id      TEXT NOT NULL REFERENCES packages (id),
  package_name    TEXT NOT NULL,
  price_cents     INTEGER NOT NULL,
  balance_credits INTEGER NOT NULL,
  user_id         TEXT,
  external_id     TEXT REFERENCES external_users (id),
  success_url     TEXT NOT NULL,
  cancel_url      TEXT NOT NULL,
  embedded        INTEGER NOT NULL CHECK (embedded IN (0, 1)),
  save_card       INTEGER NOT NULL CHECK (save_card IN (0, 1)),
  session_id      TEXT,
  payment_intent  TEXT,
  status          TEXT NOT NULL CHECK (status IN ('pending', 'processing', 'paid', 'declined', 'failed', 'expired')),
  failure         TEXT,
  livemode        INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created_at      INTEGER NOT NULL,
  looked_at       INTEGER NOT NULL,
  ended_at        INTEGER,
  CHECK ((user_id IS NULL) <> (external_id IS NULL))
) STRICT;
INSERT INTO checkouts_now (id, kind, package_id, package_name, price_cents, balance_credits, user_id, external_id, success_url,
  cancel_url, embedded, save_card, status, livemode, created_at, looked_at, ended_at)
  SELECT id, 'page', package_id, package_name, price_cents, balance_credits, user_id, external_id, success_url,
  cancel_url, 0, 0, status, livemode, created_at, created_at, ended_at FROM checkouts;
DROP TABLE checkouts;
ALTER TABLE checkouts_now RENAME TO checkouts;
CREATE UNIQUE INDEX checkouts_session ON checkouts (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX checkouts_open ON checkouts (looked_at) WHERE status IN ('pending', 'processing');
CREATE INDEX checkouts_user ON checkouts (user_id, created_at);

-- One row per payment that was credited. `account` and `payer` are whose balance it raised, and whose it is now.
CREATE TABLE lots (
  payment_intent   TEXT PRIMARY KEY,
  checkout         TEXT NOT NULL REFERENCES checkouts (id),
  charge           TEXT,
  account          TEXT NOT NULL,
  payer            TEXT NOT NULL,
  external_id      TEXT,
  cents            INTEGER NOT NULL CHECK (cents > 0),
  credits          INTEGER NOT NULL CHECK (credits > 0 AND credits <= cents * 10000),
  returned_cents   INTEGER NOT NULL DEFAULT 0 CHECK (returned_cents >= 0),
  returned_credits INTEGER NOT NULL DEFAULT 0 CHECK (returned_credits >= 0 AND returned_credits <= credits),
  fingerprint      TEXT,
  warned_at        INTEGER,
  at               INTEGER NOT NULL
) STRICT;
CREATE INDEX lots_payer ON lots (payer, at);
CREATE INDEX lots_external ON lots (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX lots_fingerprint ON lots (fingerprint) WHERE fingerprint IS NOT NULL;

-- Money that goes back to a card: asked for by its person (our id), or made by an operator at the provider (its id).
CREATE TABLE refunds (
  id             TEXT PRIMARY KEY,
  payment_intent TEXT NOT NULL REFERENCES lots (payment_intent),
  stripe_id      TEXT UNIQUE,
  origin         TEXT NOT NULL CHECK (origin IN ('person', 'operator')),
  cents          INTEGER NOT NULL CHECK (cents > 0),
  credits        INTEGER NOT NULL CHECK (credits >= 0),
  status         TEXT NOT NULL CHECK (status IN ('promised', 'sent', 'succeeded', 'failed')),
  attempt        INTEGER NOT NULL DEFAULT 1,
  failure        TEXT,
  created_at     INTEGER NOT NULL,
  ended_at       INTEGER
) STRICT;
CREATE INDEX refunds_payment ON refunds (payment_intent);

CREATE TABLE disputes (
  id             TEXT PRIMARY KEY,
  payment_intent TEXT NOT NULL REFERENCES lots (payment_intent),
  cents          INTEGER NOT NULL,
  reason         TEXT NOT NULL,
  status         TEXT NOT NULL,
  standing       TEXT NOT NULL CHECK (standing IN ('open', 'won', 'lost')),
  known          INTEGER NOT NULL,
  turn           INTEGER NOT NULL DEFAULT 0,
  held_credits   INTEGER NOT NULL DEFAULT 0,
  taken_credits  INTEGER NOT NULL DEFAULT 0,
  taken_cents    INTEGER NOT NULL DEFAULT 0,
  opened_at      INTEGER NOT NULL,
  ended_at       INTEGER
) STRICT;
CREATE INDEX disputes_payment ON disputes (payment_intent);

-- How far something has been read: events, movements, balance transactions.
CREATE TABLE payment_marks (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- The card a person lets us keep, at the provider; we hold its name there and what people know it by.
CREATE TABLE saved_cards (
  user_id        TEXT PRIMARY KEY,
  customer       TEXT NOT NULL,
  payment_method TEXT NOT NULL,
  brand          TEXT NOT NULL,
  last4          TEXT NOT NULL,
  at             INTEGER NOT NULL
) STRICT;

-- `armed` is 0 from the moment a crossing has begun a purchase until that purchase has an outcome.
CREATE TABLE auto_topups (
  user_id          TEXT PRIMARY KEY,
  enabled          INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  threshold        INTEGER NOT NULL CHECK (threshold > 0),
  package_id       TEXT NOT NULL REFERENCES packages (id),
  month_max_cents  INTEGER NOT NULL CHECK (month_max_cents > 0),
  armed            INTEGER NOT NULL DEFAULT 1 CHECK (armed IN (0, 1)),
  failures         INTEGER NOT NULL DEFAULT 0,
  next_at          INTEGER NOT NULL DEFAULT 0,
  stopped          TEXT,
  version          INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX auto_topups_on ON auto_topups (user_id) WHERE enabled = 1;

-- A publisher's account at the provider, as it was last seen.
CREATE TABLE connect_accounts (
  user_id           TEXT PRIMARY KEY,
  account           TEXT NOT NULL UNIQUE,
  payouts_enabled   INTEGER NOT NULL DEFAULT 0 CHECK (payouts_enabled IN (0, 1)),
  transfers_active  INTEGER NOT NULL DEFAULT 0 CHECK (transfers_active IN (0, 1)),
  details_submitted INTEGER NOT NULL DEFAULT 0 CHECK (details_submitted IN (0, 1)),
  disabled_reason   TEXT,
  due               TEXT NOT NULL DEFAULT '[]',
  created_at        INTEGER NOT NULL,
  seen_at           INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE payouts (
  id          TEXT PRIMARY KEY,
  publisher   TEXT NOT NULL,
  day         TEXT NOT NULL,
  account     TEXT NOT NULL,
  status      TEXT NOT NULL CHECK (status IN ('pending', 'paid', 'failed', 'reversed')),
  cents       INTEGER NOT NULL CHECK (cents > 0),
  earned      INTEGER NOT NULL,
  released    INTEGER NOT NULL,
  carried_in  INTEGER NOT NULL,
  reserved    INTEGER NOT NULL,
  carried_out INTEGER NOT NULL,
  attempt     INTEGER NOT NULL DEFAULT 1,
  transfer    TEXT UNIQUE,
  reversed_cents INTEGER NOT NULL DEFAULT 0,
  failure     TEXT,
  created_at  INTEGER NOT NULL,
  ended_at    INTEGER,
  release_at  INTEGER,
  released_at INTEGER,
  released_in TEXT REFERENCES payouts (id),
  livemode    INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  UNIQUE (publisher, day),
  CHECK (cents * 10000 + reserved + carried_out = earned + released + carried_in)
) STRICT;
CREATE INDEX payouts_release ON payouts (release_at) WHERE released_at IS NULL AND release_at IS NOT NULL;

-- One row per charge with a markup, read off the sealed movements.
CREATE TABLE earnings (
  id         TEXT PRIMARY KEY,
  request_id TEXT NOT NULL,
  publisher  TEXT NOT NULL,
  payer      TEXT NOT NULL,
  amount     INTEGER NOT NULL CHECK (amount > 0),
  at         INTEGER NOT NULL,
  matures_at INTEGER NOT NULL,
  risk       TEXT,
  matured_at INTEGER,
  payout     TEXT REFERENCES payouts (id)
) STRICT;
CREATE INDEX earnings_young ON earnings (matures_at) WHERE matured_at IS NULL;
CREATE INDEX earnings_publisher ON earnings (publisher, payout, id);

-- The provider's own account of its balance, line by line; what we did not cause is booked as it is read.
CREATE TABLE provider_transactions (
  id        TEXT PRIMARY KEY,
  type      TEXT NOT NULL,
  category  TEXT NOT NULL,
  source    TEXT,
  cents     INTEGER NOT NULL,
  fee_cents INTEGER NOT NULL,
  net_cents INTEGER NOT NULL,
  currency  TEXT NOT NULL,
  at        INTEGER NOT NULL
) STRICT;
CREATE INDEX provider_transactions_at ON provider_transactions (at);
CREATE INDEX provider_transactions_source ON provider_transactions (source) WHERE source IS NOT NULL;
CREATE INDEX lots_charge ON lots (charge);
