-- Facts about this database as a whole: its mode (sandbox or live), its epoch, when it was made.
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
