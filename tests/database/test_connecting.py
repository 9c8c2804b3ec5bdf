"""Why a connection cannot be had: each answer of a server leads to waiting or to a sentence, by its
code.
"""

import socket
from dataclasses import replace

import psycopg2
import pytest
from localaws.postgres import rds_roles

from chalicelib.database.connection import named_errors, rows, session
from chalicelib.database.handshake import attempt_login
from chalicelib.database.restored_database import (
    Database,
    DatabaseBusyError,
    DatabaseUnavailableError,
    Endpoint,
)
from chalicelib.flow.errors import RefusedError
from tests.database.fake_servers import (
    ASKS_FOR_CLEAR_TEXT,
    ASKS_NOTHING,
    a_server_that_answers,
    a_server_that_turns_away,
    says,
)
from tests.database.postgres_server import MASTER, Server, login
from tests.database.production import set_up


@pytest.mark.parametrize("sqlstate", ["57P03", "57P01", "53300", "08006"])
def test_a_server_that_is_not_ready_is_waited_for(sqlstate: str) -> None:
    """A server that starts, stops or is full says so by its code, in every language."""
    with a_server_that_answers(says(sqlstate)) as endpoint:
        database = Database(endpoint, MASTER, "shop")

        with pytest.raises(DatabaseUnavailableError, match=sqlstate):
            database.try_login(MASTER)
        with pytest.raises(DatabaseUnavailableError, match=sqlstate):
            database.login_roles()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_server_that_hangs_up_or_speaks_something_else_is_waited_for(answer: bytes) -> None:
    """A peer that does not speak PostgreSQL may be a server that is starting."""
    with (
        a_server_that_answers(answer) as endpoint,
        pytest.raises(DatabaseUnavailableError, match="does not answer"),
    ):
        Database(endpoint, MASTER, "shop").login_roles()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (says("28000"), "turns user master away before asking for a password"),
        (says("0A000"), "with SQLSTATE 0A000"),
        (ASKS_FOR_CLEAR_TEXT, "asks user master for another proof than a password"),
        (ASKS_NOTHING, "lets anybody in without a password"),
    ],
)
def test_a_server_that_rejects_the_login_is_a_refusal(answer: bytes, reason: str) -> None:
    """A missing pg_hba line, an unknown method, a password in clear or none at all is refused."""
    with a_server_that_answers(answer) as endpoint, pytest.raises(RefusedError, match=reason):
        Database(endpoint, MASTER, "shop").login_roles()


def test_a_port_where_nobody_listens_is_waited_for(server: Server) -> None:
    """A refused connection is retried, because the instance may be restarting."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(DatabaseUnavailableError, match=f":{port} does not answer"):
        Database(replace(server.endpoint, port=port), MASTER, "shop").try_login(MASTER)


def test_a_name_that_does_not_resolve_yet_is_waited_for(server: Server) -> None:
    """An endpoint without an address is retried: its name reaches the resolvers late."""
    nowhere = replace(server.endpoint, host="cluster.invalid")

    with pytest.raises(DatabaseUnavailableError, match=r"cluster\.invalid"):
        Database(nowhere, MASTER, "shop").login_roles()


def test_a_silent_server_is_given_up_in_time() -> None:
    """The connect timeout also holds for a server that accepts a connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = Endpoint("127.0.0.1", listener.getsockname()[1], 1, tls="off")

        with pytest.raises(DatabaseUnavailableError, match="does not answer"):
            Database(endpoint, MASTER, "shop").try_login(MASTER)


def test_a_login_by_md5_is_understood(server: Server, shop: Database) -> None:
    """A right password is told from a wrong one where old clusters store it as MD5."""
    server.query("SET password_encryption = md5; CREATE ROLE old LOGIN PASSWORD 'Production-1'")
    rules = server.data / "pg_hba.conf"
    kept = rules.read_text()
    rules.write_text(kept.replace("scram-sha-256", "md5"))
    server.query("SELECT pg_reload_conf()")
    try:
        tried = [login("old", "Production-1"), login("old", "wrong"), MASTER]
        ok, refused = True, False
        assert [ok, refused, ok] == [shop.try_login(attempt) for attempt in tried]
    finally:
        rules.write_text(kept)
        server.query("SELECT pg_reload_conf()")


