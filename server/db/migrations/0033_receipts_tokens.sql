-- What a call came to in tokens, so that counting it need not read its document. Null for charges from before.
ALTER TABLE receipts ADD COLUMN tokens INTEGER CHECK (tokens >= 0);
