"""Code of production's own that runs while users are set up opens no login that stays open."""

from collections.abc import Iterator

import pytest
from localaws.postgres import rds_roles

from chalicelib.database.restored_database import Database, Verification
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.quiesce_kinds import KINDS
from tests.database.postgres_server import Server, login
from tests.database.production import APPLICATION, READ_ONLY
from tests.database.test_quiesce import PARTMAN, install

REPORTER = login("reporter", "Production-1")
ROLES = """
CREATE ROLE admin LOGIN CREATEROLE PASSWORD 'Production-1';
GRANT CREATE ON DATABASE shop TO admin;
CREATE ROLE reporter LOGIN PASSWORD 'Production-1'
"""
BODY = """
BEGIN
  IF session_user = 'master' THEN RESET ROLE; {statement}; END IF;
  {end}
END
"""
REOPENS = "ALTER ROLE reporter LOGIN PASSWORD 'Production-1'"


@pytest.fixture
def hostile(server: Server) -> Iterator[Server]:
    """Return the server with an administrator and a reporter of production's."""
    server.query(ROLES)
    rds_roles.put_roles_within_reach(server.postgres)
    yield server
    server.query("DROP DATABASE shop WITH (FORCE)")
    server.query("CREATE DATABASE shop OWNER master")


def function(returns: str, statement: str) -> str:
    """Return what creates a function whose code does something as the master, when it can."""
    end = "RETURN NEW;" if returns == "trigger" else ""
    body = BODY.format(statement=statement, end=end)
    return f"CREATE FUNCTION trap() RETURNS {returns} LANGUAGE plpgsql AS $body${body}$body$;"


def event_trigger(server: Server, event: str, statement: str) -> None:
    """Make an event trigger of the administrator's, as RDS lets its customers make them."""
    trap = f"CREATE EVENT TRIGGER trap ON {event} EXECUTE FUNCTION trap();"
    owner = "UPDATE pg_event_trigger SET evtowner = 'admin'::regrole"
    server.query(function("event_trigger", statement) + trap + owner, database="shop")


def night(shop: Database, kinds: tuple[str, ...] = KINDS) -> Verification:
    """Do what the set-up of users does."""
    shop.revoke_production_logins(keep=[])
    shop.quiesce(kinds)
    shop.ensure_users(APPLICATION, READ_ONLY)
    return shop.verify_users(APPLICATION, READ_ONLY)


def test_a_login_trigger_of_productions_opens_nothing(hostile: Server, shop: Database) -> None:
    """A trigger that runs as the master at each of our logins opens no login for good."""
    if hostile.version < 17:
        pytest.skip("Event triggers on login are new in PostgreSQL 17.")
    event_trigger(hostile, "login", REOPENS)
    (told,) = night(shop).warnings

    assert not shop.try_login(REPORTER)
    assert "opened logins again while users were set up: reporter. They are closed." in told


def test_a_trigger_on_a_table_of_jobs_opens_nothing(hostile: Server, shop: Database) -> None:
    """A trigger that fires when jobs are stopped opens no login for good."""
    install(hostile, "pg_partman", PARTMAN, "parts.part_config")
    trap = (
        "CREATE TRIGGER trap BEFORE UPDATE ON parts.part_config FOR EACH ROW EXECUTE FUNCTION "
        "trap()"
    )
    hostile.query(function("trigger", REOPENS) + trap, database="shop")
    (told,) = night(shop).warnings

    assert not shop.try_login(REPORTER)
    assert "reporter" in told


def test_an_event_trigger_that_stays_on_opens_nothing(hostile: Server, shop: Database) -> None:
    """An event trigger that QUIESCE leaves on, and that fires at our GRANTs, opens no login for
    good.
    """
    event_trigger(hostile, "ddl_command_end", REOPENS)
    night(shop, ())

    assert not shop.try_login(REPORTER)


@pytest.mark.parametrize(
    ("statement", "more"),
    [
        ("GRANT admin TO readonly_user", "readonly_user more .* membership of admin"),
        ("ALTER ROLE app_user CREATEROLE", "app_user more .* CREATEROLE"),
    ],
)
def test_what_it_gives_our_users_is_refused(
    hostile: Server, shop: Database, statement: str, more: str
) -> None:
    """Users that production's code made more than the set-up did are refused."""
    event_trigger(hostile, "ddl_command_end", statement)

    with pytest.raises(RefusedError, match=more):
        night(shop, ())


def test_a_login_trigger_hides_no_password_of_productions(hostile: Server, shop: Database) -> None:
    """A login trigger that claims "wrong password" of a right one is not believed."""
    if hostile.version < 17:
        pytest.skip("Event triggers on login are new in PostgreSQL 17.")
    lie = "RAISE 'password authentication failed' USING ERRCODE = '28P01'"
    event_trigger(hostile, "login", "NULL")
    body = f"BEGIN IF session_user = 'reporter' THEN {lie}; END IF; END"
    hostile.query(
        "CREATE OR REPLACE FUNCTION trap() RETURNS event_trigger LANGUAGE plpgsql AS $body$ "
        f"{body} $body$",
        database="shop",
    )

    assert shop.has_password(REPORTER)


def test_kept_logins_stay_open(hostile: Server, shop: Database) -> None:
    """Roles of KEEP_LOGIN_ROLES keep their login to the end."""
    shop.revoke_production_logins(keep=["reporter"])
    shop.ensure_users(APPLICATION, READ_ONLY)
    proofs = shop.verify_users(APPLICATION, READ_ONLY, keep=["reporter"])

    assert () == proofs.warnings
    assert shop.try_login(REPORTER)
