-- What the stand-in for Stripe remembers, in the sandbox alone: so that it survives a restart, and servers share it.
CREATE TABLE stand_in_objects (
  id    TEXT PRIMARY KEY,
  kind  TEXT NOT NULL,
  owner TEXT NOT NULL,
  seq   INTEGER NOT NULL UNIQUE,
  doc   TEXT NOT NULL
) STRICT;
CREATE INDEX stand_in_lists ON stand_in_objects (kind, owner, seq);

-- One row: how often it was written. A unit of work commits only if nobody else did since it began to read.
CREATE TABLE stand_in_revision (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  revision INTEGER NOT NULL
) STRICT;
INSERT INTO stand_in_revision (id, revision) VALUES (1, 0);
