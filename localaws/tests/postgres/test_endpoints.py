"""Endpoints: TLS with an authority of localaws' own, and where a renamed cluster is reached."""

import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from localaws.postgres import PostgresData, addresses
from localaws.postgres.authority import Authority
from localaws.postgres.endpoints import Endpoints
from tests.postgres.client import MASTER, PASSWORD, make

NAME = "own.cluster-c1.us-west-2.rds.amazonaws.com"
REFUSED = "Connection refused"


@pytest.fixture
def own(data: PostgresData, name: str) -> Iterator[str]:
    """Give a running cluster of the test's own, with a certificate for the name of an endpoint."""
    make(data, name)
    data.start(name, names=[NAME])
    yield name
    data.destroy(name)


def connect(data: PostgresData, place: tuple[str, int], **how: Any) -> Any:
    """Log in at an address as the master user; `how` are libpq's words."""
    chosen = {"host": place[0], "sslmode": "verify-full", "sslrootcert": str(data.roots), **how}
    return psycopg2.connect(port=place[1], user=MASTER, password=PASSWORD, dbname="shop", **chosen)


def refusal(data: PostgresData, place: tuple[str, int], **how: Any) -> str:
    """Return why a client does not get in, or `accepted`."""
    try:
        connect(data, place, **how).close()
    except psycopg2.OperationalError as error:
        return str(error)
    return "accepted"


def encrypted(connection: Any) -> bool:
    """Tell whether a session is encrypted, and end it."""
    with closing(connection):
        return bool(connection.info.ssl_in_use)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("disable", False), ("prefer", True), ("require", True), ("verify-full", True)],
)
def test_clients_come_in_with_tls_and_without(
    data: PostgresData, own: str, mode: str, expected: bool
) -> None:
    """An endpoint takes clients of every sslmode; those that can are encrypted."""
    assert expected == encrypted(connect(data, data.endpoint(own), sslmode=mode))


def test_a_session_carries_more_than_any_buffer(data: PostgresData, own: str) -> None:
    """Rows of many megabytes go both ways, encrypted and in clear, while neither end waits."""
    for mode in ("disable", "verify-full"):
        with closing(connect(data, data.endpoint(own), sslmode=mode)) as session:
            cursor = session.cursor()
            cursor.execute("SELECT %s", ["x" * 20_000_000])

            assert 20_000_000 == len(cursor.fetchone()[0])


@pytest.mark.parametrize("instance", [False, True])
def test_the_certificate_is_for_the_names_and_addresses_of_the_start(
    data: PostgresData, own: str, instance: bool
) -> None:
    """A client that checks the name gets in by address and by the endpoint's name, and by no
    other.
    """
    place = data.instance_endpoint(own) if instance else data.endpoint(own)
    by_name = {"host": NAME, "hostaddr": place[0]}

    assert "accepted" == refusal(data, place)
    assert "accepted" == refusal(data, place, **by_name)
    assert "does not match host name" in refusal(data, place, **{**by_name, "host": "other"})


def test_another_authority_does_not_vouch_for_a_server(
    data: PostgresData, own: str, tmp_path: Any
) -> None:
    """A client that trusts another authority does not get in, whatever that is called."""
    Authority().write_root(tmp_path / "other.pem")

    assert "certificate verify failed" in refusal(
        data, data.endpoint(own), sslrootcert=str(tmp_path / "other.pem")
    )


def test_a_rename_moves_the_endpoint_and_keeps_the_certificate_until_the_next_start(
    data: PostgresData, own: str
) -> None:
    """After a rename the old address lets nobody in, and the new one shows the old certificate:
    who checks it stays out until the server was stopped and started.
    """
    before = data.endpoint(own)
    data.rename(own, name=f"{own}-renamed")
    after = data.endpoint(own)
    renamed = refusal(data, before), refusal(data, after), refusal(data, after, sslmode="require")
    data.stop(own)
    data.start(own, names=["renamed"])

    assert before != after
    assert REFUSED in renamed[0]
    assert "does not match host name" in renamed[1]
    assert "accepted" == renamed[2]
    assert "accepted" == refusal(data, after)
    assert "accepted" == refusal(data, after, host="renamed", hostaddr=after[0])
    assert "does not match" in refusal(data, after, host=NAME, hostaddr=after[0])


def test_instances_are_reached_where_they_were(data: PostgresData, own: str) -> None:
    """The endpoint of the instances stays, and so does its certificate."""
    before = data.instance_endpoint(own)
    data.rename(own, name=f"{own}-renamed")

    assert before == data.instance_endpoint(own)
    assert "accepted" == refusal(data, before)


@pytest.mark.parametrize("mode", ["disable", "verify-full"])
def test_a_session_outlives_the_rename(data: PostgresData, own: str, mode: str) -> None:
    """Whoever is in when a cluster is renamed stays in."""
    with closing(connect(data, data.endpoint(own), sslmode=mode)) as session:
        data.rename(own, name=f"{own}-renamed")
        cursor = session.cursor()
        cursor.execute("SELECT 1")

        assert (1,) == cursor.fetchone()


