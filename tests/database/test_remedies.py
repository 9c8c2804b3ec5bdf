"""Every refusal of a server comes about here, and what it tells people to do is done: then it is
not refused.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from localaws.postgres import rds_roles

from chalicelib.database.connection import named_errors
from chalicelib.database.restored_database import Database, Endpoint, Login
from chalicelib.flow.errors import RefusedError
from tests.database import fake_servers
from tests.database.encodings import make_database, make_owner, rename
from tests.database.postgres_server import MASTER, Server, clean, login
from tests.database.production import APPLICATION, READ_ONLY, create_production, set_up
from tests.database.tls import Authority, terminator
from tests.refusals.refusal_sites import untested

SERVERS = "^database/(databases|grants|handshake|master_user|ownership|verification|roles|errors)"
# PostgreSQL knows no membership that its REVOKE leaves behind: it ends with an error, which is
# another refusal. That one is looked at all the same, because a read-only user that is a member of
# more would write. What a user is refused is tried after the catalog was asked for rights,
# attributes and memberships, so it is the second guard of each.
NEVER = "_take_memberships|verification._refused"
OUTSIDER = login("outsider", "Production-1")


@dataclass(frozen=True)
class Trouble:
    """What makes a server refuse, what mends that as the remedy says, and what is tried before and
    after.
    """

    name: str
    trouble: str
    mended: str
    database: str = "shop"
    by: Callable[[Database], object] = set_up
    after_setting_up: bool = False


TROUBLES = (
    Trouble(
        "an owner of everything that the master may not join",
        "CREATE ROLE stranger NOLOGIN; GRANT master TO stranger; REASSIGN OWNED BY app_owner, "
        "payments TO stranger",
        "REASSIGN OWNED BY stranger TO app_owner",
    ),
    Trouble(
        "a master that may not make roles",
        "ALTER ROLE master NOCREATEROLE",
        "ALTER ROLE master CREATEROLE",
        by=lambda shop: shop.ensure_users(APPLICATION, READ_ONLY),
    ),
    Trouble(
        "a right of everybody's",
        "GRANT TRUNCATE ON sales.orders TO PUBLIC",
        "REVOKE TRUNCATE ON sales.orders FROM PUBLIC",
        by=lambda shop: shop.verify_users(APPLICATION, READ_ONLY),
        after_setting_up=True,
    ),
    Trouble(
        "a right through a role",
        "GRANT app_owner TO readonly_user",
        "REVOKE app_owner FROM readonly_user",
        by=lambda shop: shop.verify_users(APPLICATION, READ_ONLY),
        after_setting_up=True,
    ),
    Trouble(
        "an event trigger that raises",
        "CREATE FUNCTION sales.watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE "
        "'no'; END $$;CREATE EVENT TRIGGER watching ON ddl_command_start WHEN TAG IN ('GRANT') "
        "EXECUTE FUNCTION sales.watch()",
        "ALTER EVENT TRIGGER watching DISABLE",
    ),
    Trouble(
        "an event trigger that makes a user more",
        "CREATE FUNCTION sales.give() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN IF "
        "session_user = 'master' THEN ALTER ROLE app_user CREATEROLE; END IF; END $$;CREATE EVENT "
        "TRIGGER giving ON ddl_command_end WHEN TAG IN ('GRANT') EXECUTE FUNCTION sales.give()",
        "ALTER EVENT TRIGGER giving DISABLE",
    ),
    Trouble(
        "a database that takes no connections",
        "ALTER DATABASE shop ALLOW_CONNECTIONS false",
        "ALTER DATABASE shop ALLOW_CONNECTIONS true",
        database="postgres",
        by=lambda shop: shop.try_login(MASTER),
    ),
    Trouble(
        "a master with too few connections",
        "ALTER ROLE master NOCREATEROLE CONNECTION LIMIT 2",
        "ALTER ROLE master CREATEROLE CONNECTION LIMIT -1",
        by=lambda shop: shop.enter_as_master(),
    ),
    Trouble(
        "no right to connect",
        "CREATE ROLE outsider LOGIN PASSWORD 'Production-1'; REVOKE CONNECT ON DATABASE shop FROM "
        "PUBLIC",
        "GRANT CONNECT ON DATABASE shop TO outsider",
        by=lambda shop: shop.try_login(OUTSIDER),
    ),
)


def told_of(attempt: Callable[[], object]) -> tuple[str, str]:
    """Give reason and remedy of the refusal that an attempt ends with."""
    with pytest.raises(RefusedError) as caught:
        attempt()
    return caught.value.reason, caught.value.remedy


def mended_on_the_server(server: Server, shop: Database) -> Iterator[tuple[str, str]]:
    """Do what remedies ask for in production, of which the server is a copy."""
    for trouble in TROUBLES:
        clean(server)
        create_production(server)
        if trouble.after_setting_up:
            set_up(shop)
        server.query(trouble.trouble, database=trouble.database)
        yield told_of(lambda trouble=trouble: trouble.by(shop))  # type: ignore[misc]
        server.query(trouble.mended, database=trouble.database)
        trouble.by(shop)


def told_of_older_servers(server: Server) -> Iterator[tuple[str, str]]:
    """From PostgreSQL 16 on a role's creator is its member, so no membership can go both ways by
    its doing.
    """

    def grant() -> None:
        with named_errors(server.endpoint):
            server.query("DO $$ BEGIN RAISE 'role is a member' USING ERRCODE = '0LP01'; END $$")

    yield told_of(grant)


def mended_names(server: Server, shop: Database) -> Iterator[tuple[str, str]]:
    """Rename a role that was made in another encoding."""
    clean(server)
    database = make_database(server, "LATIN1")
    make_owner(server, database)
    yield told_of(lambda: set_up(shop))
    rename(server, database)
    set_up(shop)


def mended_databases(server: Server, shop: Database) -> Iterator[tuple[str, str]]:
    """Take from our users what production let them into, and the master not.

    The database is rdsadmin's.
    """
    for user, attempt in (
        ("app_user", lambda: set_up(shop)),
        ("readonly_user", lambda: shop.ensure_users(APPLICATION, READ_ONLY)),
    ):
        clean(server)
        create_production(server)
        server.query("CREATE DATABASE ledger")
        server.query(f"CREATE ROLE {user} LOGIN; REVOKE CONNECT ON DATABASE ledger FROM PUBLIC")
        rds_roles.put_roles_within_reach(server.postgres)
        server.query(f"GRANT CONNECT ON DATABASE ledger TO {user}")
        yield told_of(attempt)
        server.query(f"REVOKE CONNECT ON DATABASE ledger FROM {user}")
        attempt()


def mended_in_secrets(server: Server, shop: Database) -> Iterator[tuple[str, str]]:
    """Do what remedies ask for in the two secrets."""
    clean(server)
    create_production(server)
    server.query("CREATE ROLE readonly_user LOGIN", as_user=MASTER)
    server.query("CREATE SCHEMA hers AUTHORIZATION readonly_user", database="shop")
    yield told_of(lambda: set_up(shop))
    other = login("reader", "Read-only-1")
    shop.ensure_users(APPLICATION, other)
    shop.verify_users(APPLICATION, other)

    yield told_of(lambda: shop.verify_users(login("app_user", "another"), other))
    shop.ensure_users(login("app_user", "another"), other)
    shop.verify_users(login("app_user", "another"), other)

    yield told_of(lambda: Database(server.endpoint, MASTER, "nowhere").login_roles())
    Database(server.endpoint, MASTER, "shop").login_roles()


def mended_by_speaking_to_the_cluster(
    server: Server, secured: Endpoint
) -> Iterator[tuple[str, str]]:
    """Do what remedies ask for where somebody else answered, or answers otherwise: the cluster
    itself is spoken to.
    """
    plain: list[AbstractContextManager[Endpoint]] = [
        fake_servers.a_server_that_answers(fake_servers.ASKS_NOTHING),
        fake_servers.a_server_that_answers(fake_servers.ASKS_FOR_CLEAR_TEXT),
        fake_servers.a_server_that_answers(fake_servers.says("28000")),
        fake_servers.a_server_that_answers(fake_servers.says("0A000")),
        fake_servers.a_server_that_knows_no_password(),
    ]
    for impostor in plain:
        with impostor as endpoint:
            yield told_of(lambda endpoint=endpoint: _log_in(endpoint, MASTER))  # type: ignore[misc]
    with fake_servers.a_server_that_answers(fake_servers.ASKS_FOR_CLEAR_TEXT) as endpoint:
        yield told_of(lambda: Database(endpoint, MASTER, "shop").try_master())
    with fake_servers.a_server_that_answers(fake_servers.SPEAKS_NO_TLS) as endpoint:
        yield told_of(lambda: _log_in(replace(endpoint, tls="verify-full"), MASTER))
    yield told_of(lambda: _log_in(replace(secured, host="127.0.0.1"), MASTER))
    _log_in(secured, MASTER)


def _log_in(endpoint: Endpoint, as_user: Login) -> None:
    Database(endpoint, as_user, "shop").try_login(as_user)


@contextmanager
def behind_tls(server: Server, folder: Path) -> Iterator[Endpoint]:
    """Put TLS before the server, with a certificate of an authority that the client trusts."""
    authority = Authority.create()
    roots = authority.write_root(folder / "root.pem")
    pem = authority.write_server(folder / "server.pem", "localhost")
    with terminator(pem, (server.address, server.port)) as port:
        yield replace(server.endpoint, host="localhost", port=port, tls="verify-full", roots=roots)


def test_the_remedy_of_a_refusing_server_works(
    server: Server, shop: Database, tmp_path: Path
) -> None:
    """Every refusal that is found in the code is among these; a new one has to be added."""
    told = {
        *mended_on_the_server(server, shop),
        *mended_names(server, shop),
        *mended_databases(server, shop),
        *mended_in_secrets(server, shop),
        *told_of_older_servers(server),
    }
    with behind_tls(server, tmp_path) as secured:
        told |= {*mended_by_speaking_to_the_cluster(server, secured)}

    assert [] == untested(told, of=SERVERS, but=NEVER)
