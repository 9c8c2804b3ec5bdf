-- Production as it was on an earlier night: roles, two databases' worth of owners, and rows that never change.
-- Run in the database shop, as the master user.
CREATE ROLE shop_owner NOLOGIN;
CREATE ROLE catalog_owner NOLOGIN;
CREATE ROLE sales_team NOLOGIN;
CREATE ROLE analysts NOLOGIN;
GRANT sales_team TO shop_app;
GRANT analysts TO reporting;
GRANT shop_owner, catalog_owner TO CURRENT_USER;
GRANT CREATE ON DATABASE shop TO shop_owner, catalog_owner;

SET ROLE catalog_owner;
CREATE SCHEMA catalog;
CREATE TABLE catalog.products (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku text NOT NULL UNIQUE,
    title text NOT NULL,
    price numeric(10, 2) NOT NULL CHECK (price > 0)
);
INSERT INTO catalog.products (sku, title, price)
SELECT 'SKU-' || lpad(n::text, 6, '0'), 'Product ' || n, 1 + n % 250 + 0.99
FROM generate_series(1, 5000) AS n;
GRANT USAGE ON SCHEMA catalog TO sales_team, analysts, etl, shop_owner;
GRANT SELECT ON ALL TABLES IN SCHEMA catalog TO sales_team, analysts;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA catalog TO etl;
GRANT SELECT, REFERENCES ON catalog.products TO shop_owner;

SET ROLE shop_owner;
CREATE SCHEMA sales;
CREATE SEQUENCE sales.invoice_number START 100000;
CREATE TABLE sales.customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    joined_on date NOT NULL
);
CREATE TABLE sales.orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES sales.customers,
    product_id bigint NOT NULL REFERENCES catalog.products,
    invoice bigint NOT NULL DEFAULT nextval('sales.invoice_number'),
    quantity integer NOT NULL,
    placed_at timestamptz NOT NULL
);
CREATE VIEW sales.orders_by_day AS
    SELECT placed_at::date AS day, count(*) AS orders, sum(quantity) AS items FROM sales.orders GROUP BY 1;
INSERT INTO sales.customers (email, joined_on)
SELECT 'customer' || n || '@example.com', current_date - 400 - n % 1000 FROM generate_series(1, 20000) AS n;
INSERT INTO sales.orders (customer_id, product_id, quantity, placed_at)
SELECT 1 + n % 20000, 1 + n % 5000, 1 + n % 4, date_trunc('day', now()) - interval '31 days' - n * interval '1 minute'
FROM generate_series(1, 120000) AS n;
CREATE INDEX ON sales.orders (placed_at);
GRANT USAGE ON SCHEMA sales TO sales_team, analysts;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA sales TO sales_team;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA sales TO sales_team;
GRANT SELECT ON ALL TABLES IN SCHEMA sales TO analysts;
RESET ROLE;
REVOKE shop_owner, catalog_owner FROM CURRENT_USER;

-- A schema of the application's own: here a login role is the owner.
GRANT shop_app TO CURRENT_USER;
CREATE SCHEMA app AUTHORIZATION shop_app;
SET ROLE shop_app;
CREATE TABLE app.sessions (token uuid PRIMARY KEY, customer_id bigint NOT NULL, seen_at timestamptz NOT NULL);
INSERT INTO app.sessions
SELECT gen_random_uuid(), n, now() - interval '31 days' FROM generate_series(1, 2000) AS n;
RESET ROLE;
REVOKE shop_app FROM CURRENT_USER;
