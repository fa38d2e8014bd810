-- postgres:
-- Rate limits that several processes share (server/rate-slices.ts). Unlogged: a crash forgets at most a minute of counting.
CREATE UNLOGGED TABLE rate_windows (
  bucket  TEXT PRIMARY KEY,
  ends_at BIGINT NOT NULL,
  taken   BIGINT NOT NULL,
  granted BIGINT NOT NULL
);
-- both:
