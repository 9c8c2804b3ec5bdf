"""A PostgreSQL that somebody installed, in place of the embedded one: what is refused, and what it
can more.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from localaws.aurora.catalog import newest_version
from localaws.postgres import DataPlaneError, PostgresData
from localaws.postgres.full_server import find_full_server
from localaws.postgres.programs import find_programs, temporary_folder
from tests.postgres.client import MASTER, PASSWORD, Client, make

INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
EXAMPLE = (
    "for example POSTGRES=/usr/lib/postgresql/15/bin, which Debian's package postgresql-15 "
    "installs."
)
NEEDS_CONTRIB = """\
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public;
CREATE COLLATION public.ci (provider = icu, deterministic = false, locale = 'und-u-ks-level2');
CREATE TABLE public.names (
  id uuid DEFAULT public.uuid_generate_v4(), name text COLLATE public.ci UNIQUE);
CREATE INDEX ON public.names USING gin ((lower(name) COLLATE "C") public.gin_trgm_ops);
INSERT INTO public.names (name) VALUES ('one');
ALTER TABLE public.names OWNER TO somebody;
"""


@pytest.fixture
def reachable() -> Iterator[Path]:
    """Give a folder that every user can enter."""
    folder = temporary_folder()
    yield folder
    shutil.rmtree(folder)


def install(folder: Path, version: str) -> Path:
    """Make programs that say a version and do nothing else; return their folder."""
    programs = folder / "bin"
    programs.mkdir()
    for name in ("postgres", "initdb", "pg_basebackup"):
        (programs / name).write_text(f"#!/bin/sh\necho '{version}'\n")
        (programs / name).chmod(0o755)
    return programs


def refusal(folder: Path) -> str:
    """Return the sentence with which a folder is refused."""
    with pytest.raises(DataPlaneError) as refused:
        find_full_server(folder)
    return str(refused.value)


def test_a_folder_without_a_server_is_refused(tmp_path: Path) -> None:
    """A missing folder and one that holds only a client are refused."""
    (tmp_path / "initdb").touch(mode=0o755)

    for folder, lacks in (
        (tmp_path / "none", "no postgres and no initdb and no pg_basebackup"),
        (tmp_path, "no postgres and no pg_basebackup"),
    ):
        sentence = (
            f"The folder {folder} has {lacks}. Name the bin folder of a PostgreSQL server, "
            f"{EXAMPLE}"
        )
        assert sentence == refusal(folder)


def test_the_folder_above_is_refused(reachable: Path) -> None:
    """The folder above bin is refused: programs look for their libraries beside a folder named
    bin.
    """
    install(reachable, "").rename(reachable / "programs")

    assert refusal(reachable / "programs").startswith(
        f"The folder {reachable}/programs is not named bin. "
    )


@pytest.mark.parametrize("version", ["14.9 (Debian 14.9-1)", "9.6.24"])
def test_an_old_server_is_refused(reachable: Path, version: str) -> None:
    """A server below version 15 is refused: Aurora's versions that the app restores begin there."""
    folder = install(reachable, f"postgres (PostgreSQL) {version}")
    major = version.partition(".")[0]

    assert (
        f"The PostgreSQL in {folder} is version {major}. Name one of version 15 or newer."
        == refusal(folder)
    )


def test_what_says_no_version_is_refused(reachable: Path) -> None:
    """A program that says no version is refused: it is some other program of that name."""
    folder = install(reachable, "hello")

    assert f"{folder}/postgres does not say its version: hello" == refusal(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands PostgreSQL to another user")
def test_a_server_that_its_user_cannot_reach_is_refused(reachable: Path) -> None:
    """A server that its user cannot reach is refused; nothing is copied or opened, as the folder is
    somebody else's.
    """
    folder = install(reachable, "postgres (PostgreSQL) 16.1")
    reachable.chmod(0o700)

    assert refusal(folder).startswith(
        "PostgreSQL refuses to run as root, and the user pgserver, as which it runs, cannot reach "
        f"{folder}. "
    )


def test_a_refused_server_leaves_nothing(tmp_path: Path) -> None:
    """A refused server leaves neither a folder nor a link to a temporary one."""
    with pytest.raises(DataPlaneError):
        PostgresData(tmp_path / "own", tmp_path)

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("major", "version"), [(15, "15.15"), (16, "16.11"), (17, "17.7"), (18, "17.7")]
)
def test_clusters_claim_the_newest_version_that_the_server_can_stand_for(
    major: int, version: str
) -> None:
    """Clusters claim the newest version that the server has, or Aurora's newest where the server is
    newer.
    """
    assert version == newest_version(major)


def test_a_missing_extension_names_the_server_s_own_package(
    reachable: Path, tmp_path: Path
) -> None:
    """A missing extension is reported with the server's own package, for the version that it
    has.
    """
    programs = find_programs(reachable).folder
    (tmp_path / "mine.sql").write_text("CREATE EXTENSION pg_trgm;\nCREATE EXTENSION plpython3u;\n")
    data = PostgresData(tmp_path / "own", programs / "bin")
    try:
        make(data, "cluster-FULL")
        data.start("cluster-FULL")
        with pytest.raises(DataPlaneError) as refused:
            load(data, tmp_path / "mine.sql")
    finally:
        data.close()
    lacks = (
        "The dump needs the extension {}, which the PostgreSQL 16 in {}/bin does not have. Install "
        "it; "
    )
    expected = [
        lacks.format("pg_trgm", programs.resolve()) + "Debian's package is postgresql-16.",
        lacks.format("plpython3u", programs.resolve())
        + "Debian's package is postgresql-plpython3-16.",
    ]

    assert expected == str(refused.value).splitlines()


@pytest.mark.skipif(not INSTALLED, reason="no full PostgreSQL of Debian's is installed")
def test_a_full_server_loads_what_the_embedded_one_refuses(tmp_path: Path) -> None:
    """A full server of another version loads contrib modules, ICU collations, snapshots and
    restores.
    """
    (tmp_path / "mine.sql").write_text(NEEDS_CONTRIB)
    data = PostgresData(tmp_path / "own", INSTALLED[-1])
    try:
        make(data, "cluster-FULL")
        data.start("cluster-FULL")
        told = load(data, tmp_path / "mine.sql")
        data.take_snapshot("cluster-FULL", "snapshot")
        data.place("cluster-COPY", name="copy", port=15998)
        data.restore_snapshot("snapshot", "cluster-COPY")
        data.start("cluster-COPY")
        copy = Client(data, "cluster-COPY")

        assert [("one",)] == copy("SELECT name FROM public.names WHERE name = 'ONE'")
        assert [(str(data.major),)] == copy(
            "SELECT split_part(current_setting('server_version'), '.', 1)"
        )
        assert ["somebody"] == [line.rpartition(": ")[2].rstrip(".") for line in told]
    finally:
        data.close()


def load(data: PostgresData, dump: Path) -> list[str]:
    """Load a dump with the master user's login; return what is told of it."""
    return data.load_dump("cluster-FULL", dump, username=MASTER, password=PASSWORD, database="shop")
