-- Finds accounts of money that must keep something (a debt), which nearly none does; calls never change a floor of money.
CREATE INDEX accounts_debt ON accounts (id) WHERE floor > 0 AND unit = 'usd';
