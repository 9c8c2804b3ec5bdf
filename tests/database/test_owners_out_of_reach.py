"""Objects of owners that the master user cannot become: they are named, and the night goes on."""

import pytest

from chalicelib.database.restored_database import Database
from chalicelib.flow.errors import RefusedError
from tests.database.postgres_server import Server
from tests.database.production import APPLICATION, READ_ONLY, refused

STRANGER = (
    "CREATE ROLE stranger NOLOGIN; GRANT master TO stranger"  # a membership cannot go both ways
)


def set_up(shop: Database) -> tuple[str, ...]:
    """Lock production out and let both users in; return what people are warned of."""
    shop.revoke_production_logins(keep=[])
    shop.ensure_users(APPLICATION, READ_ONLY)
    return shop.verify_users(APPLICATION, READ_ONLY).warnings


def reads_orders(server: Server) -> bool:
    """Tell whether the application's user has the rest of production's tables."""
    return [(1,)] == server.query(
        "SELECT count(*) FROM sales.orders", as_user=APPLICATION, database="shop"
    )


def test_objects_of_a_role_that_the_master_cannot_join_are_named(
    production: Server, shop: Database
) -> None:
    """Objects that cannot be granted are named with their owners, and everything else is set up."""
    production.query(STRANGER)
    production.query(
        "CREATE SCHEMA hidden AUTHORIZATION stranger; CREATE TABLE hidden.safe (); CREATE SEQUENCE "
        "hidden.turn;ALTER TABLE hidden.safe OWNER TO stranger; ALTER SEQUENCE hidden.turn OWNER "
        "TO stranger",
        database="shop",
    )

    application, readonly = set_up(shop)
    expected = (
        "In database shop, app_user lacks USAGE on schema hidden, SELECT, UPDATE, USAGE on "
        "sequence hidden.turn, DELETE, INSERT, SELECT, UPDATE on table hidden.safe: the master "
        "user may not act for stranger."
    )

    assert expected == application
    assert (
        "In database shop, readonly_user lacks USAGE on schema hidden, SELECT on sequence "
        "hidden.turn, SELECT on table hidden.safe: the master user may not act for stranger."
    ) == readonly
    assert reads_orders(production)


def test_of_many_such_objects_the_first_are_named(production: Server, shop: Database) -> None:
    """A warning names the first few objects, and says how many more there are."""
    tables = "; ".join(f"CREATE TABLE sales.kept_{number} ()" for number in range(20))
    production.query(tables, database="shop")

    application, _ = set_up(shop)
    assert application.endswith(
        "on table sales.kept_12 and 15 more: the master user may not act for rdsadmin."
    )


def test_what_an_extension_of_rds_brought_is_no_warning(production: Server, shop: Database) -> None:
    """Objects of an extension are given to nobody, whoever owns them, without a warning."""
    production.query(f"CREATE EXTENSION {production.extension} SCHEMA sales", database="shop")

    assert () == set_up(shop)


def test_a_table_of_rds_that_everybody_may_write_is_a_refusal(
    production: Server, shop: Database
) -> None:
    """A table of rdsadmin's that PUBLIC may write is refused: only production can revoke that."""
    production.query(
        "CREATE TABLE sales.theirs (id int); GRANT DELETE ON sales.theirs TO PUBLIC",
        database="shop",
    )

    with pytest.raises(
        RefusedError,
        match=r"readonly_user could do more than read .* DELETE on table sales\.theirs",
    ):
        set_up(shop)


def test_a_table_that_cannot_be_named_is_none_that_can_be_written(
    production: Server, shop: Database
) -> None:
    """A right of PUBLIC on a table is harmless without USAGE on its schema."""
    production.query(
        "CREATE SCHEMA theirs; CREATE TABLE theirs.log (id int); GRANT ALL ON theirs.log TO PUBLIC",
        database="shop",
    )
    set_up(shop)

    assert refused(production, "INSERT INTO theirs.log VALUES (1)")
    assert reads_orders(production)


def test_a_database_of_which_nothing_can_be_used_is_a_refusal(
    production: Server, shop: Database
) -> None:
    """A copy in which the application can use nothing is refused."""
    production.query(STRANGER)
    production.query("REASSIGN OWNED BY app_owner, payments TO stranger", database="shop")

    with pytest.raises(
        RefusedError,
        match=r"app_user cannot be given what it needs in database shop: .* and 10 more",
    ):
        set_up(shop)


def test_what_cannot_be_taken_and_writes_to_no_table_is_named(
    production: Server, shop: Database
) -> None:
    """Parameters, tablespaces, wrappers and definers of rdsadmin's are warnings, not refusals."""
    production.query(
        "GRANT CREATE ON TABLESPACE pg_default TO PUBLIC; GRANT SET ON PARAMETER log_min_messages "
        "TO PUBLIC"
    )
    try:
        (_, said) = set_up(shop)
    finally:
        production.query(
            "REVOKE CREATE ON TABLESPACE pg_default FROM PUBLIC; REVOKE SET ON PARAMETER "
            "log_min_messages FROM PUBLIC"
        )
    expected = (
        "In database shop, readonly_user keeps what the master user may not take, with which it "
        "cannot write to tables: SET on parameter log_min_messages, CREATE on tablespace "
        "pg_default."
    )

    assert expected == said
