-- What came back of a grant, and why it ended: its day came, or its publisher took it back.
ALTER TABLE grants ADD COLUMN returned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE grants ADD COLUMN withdrawn INTEGER NOT NULL DEFAULT 0;
CREATE INDEX grants_of_external ON grants (external_id, id);
CREATE INDEX grants_by_app ON grants (app_id, id);

-- How an app grants by itself: a welcome for each new user, and the most one user may be given altogether.
CREATE TABLE grant_settings (
  app_id         TEXT PRIMARY KEY REFERENCES apps (id),
  welcome_amount INTEGER CHECK (welcome_amount > 0),
  welcome_days   INTEGER CHECK (welcome_days > 0),
  per_user_max   INTEGER CHECK (per_user_max > 0)
) STRICT;

-- Who was welcomed in an app: once, however often they come again.
CREATE TABLE welcomed (
  app_id   TEXT NOT NULL REFERENCES apps (id),
  user_id  TEXT NOT NULL,
  grant_id TEXT NOT NULL REFERENCES grants (id),
  at       INTEGER NOT NULL,
  PRIMARY KEY (app_id, user_id)
) STRICT;
