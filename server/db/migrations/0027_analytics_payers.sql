-- By payer alone: beside an index that begins like the primary key SQLite, without statistics, takes the primary key.
DROP INDEX usage_of_user;
CREATE INDEX usage_of_payer ON usage_by_user (payer, starts_at);
