-- Accounts with a floor (guarded) keep a running total that the guard reads; the others are summed as the chain is sealed.
CREATE TABLE accounts (
  id        TEXT PRIMARY KEY,
  unit      TEXT NOT NULL CHECK (unit IN ('usd', 'cap')),
  guarded   INTEGER NOT NULL CHECK (guarded IN (0, 1)),
  posted    INTEGER NOT NULL DEFAULT 0,
  held      INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
  floor     INTEGER NOT NULL DEFAULT 0 CHECK (floor >= 0),
  opened_at INTEGER NOT NULL,
  CHECK (guarded = 0 OR posted - held >= 0),
  CHECK (guarded = 0 OR posted <= 9007199254740991),
  CHECK (guarded = 1 OR (held = 0 AND floor = 0))
) STRICT, WITHOUT ROWID;

-- Everything that ever happened to value. Rows are added, chained once, and then never change.
CREATE TABLE movements (
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL CHECK (kind IN ('transfer', 'hold', 'settle', 'void', 'expire')),
  hold_id    TEXT REFERENCES movements (id),
  request_id TEXT,
  legs       TEXT NOT NULL,
  memo       TEXT,
  at         INTEGER NOT NULL,
  seq        INTEGER,
  prev_hash  TEXT,
  hash       TEXT,
  CHECK ((kind IN ('settle', 'void', 'expire')) = (hold_id IS NOT NULL)),
  CHECK ((seq IS NULL) = (hash IS NULL))
) STRICT;
-- A hold has room for one ending, a place in the chain for one movement. Partial, for most rows have neither.
CREATE UNIQUE INDEX movements_hold ON movements (hold_id) WHERE hold_id IS NOT NULL;
CREATE UNIQUE INDEX movements_seq ON movements (seq) WHERE seq IS NOT NULL;
CREATE INDEX movements_unsealed ON movements (at, id) WHERE seq IS NULL;

CREATE TABLE chain_head (
  id   INTEGER PRIMARY KEY CHECK (id = 1),
  seq  INTEGER NOT NULL,
  hash TEXT NOT NULL
) STRICT;
INSERT INTO chain_head (id, seq, hash) VALUES (1, 0, '');

-- An index of the holds that have not ended, with who looks after each; the movements above are the truth.
CREATE TABLE open_holds (
  id         TEXT PRIMARY KEY REFERENCES movements (id),
  owner      TEXT NOT NULL,
  request_id TEXT,
  opened_at  INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  checkpoint TEXT
) STRICT, WITHOUT ROWID;

-- A process that may own holds says that it lives; when its lease runs out, others end its holds.
CREATE TABLE leases (
  owner       TEXT PRIMARY KEY,
  lives_until INTEGER NOT NULL
) STRICT;

-- sqlite:
CREATE TRIGGER movements_kept BEFORE UPDATE ON movements
WHEN OLD.seq IS NOT NULL OR NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NEW.legs <> OLD.legs OR NEW.at <> OLD.at
  OR NEW.hold_id IS NOT OLD.hold_id OR NEW.request_id IS NOT OLD.request_id OR NEW.memo IS NOT OLD.memo
BEGIN SELECT RAISE(ABORT, 'movements are never edited'); END;
CREATE TRIGGER movements_stay BEFORE DELETE ON movements
BEGIN SELECT RAISE(ABORT, 'movements are never deleted'); END;
-- postgres:
CREATE FUNCTION movements_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'UPDATE' OR OLD.seq IS NOT NULL OR NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NEW.legs <> OLD.legs OR NEW.at <> OLD.at
    OR NEW.hold_id IS DISTINCT FROM OLD.hold_id OR NEW.request_id IS DISTINCT FROM OLD.request_id OR NEW.memo IS DISTINCT FROM OLD.memo THEN
    RAISE EXCEPTION 'movements are never edited or deleted';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER movements_kept BEFORE UPDATE OR DELETE ON movements FOR EACH ROW EXECUTE FUNCTION movements_kept();
CREATE TRIGGER movements_stay BEFORE TRUNCATE ON movements FOR EACH STATEMENT EXECUTE FUNCTION movements_kept();
-- both:
