"""Somebody's own dump becomes a cluster's data: owners and all, or one sentence that names the line."""

from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from localaws.postgres import DataPlaneError, PostgresData
from tests.postgres.client import MASTER, PASSWORD, Client

DUMP = """\
SET statement_timeout = 0;
CREATE SCHEMA "Stock";
ALTER SCHEMA "Stock" OWNER TO warehouse;
CREATE TABLE "Stock".items (id integer NOT NULL, name text);
ALTER TABLE "Stock".items OWNER TO "Night Shift";
COPY "Stock".items (id, name) FROM stdin;
1\tGRANT nothing TO nobody_here;
2\tscrews
\\.
GRANT SELECT ON TABLE "Stock".items TO auditors;
"""


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """Write a dump as pg_dump writes one: it names roles that it does not create."""
    (tmp_path / "mine.sql").write_text(DUMP)
    return tmp_path / "mine.sql"


@pytest.fixture
def own(data: PostgresData, cluster: str, name: str) -> Iterator[str]:
    """Name a database of the test's own."""
    Client(data, cluster)(f"CREATE DATABASE {name}")
    yield name
    Client(data, cluster)(f"DROP DATABASE {name}")


def load(data: PostgresData, cluster: str, dump: Path, database: str) -> None:
    """Load a dump with the master user's login."""
    data.load_dump(cluster, dump, username=MASTER, password=PASSWORD, database=database)


def test_a_dump_brings_rows_and_owners(data: PostgresData, cluster: str, dump: Path, own: str) -> None:
    """Roles that it only names are made, without a login, and own what it says they own."""
    load(data, cluster, dump, own)
    master = Client(data, cluster)

    assert [("screws",)] == master('SELECT name FROM "Stock".items WHERE id = 2', own)
    assert [("Night Shift",)] == master("SELECT tableowner FROM pg_tables WHERE tablename = 'items'", own)
    assert [("Night Shift", False), ("auditors", False), ("warehouse", False)] == master(
        "SELECT rolname, rolcanlogin FROM pg_roles"
        " WHERE rolname IN ('Night Shift', 'auditors', 'warehouse', 'nobody_here') ORDER BY 1"
    )


def test_a_dump_of_a_whole_cluster_brings_roles_that_are_there_already(
    data: PostgresData, cluster: str, dump: Path, own: str
) -> None:
    """pg_dumpall begins with every role, AWS's and the master's too: those lines are left out, and no others."""
    dump.write_text(
        f"CREATE ROLE rdsadmin;\nALTER ROLE rdsadmin WITH NOLOGIN;\nCREATE ROLE {MASTER};\n"
        f"ALTER ROLE {MASTER} WITH NOSUPERUSER;\nCREATE DATABASE {own};\nCREATE ROLE from_afar;\n"
        f"\\connect {own}\nCREATE TABLE here (id integer);\nALTER TABLE here OWNER TO from_afar;\n"
    )
    load(data, cluster, dump, "shop")

    assert [("from_afar",)] == Client(data, cluster)("SELECT tableowner FROM pg_tables WHERE tablename = 'here'", own)
    assert [(True,)] == Client(data, cluster)("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'rdsadmin'")


def test_nobody_stays_a_superuser(data: PostgresData, cluster: str, dump: Path, own: str) -> None:
    """Not the master, who was one while it loaded, and no role that the dump made one."""
    dump.write_text("CREATE ROLE former_boss;\nALTER ROLE former_boss WITH SUPERUSER LOGIN REPLICATION;\n")
    load(data, cluster, dump, own)

    assert [("rdsadmin",)] == Client(data, cluster)("SELECT rolname FROM pg_roles WHERE rolsuper OR rolreplication")


def test_a_dump_that_fails_says_the_line(data: PostgresData, cluster: str, dump: Path, own: str) -> None:
    """The sentence names file, line and reason; and the master is no superuser afterwards either."""
    dump.write_text("SELECT 1;\nSELECT 2;\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(DataPlaneError) as refused:
        load(data, cluster, dump, own)

    assert (
        f'Line 3 of {dump} could not be loaded: relation "nowhere" does not exist. '
        "Correct the dump (plain SQL, as pg_dump writes)."
    ) == str(refused.value)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        Client(data, cluster)("ALTER ROLE rdsadmin NOLOGIN")
