-- Effects that a commit has promised and that are not carried out yet. A row goes when its effect is known to be done;
-- what became of it stands in the tables of whoever promised it.
CREATE TABLE outbox (
  id            TEXT PRIMARY KEY,
  kind          TEXT NOT NULL,
  subject       TEXT NOT NULL,
  tries         INTEGER NOT NULL DEFAULT 0,
  due_at        INTEGER NOT NULL,
  claimed_until INTEGER NOT NULL DEFAULT 0,
  promised_at   INTEGER NOT NULL,
  trouble       TEXT
) STRICT;
CREATE INDEX outbox_due ON outbox (due_at);
