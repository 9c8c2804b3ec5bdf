-- Production's second database as it was on an earlier night. Run in the database ledger, as the master user.
CREATE ROLE ledger_owner NOLOGIN;
GRANT ledger_owner TO CURRENT_USER;
GRANT CREATE ON DATABASE ledger TO ledger_owner;
SET ROLE ledger_owner;
CREATE SCHEMA books;
CREATE TABLE books.accounts (number integer PRIMARY KEY, title text NOT NULL);
INSERT INTO books.accounts SELECT 1000 + n, 'Account ' || n FROM generate_series(1, 200) AS n;
CREATE TABLE books.entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account integer NOT NULL REFERENCES books.accounts,
    amount numeric(12, 2) NOT NULL,
    booked_on date NOT NULL
);
INSERT INTO books.entries (account, amount, booked_on)
SELECT 1001 + n % 200, (n % 1000) / 10.0, current_date - 31 - n % 300 FROM generate_series(1, 40000) AS n;
GRANT USAGE ON SCHEMA books TO analysts;
GRANT SELECT ON ALL TABLES IN SCHEMA books TO analysts;
RESET ROLE;
REVOKE ledger_owner FROM CURRENT_USER;
