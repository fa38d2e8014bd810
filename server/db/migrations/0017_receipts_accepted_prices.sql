-- The prices that the operator has seen, by the names that price tables have: what the next table is compared with. One row.
CREATE TABLE accepted_prices (
  id   INTEGER PRIMARY KEY CHECK (id = 1),
  seq  INTEGER NOT NULL,
  body TEXT NOT NULL,
  at   INTEGER NOT NULL
) STRICT;
