-- What happened in production since that earlier night: staging knows none of it. Run in the database shop.
GRANT shop_owner, catalog_owner TO CURRENT_USER;
SET ROLE shop_owner;
INSERT INTO sales.customers (email, joined_on)
SELECT 'newcomer' || n || '@example.com', current_date - n % 30 FROM generate_series(1, 3000) AS n;
INSERT INTO sales.orders (customer_id, product_id, quantity, placed_at)
SELECT 1 + n % 23000, 1 + n % 5000, 1 + n % 4, now() - n * interval '1 minute' FROM generate_series(1, 40000) AS n;
CREATE TABLE sales.returns (order_id bigint PRIMARY KEY REFERENCES sales.orders, reason text NOT NULL);
INSERT INTO sales.returns
SELECT id, 'changed my mind' FROM sales.orders WHERE id % 100 = 0;
GRANT SELECT, INSERT ON sales.returns TO sales_team;
SET ROLE catalog_owner;
UPDATE catalog.products SET price = price + 1 WHERE id % 10 = 0;
RESET ROLE;
REVOKE shop_owner, catalog_owner FROM CURRENT_USER;
