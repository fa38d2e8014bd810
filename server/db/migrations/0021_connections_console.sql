-- What a developer sets beside: which models an app may call (null: all), and when a key that was rotated ends.
ALTER TABLE apps ADD COLUMN models TEXT;
ALTER TABLE api_keys ADD COLUMN revokes_at INTEGER;
CREATE INDEX api_keys_ending ON api_keys (revokes_at) WHERE revokes_at IS NOT NULL AND revoked_at IS NULL;
-- The users of an app, oldest first.
CREATE INDEX external_users_by_app ON external_users (app_id, id);
