-- What was found by a second name was sealed without the row it lies in; from now on it is bound to it like the rest.
-- These are sign-ins of browsers and codes of devices: people sign in once more.
DELETE FROM oidc_models WHERE kind IN ('Session', 'DeviceCode');
