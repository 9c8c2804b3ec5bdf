-- What production does by itself, and where it reaches out. Run in the database shop, as rdsadmin: RDS lets its master
-- user make all of this, and PostgreSQL asks for a superuser. So it is given to those who would own it there.
CREATE FUNCTION sales.note_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('shop.last_ddl', tg_tag, false); -- RAISE LOG would write the whole statement into the log
END $$;
ALTER FUNCTION sales.note_ddl() OWNER TO shop_owner;
CREATE EVENT TRIGGER note_ddl ON ddl_command_end EXECUTE FUNCTION sales.note_ddl();
UPDATE pg_event_trigger SET evtowner = 'shop_owner'::regrole;

CREATE SUBSCRIPTION books CONNECTION {publisher} PUBLICATION entries WITH (connect = false);
UPDATE pg_subscription SET subowner = 'shop_owner'::regrole;

-- Where the server brings postgres_fdw, production reads its own other database through it. The embedded server has no
-- wrapper that reads anything; there a wrapper without code stands in the catalog, with server and user mapping.
DO $$
DECLARE
    wrapper text := 'books_wrapper';
    is_real boolean := EXISTS (SELECT FROM pg_available_extensions WHERE name = 'postgres_fdw');
BEGIN
    IF is_real THEN
        wrapper := 'postgres_fdw';
        CREATE EXTENSION postgres_fdw;
    ELSE
        CREATE FOREIGN DATA WRAPPER books_wrapper;
    END IF;
    EXECUTE format('CREATE SERVER books FOREIGN DATA WRAPPER %I OPTIONS (host %L, port %L, dbname %L)',
                   wrapper, {host}, {port}, {database});
    EXECUTE format('GRANT USAGE ON FOREIGN DATA WRAPPER %I TO shop_owner', wrapper);
    ALTER SERVER books OWNER TO shop_owner;
    EXECUTE format('REVOKE USAGE ON FOREIGN DATA WRAPPER %I FROM shop_owner', wrapper);
    CREATE USER MAPPING FOR PUBLIC SERVER books OPTIONS (user {username}, password {password});
    IF is_real THEN
        CREATE FOREIGN TABLE sales.accounts (number integer, title text) SERVER books
            OPTIONS (schema_name 'books', table_name 'accounts');
        ALTER FOREIGN TABLE sales.accounts OWNER TO shop_owner;
        GRANT SELECT ON sales.accounts TO sales_team;
    END IF;
END $$;