def test_a_name_leads_to_the_cluster_that_has_it(data: PostgresData, own: str, name: str) -> None:
    """When a second cluster gets the first one's name, it is reached where the first was."""
    other = f"{name}-next"
    make(data, other)
    data.start(other)
    place = data.endpoint(own)
    data.rename(own, name=f"{name}-previous")
    data.rename(other, name=own)
    with closing(connect(data, place, sslmode="require")) as session:
        cursor = session.cursor()
        cursor.execute("CREATE TABLE of_the_second ()")
        session.commit()
    found = connect(data, data.instance_endpoint(other), sslmode="require")
    with closing(found), found.cursor() as cursor:
        cursor.execute("SELECT to_regclass('of_the_second') IS NOT NULL")
        is_second = cursor.fetchone()
    data.destroy(other)

    assert place == (data.endpoint(other)) != data.endpoint(own)
    assert (True,) == is_second


def test_a_stopped_server_lets_nobody_in_and_is_renamed_all_the_same(
    data: PostgresData, own: str
) -> None:
    """Nothing listens for a stopped server, under no name; the next start is at its new one."""
    before = data.endpoint(own)
    data.stop(own)
    data.rename(own, name=f"{own}-renamed")
    after = data.endpoint(own)
    refused = [refusal(data, place) for place in (before, after)]
    data.start(own)

    assert [True, True] == [REFUSED in reason for reason in refused]
    assert "accepted" == refusal(data, after)
    assert REFUSED in refusal(data, before)


def test_a_session_ends_with_its_server(data: PostgresData, own: str) -> None:
    """Stopping a server ends the sessions with it."""
    with closing(connect(data, data.endpoint(own))) as session:
        data.stop(own)
        with pytest.raises(psycopg2.Error):
            session.cursor().execute("SELECT 1")


def test_a_client_that_says_nothing_keeps_nobody_waiting(data: PostgresData, own: str) -> None:
    """A client that connects and says nothing, or half a word, is in nobody's way."""
    with socket.create_connection(data.endpoint(own)) as silent:
        silent.sendall(b"\0\0\0")

        assert "accepted" == refusal(data, data.endpoint(own))


def test_gss_is_not_spoken_and_tls_may_be_asked_for_next(data: PostgresData, own: str) -> None:
    """A client that asks for GSS is told no, and may ask for TLS on the same connection."""
    with socket.create_connection(data.endpoint(own)) as client:
        client.settimeout(10)
        client.sendall(bytes.fromhex("0000000804d21630"))
        gss = client.recv(1)
        client.sendall(bytes.fromhex("0000000804d2162f"))
        tls = client.recv(1)
        context = ssl.create_default_context(cafile=str(data.roots))
        with context.wrap_socket(client, server_hostname=NAME) as secured:
            version = secured.version()

    assert (b"N", b"S", "TLSv1.3") == (gss, tls, version)


def test_where_there_is_one_address_only_an_endpoint_stays_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without all of 127.0.0.0/8, as on macOS, cluster and instances share the one address through
    a rename, and the server behind them has another port.
    """
    monkeypatch.setattr(addresses, "_has_many_addresses", lambda: False)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    endpoints = Endpoints()
    endpoints.place("a", "old", port)
    endpoints.open("a", ["old"], tmp_path)
    endpoints.rename("a", "new")
    places = endpoints.of_cluster("a"), endpoints.of_instances("a")
    with socket.create_connection(places[0]):
        endpoints.close("a")
    behind = endpoints.backend("a")
    endpoints.end()

    assert (("127.0.0.1", port),) * 2 == places
    assert ("127.0.0.1", True) == (behind[0], behind[1] != port)


# In a process of its own: psycopg2 lets no other thread of its process run while it cancels.
CANCEL = """
import sys, threading, psycopg2
host, port, roots, user, password = sys.argv[1:]
how = {"sslmode": "verify-full", "sslrootcert": roots, "dbname": "shop"}
place = {"host": host, "port": port, "user": user, "password": password}
sleeper, watcher = psycopg2.connect(**place, **how), psycopg2.connect(**place, **how)
def sleep():
    try:
        sleeper.cursor().execute("SELECT pg_sleep(60)")
    except psycopg2.Error as error:
        print(type(error).__name__)
sleeping = threading.Thread(target=sleep)
sleeping.start()
watcher.autocommit = True
cursor = watcher.cursor()
while not cursor.rowcount > 0:
    cursor.execute("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
sleeper.cancel()
sleeping.join()
"""


def test_a_query_is_cancelled_through_an_endpoint(data: PostgresData, own: str) -> None:
    """A cancel request, which comes on a connection of its own, reaches the server."""
    host, port = data.endpoint(own)
    place = [host, str(port), str(data.roots), MASTER, PASSWORD]
    ended = subprocess.run(
        [sys.executable, "-c", CANCEL, *place],
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )

    assert "QueryCanceled" == ended.stdout.strip()
