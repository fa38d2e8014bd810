-- What the grants of the app's publisher had left after a call: an app is shown them together with the balance.
ALTER TABLE receipts ADD COLUMN grants_after INTEGER NOT NULL DEFAULT 0 CHECK (grants_after >= 0);
