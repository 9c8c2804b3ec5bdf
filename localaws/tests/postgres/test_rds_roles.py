"""Seen from the inside, a cluster is like Aurora: who the master is, what it may do, who gets in,
what is logged.
"""

import psycopg2
import pytest
from localaws.postgres import PostgresData
from tests.postgres.client import MASTER, PASSWORD, Client


@pytest.fixture
def master(data: PostgresData, cluster: str) -> Client:
    """Give the master user of the test's cluster."""
    return Client(data, cluster)


def restart(data: PostgresData, cluster: str) -> None:
    """Stop and start a cluster's server."""
    data.stop(cluster)
    data.start(cluster)


def test_the_master_is_not_a_superuser(master: Client) -> None:
    """The master user makes roles and databases, and is a member of rds_superuser.

    It neither replicates nor bypasses policies.
    """
    (row,) = master(
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,"
        " pg_has_role(oid, 'rds_superuser', 'USAGE') FROM pg_roles WHERE rolname = current_user"
    )

    assert (False, True, True, False, False, True) == row


def test_only_rdsadmin_is_a_superuser(master: Client) -> None:
    """There is one superuser, and the master may not touch it."""
    assert [("rdsadmin",)] == master("SELECT rolname FROM pg_roles WHERE rolsuper")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        master("ALTER ROLE rdsadmin PASSWORD 'Mine-Now-1'")


def test_rds_superuser_hands_on_the_predefined_roles(master: Client) -> None:
    """What Aurora's master may grant, ours may grant."""
    master("CREATE ROLE watcher; GRANT pg_monitor, pg_signal_backend, pg_read_all_data TO watcher")

    assert [(True,)] == master("SELECT pg_has_role('watcher', 'pg_monitor', 'USAGE')")


def test_a_wrong_password_is_refused(data: PostgresData, cluster: str) -> None:
    """A wrong password is refused, because TCP means SCRAM."""
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        Client(data, cluster, MASTER, "Wrong-1")("SELECT 1")


@pytest.mark.parametrize(("user", "database"), [(MASTER, "rdsadmin"), ("rdsadmin", "postgres")])
def test_rdsadmin_and_its_database_are_closed(
    data: PostgresData, cluster: str, user: str, database: str
) -> None:
    """Nobody enters the database rdsadmin, and nobody from outside is the user rdsadmin."""
    with pytest.raises(psycopg2.OperationalError, match=r"pg_hba\.conf rejects connection"):
        Client(data, cluster, user)("SELECT 1", database)


def test_the_master_alters_a_role_that_another_role_made(
    data: PostgresData, cluster: str, master: Client
) -> None:
    """As on RDS and unlike plain PostgreSQL 16: from the next start on, every role is within the
    master's reach.
    """
    master("CREATE ROLE one_admin CREATEROLE LOGIN PASSWORD 'Tenant-1'")
    Client(data, cluster, "one_admin", "Tenant-1")("CREATE ROLE one_owner LOGIN PASSWORD 'Owner-1'")
    restart(data, cluster)
    master("ALTER ROLE one_owner NOLOGIN PASSWORD NULL")

    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        Client(data, cluster, "one_owner", "Owner-1")("SELECT 1")


def test_the_master_grants_and_revokes_a_role_that_it_is_not_in(
    data: PostgresData, cluster: str, master: Client
) -> None:
    """Granting app_owner to itself lets the master change app_owner's default privileges.

    Revoking ends that.
    """
    master("CREATE ROLE tenant_admin CREATEROLE LOGIN PASSWORD 'Tenant-1'")
    Client(data, cluster, "tenant_admin", "Tenant-1")("CREATE ROLE app_owner; CREATE ROLE reader")
    restart(data, cluster)
    change = "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT SELECT ON TABLES TO reader"

    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        master(change)
    master(f"GRANT app_owner TO {MASTER}")
    master(change)
    master(f"REVOKE app_owner FROM {MASTER}")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        master(change)


def test_superuser_attributes_are_out_of_reach(master: Client) -> None:
    """Even saying NOSUPERUSER is refused, though it changes nothing."""
    master("CREATE ROLE somebody")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        master("ALTER ROLE somebody NOSUPERUSER")


def test_a_new_master_password_replaces_the_old_one(data: PostgresData, cluster: str) -> None:
    """The new password takes effect at once on a running server."""
    data.set_master_password(cluster, MASTER, "Staging-Master-2")

    assert [(1,)] == Client(data, cluster, MASTER, "Staging-Master-2")("SELECT 1")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        Client(data, cluster, MASTER, PASSWORD)("SELECT 1")


def test_a_master_password_can_be_set_while_nothing_runs(data: PostgresData, cluster: str) -> None:
    """A cluster without instances accepts a new password; it counts when a server starts."""
    data.stop(cluster)
    data.set_master_password(cluster, MASTER, "Staging-Master-2")
    data.start(cluster)

    assert [(1,)] == Client(data, cluster, MASTER, "Staging-Master-2")("SELECT 1")


def test_no_log_holds_a_password_that_we_set(data: PostgresData, cluster: str) -> None:
    """The server hears a verifier only.

    And what fails for another reason is logged, so the log is the right one.
    """
    data.set_master_password(cluster, MASTER, "Staging-Master-2")
    with pytest.raises(psycopg2.errors.UndefinedTable):
        Client(data, cluster, MASTER, "Staging-Master-2")("SELECT * FROM not_there")
    log = data.log(cluster).read_text()

    assert "not_there" in log
    assert [] == [password for password in (PASSWORD, "Staging-Master-2") if password in log]