def test_a_user_that_production_lets_in_by_a_token_is_given_a_password(
    server: Server, shop: Database
) -> None:
    """A member of rds_iam is asked for a token, and gets a password by the set-up. What production
    knows of it opens nothing.
    """
    server.query("CREATE ROLE app_user LOGIN PASSWORD 'Production-1'")
    rds_roles.put_roles_within_reach(server.postgres)
    server.query("GRANT rds_iam TO app_user", as_user=MASTER)
    rules = server.data / "pg_hba.conf"
    kept = rules.read_text()
    rules.write_text("host all app_user 127.0.0.0/8 password\n" + kept)
    server.query("SELECT pg_reload_conf()")
    try:
        assert not shop.has_password(login("app_user", "Application-1"))
    finally:
        rules.write_text(kept)
        server.query("SELECT pg_reload_conf()")
    assert () != set_up(shop)


@pytest.mark.parametrize("sqlstate", ["28P01", "28000", "57P01", "08006", "53300", "P0001"])
def test_a_password_that_was_right_is_known_whatever_is_said_then(sqlstate: str) -> None:
    """A password that the server accepted counts as right, whatever code an event trigger raises
    then.
    """
    with a_server_that_turns_away(sqlstate, after=True) as endpoint:
        answer = attempt_login(endpoint, MASTER, "shop")

    assert answer.password_correct is True
    assert (sqlstate == "28000") == answer.password_refused  # as a role that is NOLOGIN


@pytest.mark.parametrize("sqlstate", ["28P01", "28000", "57P01", "53300"])
def test_a_password_that_was_not_said_to_be_right_is_not_known(sqlstate: str) -> None:
    """An error before the server accepted the password says nothing about the password."""
    with a_server_that_turns_away(sqlstate, after=False) as endpoint:
        assert not attempt_login(endpoint, MASTER, "shop").password_correct


def test_a_role_without_the_right_to_log_in_is_refused(server: Server, shop: Database) -> None:
    """A NOLOGIN role with the right password is refused, which the server says after the check."""
    server.query("CREATE ROLE grouped NOLOGIN PASSWORD 'Production-1'")

    assert not shop.try_login(login("grouped", "Production-1"))


def test_a_database_that_does_not_let_the_user_in_is_a_refusal(
    server: Server, shop: Database
) -> None:
    """A user with the right password and no CONNECT is refused with the GRANT that helps."""
    server.query(
        "CREATE ROLE outsider LOGIN PASSWORD 'Production-1'; REVOKE CONNECT ON DATABASE shop FROM "
        "PUBLIC"
    )

    with pytest.raises(RefusedError, match="outsider may not connect to database shop"):
        shop.try_login(login("outsider", "Production-1"))


def test_a_role_out_of_connections_is_waited_for(server: Server, shop: Database) -> None:
    """The code of too many connections, after the password check, is no wrong password."""
    server.query("CREATE ROLE limited LOGIN PASSWORD 'Production-1' CONNECTION LIMIT 0")

    with pytest.raises(DatabaseUnavailableError, match="53300"):
        shop.try_login(login("limited", "Production-1"))


@pytest.mark.parametrize(
    ("sqlstate", "named"),
    [
        ("55P03", DatabaseBusyError),  # lock timeout
        ("40P01", DatabaseBusyError),  # deadlock
        ("57014", DatabaseBusyError),  # statement timeout
        ("XX000", DatabaseBusyError),  # tuple concurrently updated
        ("57P01", DatabaseUnavailableError),  # shut down
        ("25006", DatabaseUnavailableError),  # a reader, during a failover
        ("42501", RefusedError),  # privilege
        ("0LP01", RefusedError),  # circular membership
    ],
)
def test_errors_of_statements_are_named_by_their_code(
    server: Server, sqlstate: str, named: type[Exception]
) -> None:
    """Locks and concurrent changes are retried, a missing right is refused, a bug stays a bug."""
    with pytest.raises(named), named_errors(server.endpoint):
        server.query(f"DO $$ BEGIN RAISE 'nein' USING ERRCODE = '{sqlstate}'; END $$")


def test_a_statement_that_is_wrong_stays_a_bug(server: Server) -> None:
    """A syntax error of our own passes unchanged."""
    with pytest.raises(psycopg2.errors.SyntaxError), named_errors(server.endpoint):
        server.query("SELEC 1")


def test_a_session_that_the_server_ends_is_waited_for(server: Server) -> None:
    """A session that a failover ends is retried."""
    with session(server.endpoint, MASTER, "shop") as connection:
        server.query(f"SELECT pg_terminate_backend({connection.info.backend_pid}, 5000)")

        with pytest.raises(DatabaseUnavailableError), named_errors(server.endpoint):
            rows(connection, "SELECT 1")


def test_a_session_takes_one_connection(server: Server, shop: Database) -> None:
    """A server whose version has been seen is not connected to twice for a newer setting."""
    shop.login_roles()
    before = server.log.count("connection authorized")
    for _ in range(3):
        shop.login_roles()

    assert before + 3 == server.log.count("connection authorized")
