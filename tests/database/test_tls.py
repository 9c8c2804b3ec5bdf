"""Connections prove who they lead to: verify-full, against the bundled roots unless a test brings
its own.
"""

import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.database.connection import rows, session
from chalicelib.database.endpoint import BUNDLED_ROOTS
from chalicelib.database.restored_database import Database, DatabaseUnavailableError, Endpoint
from chalicelib.flow.errors import RefusedError
from tests.database.fake_servers import SPEAKS_NO_TLS, a_server_that_answers
from tests.database.postgres_server import MASTER, Server, login
from tests.database.tls import Authority, terminator

NAME = "localhost"


@pytest.fixture
def secured(server: Server, tmp_path: Path) -> Iterator[Endpoint]:
    """Put TLS before the server: a local authority's certificate for localhost, which the client
    trusts.
    """
    authority = Authority.create()
    roots = authority.write_root(tmp_path / "root.pem")
    with terminator(
        authority.write_server(tmp_path / "server.pem", NAME), (server.address, server.port)
    ) as port:
        yield replace(server.endpoint, host=NAME, port=port, tls="verify-full", roots=roots)


def test_a_server_with_a_valid_certificate_is_accepted(secured: Endpoint) -> None:
    """Both ways of connecting work with a server whose certificate proves its name."""
    database = Database(secured, MASTER, "shop")

    assert database.try_login(MASTER)
    assert ["master", "rdsadmin"] == database.login_roles()


def test_a_server_is_reached_without_a_login(secured: Endpoint) -> None:
    """A server proves its identity without a login; one that does not is refused."""
    stranger = login("nobody", "")
    Database(secured, stranger, "").reach()

    for endpoint in (replace(secured, host="127.0.0.1"), replace(secured, roots=BUNDLED_ROOTS)):
        with pytest.raises(RefusedError, match="does not prove"):
            Database(endpoint, stranger, "").reach()


def test_an_unresolved_name_is_reported_as_such() -> None:
    """A name without an address is told from a closed port."""
    with pytest.raises(
        DatabaseUnavailableError, match=r"The name nowhere\.invalid has no address\."
    ):
        Database(Endpoint("nowhere.invalid", 5432), MASTER, "shop").reach()


def test_a_server_with_another_name_is_refused(secured: Endpoint) -> None:
    """A certificate of the right authority for another host proves nothing."""
    database = Database(replace(secured, host="127.0.0.1"), MASTER, "shop")

    for attempt in (lambda: database.try_login(MASTER), database.login_roles):
        with pytest.raises(RefusedError, match=r"it is 127\.0\.0\.1: [^.]*'127\.0\.0\.1'\.(?!\.)"):
            attempt()


def test_a_name_that_is_not_asked_for_does_not_matter(secured: Endpoint) -> None:
    """With `verify-ca` another name in the certificate is accepted, another authority is not."""
    endpoint = replace(secured, host="127.0.0.1", tls="verify-ca")
    database = Database(endpoint, MASTER, "shop")
    stranger = Database(replace(endpoint, roots=BUNDLED_ROOTS), MASTER, "shop")

    assert database.try_login(MASTER)
    assert not database.try_login(login("master", "Wrong-1"))
    assert ["master", "rdsadmin"] == database.login_roles()
    for attempt in (lambda: stranger.try_login(MASTER), stranger.login_roles):
        with pytest.raises(RefusedError, match="does not prove"):
            attempt()


def test_a_server_of_an_unknown_authority_is_refused(secured: Endpoint) -> None:
    """The bundled roots are Amazon's alone."""
    database = Database(replace(secured, roots=BUNDLED_ROOTS), MASTER, "shop")

    for attempt in (lambda: database.try_login(MASTER), database.login_roles):
        with pytest.raises(RefusedError, match="does not prove") as refusal:
            attempt()
        assert "rds-ca-bundle.pem" in refusal.value.remedy


def test_a_server_without_tls_is_refused() -> None:
    """A server without TLS is refused, and nothing is sent to it in clear."""
    with a_server_that_answers(SPEAKS_NO_TLS) as endpoint:
        database = Database(replace(endpoint, tls="verify-full"), MASTER, "shop")

        for attempt in (lambda: database.try_login(MASTER), database.login_roles):
            with pytest.raises(RefusedError, match="speaks no TLS"):
                attempt()


def test_a_full_server_is_reached_over_its_own_tls(server: Server) -> None:
    """A server that has TLS is asked for its certificate in every test of this folder."""
    with session(server.endpoint, MASTER, "shop") as connection:
        encrypted = rows(
            connection, "SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid()"
        )

    assert [(server.is_full,)] == encrypted


def test_verify_full_against_the_bundled_roots_is_the_default() -> None:
    """An endpoint without options is verified against the bundled roots."""
    endpoint = Endpoint("cluster.example", 5432)

    assert ("verify-full", BUNDLED_ROOTS) == (endpoint.tls, endpoint.roots)


def test_the_bundle_holds_amazons_roots() -> None:
    """Every certificate in the bundle can be read and names Amazon RDS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(BUNDLED_ROOTS)
    subjects = [str(root["subject"]) for root in context.get_ca_certs()]

    assert [] == [subject for subject in subjects if "'Amazon RDS " not in subject]
    assert any("'Amazon RDS us-east-1 Root CA RSA2048 G1'" in subject for subject in subjects)
