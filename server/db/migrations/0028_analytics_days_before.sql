-- The payer's day before each day: with any app of the publisher (the same day, where another app was first) and with this
-- app; -1 for none. Whoever counts different payers of a period counts rows that no day within it comes before.
-- The counters are made anew, from the first movement.
DELETE FROM usage_by_model;
DELETE FROM usage_by_user;
DELETE FROM active_users;
UPDATE rollup_mark SET seq = 0;
ALTER TABLE usage_by_user ADD COLUMN before_any INTEGER NOT NULL DEFAULT -1;
ALTER TABLE usage_by_user ADD COLUMN before_app INTEGER NOT NULL DEFAULT -1;
