-- Payouts that a publisher's own bank refused, on their account at the provider: the money is theirs and waits there.
CREATE TABLE bank_refusals (
  id      TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  cents   INTEGER NOT NULL CHECK (cents > 0),
  code    TEXT NOT NULL,
  at      INTEGER NOT NULL,
  seen_at INTEGER NOT NULL
) STRICT;
CREATE INDEX bank_refusals_account ON bank_refusals (account, at);

-- When the last payout that arrived was made: refusals before it are over.
ALTER TABLE connect_accounts ADD COLUMN bank_paid_at INTEGER NOT NULL DEFAULT 0;
