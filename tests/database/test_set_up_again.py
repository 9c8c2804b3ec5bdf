"""What the read-only user may do though no right lets it, which the next set-up undoes.

And databases left alone.
"""

import psycopg2.errors
import pytest

from chalicelib.database.restored_database import Database
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.quiesce_kinds import PREPARED_TRANSACTIONS
from tests.database.postgres_server import MASTER, Server
from tests.database.production import APPLICATION, READ_ONLY, refused, set_up

MADE = """
SET default_transaction_read_only = off;
DROP OWNED BY CURRENT_USER;
CREATE TEMPORARY TABLE scratch (id serial, what text);
CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TYPE pg_temp.t AS ENUM ('a');
SELECT lo_from_bytea(4713, 'abc');
ALTER ROLE CURRENT_USER SET default_transaction_read_only = off;
ALTER ROLE CURRENT_USER PASSWORD 'Mine-alone-1'
"""


def test_what_it_did_without_any_right_is_undone_by_the_next_set_up(
    production: Server, shop: Database
) -> None:
    """The next set-up undoes another password, settings, large objects and dropped rights of the
    read-only user.
    """
    set_up(shop)
    session = production.connect(READ_ONLY, "shop")
    try:
        cursor = session.cursor()
        for statement in MADE.split(";\n"):
            cursor.execute(statement)
        shop.ensure_users(APPLICATION, READ_ONLY)
    finally:
        session.close()
    found = production.query("SHOW transaction_read_only", as_user=READ_ONLY, database="shop")

    assert [("on",)] == found
    assert [(1,)] == production.query(
        "SELECT count(*) FROM sales.orders", as_user=READ_ONLY, database="shop"
    )
    assert [(b"abc",)] == [
        (bytes(data),) for (data,) in production.query("SELECT lo_get(4713)", database="shop")
    ]
    assert refused(production, "SELECT lo_put(4713, 0, 'x')")
    (said,) = shop.verify_users(APPLICATION, READ_ONLY).allowed
    assert said.startswith("readonly_user may change its own password until the next set-up")


def test_what_the_read_only_user_prepared_is_rolled_back_by_the_next_set_up(
    production: Server, shop: Database
) -> None:
    """A transaction that the read-only user prepared is rolled back, and its lock with it."""
    set_up(shop)
    session = production.connect(READ_ONLY, "shop")
    try:
        session.cursor().execute(
            "SET default_transaction_read_only = off; BEGIN; LOCK TABLE sales.orders IN ACCESS "
            "SHARE MODE; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'left'"
        )
    finally:
        session.close()
    before = production.query("SELECT owner FROM pg_prepared_xacts")
    remaining = shop.quiesce([PREPARED_TRANSACTIONS])

    assert [("readonly_user",)] == before
    assert ([], []) == (remaining, production.query("SELECT gid FROM pg_prepared_xacts"))


def test_a_server_that_was_cut_off_is_used_again_as_the_runbook_says(
    production: Server, shop: Database
) -> None:
    """The runbook's statements connect a foreign server again, as a member of its owner."""
    production.query(
        "CREATE FOREIGN DATA WRAPPER far; CREATE SERVER away FOREIGN DATA WRAPPER far OPTIONS "
        "(host 'x');ALTER SERVER away OWNER TO app_owner",
        database="shop",
    )
    set_up(shop)
    alter = "ALTER SERVER away OPTIONS (SET host 'test.example')"
    try:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            production.query(alter, as_user=MASTER, database="shop")
        for statement in (
            "GRANT app_owner TO master",
            alter,
            "GRANT USAGE ON FOREIGN SERVER away TO app_user",
            (
                "CREATE USER MAPPING FOR app_user SERVER away OPTIONS (user 'tester', password "
                "'Test-only-1')"
            ),
            "REVOKE app_owner FROM master",
        ):
            production.query(statement, as_user=MASTER, database="shop")
        options = "SELECT srvoptions FROM pg_foreign_server WHERE srvname = 'away'"

        assert [(["host=test.example"],)] == production.query(options, database="shop")
    finally:
        production.query("DROP FOREIGN DATA WRAPPER far CASCADE", database="shop")


def test_a_template_that_cannot_be_shut_is_set_up_like_any_other(
    production: Server, shop: Database
) -> None:
    """A template of rdsadmin's is set up, and what PUBLIC may write there is refused."""
    production.query("CREATE DATABASE mould IS_TEMPLATE true")
    try:
        assert "readonly_user logs in to database mould." in set_up(shop)
        production.query(
            "CREATE TABLE public.notes (id int); GRANT ALL ON public.notes TO PUBLIC",
            database="mould",
        )

        with pytest.raises(
            RefusedError, match=r"more than read in database mould: .* table public\.notes"
        ):
            shop.ensure_users(APPLICATION, READ_ONLY)
    finally:
        production.query("ALTER DATABASE mould IS_TEMPLATE false")


def test_a_database_that_the_master_cannot_shut_or_enter_is_refused(
    production: Server, shop: Database
) -> None:
    """A database that the master can neither close nor enter is refused."""
    production.query("CREATE ROLE readonly_user", as_user=MASTER)
    production.query("CREATE DATABASE theirs")
    production.query(
        "REVOKE CONNECT ON DATABASE theirs FROM PUBLIC; GRANT CONNECT ON DATABASE theirs TO "
        "readonly_user"
    )

    with pytest.raises(
        RefusedError, match="may connect to database theirs, where the master user cannot see"
    ):
        set_up(shop)
