"""No secret leaves the set-up: not by the server's log at its most talkative, nor by what it
returns or raises.
"""

import traceback
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from localaws.postgres import rds_roles

from chalicelib.database.restored_database import Database
from chalicelib.flow.errors import RefusedError, TransientError
from chalicelib.flow.quiesce_kinds import KINDS
from tests.database.postgres_server import MASTER, Server, clean, login

ADMIN = login("admin", "Secret-of-admin")
APPLICATION = login("app_user", "Secret-of-application")
READ_ONLY = login("readonly_user", "Secret-of-reader")
SECRET = "Secret-"
TALKATIVE = {
    "log_min_messages": "debug5",
    "log_min_error_statement": "debug5",
    "log_error_verbosity": "verbose",
    "log_parameter_max_length_on_error": "-1",
    "log_replication_commands": "on",
    "debug_print_parse": "on",
    "debug_print_rewritten": "on",
    "debug_print_plan": "on",
}
ROLES = """
CREATE ROLE admin LOGIN CREATEROLE PASSWORD 'Secret-of-admin';
CREATE ROLE app_user LOGIN PASSWORD 'Secret-of-old-application' VALID UNTIL '2001-01-01';
CREATE ROLE idle NOLOGIN PASSWORD 'Secret-of-nobody';
GRANT CREATE ON DATABASE shop TO admin
"""
WAYS = """
CREATE FOREIGN DATA WRAPPER other;
CREATE SERVER home FOREIGN DATA WRAPPER other
  OPTIONS (host 'home', options 'password=Secret-of-server');
CREATE USER MAPPING FOR PUBLIC SERVER home OPTIONS (user 'partner', password 'Secret-of-mapping');
ALTER SERVER home OWNER TO admin;
CREATE SUBSCRIPTION theirs CONNECTION 'host=home password=Secret-of-subscription'
  PUBLICATION it WITH (connect = false);
UPDATE pg_subscription SET subowner = 'admin'::regrole;
CREATE TABLE orders (id int);
CREATE FUNCTION ask() RETURNS void
  LANGUAGE plpgsql AS $$ BEGIN PERFORM dblink('password=Secret-of-code'); END $$
"""
TRIGGER = """
CREATE FUNCTION stop() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM ('host=home password=Secret-of-trigger')::int; END $$;
CREATE EVENT TRIGGER stop ON ddl_command_start EXECUTE FUNCTION stop()
"""


@pytest.fixture
def talkative(server: Server) -> Iterator[Server]:
    """Restore a production that is full of secrets, and let the server log all that it can."""
    server.query(ROLES)
    rds_roles.put_roles_within_reach(server.postgres)
    server.query(WAYS, database="shop")
    with closing(server.connect(ADMIN, "shop")) as session:
        session.cursor().execute("BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'one'")
    for name, value in TALKATIVE.items():
        server.query(f"ALTER SYSTEM SET {name} = '{value}'")
    server.query("SELECT pg_reload_conf()")
    yield server
    server.query("ALTER SYSTEM RESET ALL")
    server.query("SELECT pg_reload_conf()")
    Database(server.endpoint, MASTER, "shop").quiesce(KINDS)  # else nobody can drop the database
    clean(server)


def told(*deeds: Callable[[], object]) -> str:
    """Do all this, and give all that was returned or raised, as a trace would show it."""
    said = []
    for deed in deeds:
        try:
            said.append(repr(deed()))
        except (RefusedError, TransientError) as error:
            said += [getattr(error, "remedy", ""), *words(error)]
    return "\n".join(said)


def words(error: BaseException | None) -> list[str]:
    """Give what a trace says of an error and of those that it came from."""
    if error is None:
        return []
    came_from = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return [*traceback.format_exception_only(error), *words(came_from)]


def secrets_in(text: str) -> set[str]:
    """Find what begins like one of the secrets."""
    return {line[line.index(SECRET) :][:40] for line in text.splitlines() if SECRET in line}


def test_a_whole_set_up_leaves_no_secret_anywhere(talkative: Server, shop: Database) -> None:
    """A whole set-up, repeated and with wrong passwords, leaves no secret in logs or results."""
    before = len(talkative.log)
    said = told(
        *(lambda it=user: shop.has_password(it) for user in (APPLICATION, READ_ONLY, ADMIN)),
        lambda: shop.try_login(login("admin", "Secret-wrong")),
        lambda: shop.production_logins(keep=[]),
        lambda: shop.revoke_production_logins(keep=[]),
        lambda: shop.count_active(KINDS),
        lambda: shop.quiesce(KINDS),
        lambda: shop.revoke_production_logins(keep=[]),
        *(lambda: shop.ensure_users(APPLICATION, READ_ONLY) for _ in range(2)),
        lambda: shop.verify_users(APPLICATION, READ_ONLY),
        lambda: shop.verify_users(APPLICATION, login("readonly_user", "Secret-wrong")),
    )
    logged = talkative.log[before:]
    found = [
        statement in logged
        for statement in ("DROP SUBSCRIPTION", "DROP USER MAPPING", "parse tree:")
    ]

    assert [True] * 3 == found
    assert (set(), set()) == (secrets_in(said), secrets_in(logged))


def test_a_set_up_that_fails_leaves_no_secret_anywhere(talkative: Server, shop: Database) -> None:
    """A set-up that fails leaves no secret, though the server logs the refused statement whole."""
    talkative.query(
        "ALTER ROLE app_user BYPASSRLS; ALTER SUBSCRIPTION theirs OWNER TO rdsadmin",
        database="shop",
    )
    before = len(talkative.log)
    said = told(
        lambda: shop.quiesce(KINDS),
        lambda: shop.ensure_users(APPLICATION, READ_ONLY),
        lambda: shop.ensure_users(login("master", "Secret-of-impostor"), READ_ONLY),
        lambda: Database(talkative.endpoint, login("master", "Secret-wrong"), "shop").login_roles(),
    )
    logged = talkative.log[before:]
    for statement in (
        "ALTER SUBSCRIPTION theirs SET (slot_name = NONE)",
        "DROP SUBSCRIPTION theirs",
    ):
        talkative.query(statement, database="shop")

    assert [True] * 2 == [word in said for word in ("subscriptions", "BYPASSRLS")]
    assert (set(), set()) == (secrets_in(said), secrets_in(logged))


def test_error_texts_of_productions_code_are_not_passed_on(
    talkative: Server, shop: Database
) -> None:
    """The text of an error in production's code is not passed on, because it may quote secrets."""
    talkative.query(TRIGGER, database="shop")
    said = told(lambda: shop.ensure_users(APPLICATION, READ_ONLY))
    talkative.query("DROP EVENT TRIGGER stop", database="shop")

    assert "Code of production's own stopped the set-up" in said
    assert set() == secrets_in(said)
