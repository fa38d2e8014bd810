-- Who an external user was when a purchase for them began: the link may have ended, or be another person's, when it is paid.
ALTER TABLE checkouts ADD COLUMN linked_user TEXT;
