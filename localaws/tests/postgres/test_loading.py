"""Somebody's own dump becomes a cluster's data: owners and all, or one sentence that names the
line.
"""

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


def load(data: PostgresData, cluster: str, dump: Path, database: str) -> list[str]:
    """Load a dump with the master user's login; return what is told of it."""
    return data.load_dump(cluster, dump, username=MASTER, password=PASSWORD, database=database)


def test_a_dump_brings_rows_and_owners(
    data: PostgresData, cluster: str, dump: Path, own: str
) -> None:
    """A dump brings rows and owners: roles that it only names are made without a login and own what
    it says.
    """
    load(data, cluster, dump, own)
    master = Client(data, cluster)

    assert [("screws",)] == master('SELECT name FROM "Stock".items WHERE id = 2', own)
    assert [("Night Shift",)] == master(
        "SELECT tableowner FROM pg_tables WHERE tablename = 'items'", own
    )
    assert [("Night Shift", False), ("auditors", False), ("warehouse", False)] == master(
        "SELECT rolname, rolcanlogin FROM pg_roles"
        " WHERE rolname IN ('Night Shift', 'auditors', 'warehouse', 'nobody_here') ORDER BY 1"
    )


def test_a_dump_of_a_whole_cluster_brings_roles_that_are_there_already(
    data: PostgresData, cluster: str, dump: Path, own: str
) -> None:
    """pg_dumpall begins with every role, AWS's and the master's too: those lines are left out, and
    no others.
    """
    dump.write_text(
        f"CREATE ROLE rdsadmin;\nALTER ROLE rdsadmin WITH NOLOGIN;\nCREATE ROLE {MASTER};\n"
        f"ALTER ROLE {MASTER} WITH NOSUPERUSER;\nCREATE DATABASE {own};\nCREATE ROLE from_afar;\n"
        f"\\connect {own}\nCREATE TABLE here (id integer);\nALTER TABLE here OWNER TO from_afar;\n"
    )
    load(data, cluster, dump, "shop")
    found = Client(data, cluster)("SELECT tableowner FROM pg_tables WHERE tablename = 'here'", own)

    assert [("from_afar",)] == found
    assert [(True,)] == Client(data, cluster)(
        "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'rdsadmin'"
    )


def test_nobody_stays_a_superuser(data: PostgresData, cluster: str, dump: Path, own: str) -> None:
    """Nobody stays a superuser: neither the master, who was one during the load, nor a role of the
    dump.
    """
    dump.write_text(
        "CREATE ROLE former_boss;\nALTER ROLE former_boss WITH SUPERUSER LOGIN REPLICATION;\n"
    )
    load(data, cluster, dump, own)
    found = Client(data, cluster)("SELECT rolname FROM pg_roles WHERE rolsuper OR rolreplication")

    assert [("rdsadmin",)] == found


def test_a_dump_that_fails_says_the_line(
    data: PostgresData, cluster: str, dump: Path, own: str
) -> None:
    """A dump that fails is reported with file, line and reason, and the master is no superuser
    afterwards.
    """
    dump.write_text("SELECT 1;\nSELECT 2;\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(DataPlaneError) as refused:
        load(data, cluster, dump, own)

    assert (
        f'Line 3 of {dump} could not be loaded: relation "nowhere" does not exist. '
        "Correct the dump (plain SQL, as pg_dump writes)."
    ) == str(refused.value)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        Client(data, cluster)("ALTER ROLE rdsadmin NOLOGIN")


@pytest.mark.parametrize(
    ("head", "setting"),
    [
        ("SET transaction_timeout = 0;", "transaction_timeout"),
        ("SELECT pg_catalog.set_config('transaction_timeout', '0', false);", "transaction_timeout"),
        ("ALTER DATABASE {own} SET io_combine_limit TO '8kB';", "io_combine_limit"),
        (
            "CREATE ROLE {own}_r;\nALTER ROLE {own}_r\n  SET transaction_timeout = '5s';",
            "transaction_timeout",
        ),
        ("SET LOCAL lc_messages = 'xx_XX.UTF-8';", "lc_messages to xx_XX.UTF-8"),
    ],
)
def test_a_setting_of_another_version_is_left_out_and_reported(
    data: PostgresData, cluster: str, own: str, head: str, setting: str, *, dump: Path
) -> None:
    """A setting that the server does not know is left out; the rest is loaded with the settings it
    knows.
    """
    lines = head.format(own=own).splitlines()
    dump.write_text(
        "\n".join(["SET statement_timeout = 0;", *lines, "CREATE TABLE one (id integer);"])
    )
    told = load(data, cluster, dump, own)
    line = next(number for number, text in enumerate(lines, start=2) if "CREATE ROLE" not in text)

    assert [
        f"Line {line} of {dump} sets {setting}, which PostgreSQL 16 does not know; it is left out."
    ] == told
    assert [] == Client(data, cluster)("SELECT * FROM one", own)


def test_settings_that_the_server_knows_are_kept(
    data: PostgresData, cluster: str, dump: Path, own: str
) -> None:
    """Settings that the server knows are kept, also of a missing extension and of the master user
    in a database.
    """
    dump.write_text(
        f"ALTER DATABASE {own} SET app.tenant TO 'a';\nALTER ROLE {MASTER} IN DATABASE {own} SET "
        "work_mem TO '5MB';\nSET default_with_oids = false;\nSET lc_monetary = 'C';\n"
    )

    assert [] == load(data, cluster, dump, own)
    assert [("a", "5MB")] == Client(data, cluster)(
        "SELECT current_setting('app.tenant'), current_setting('work_mem')", own
    )


NAMING = """\
CREATE TABLE public.ticket (id integer, team text);
ALTER TABLE public.ticket ENABLE ROW LEVEL SECURITY;
CREATE POLICY support_sees ON public.ticket FOR SELECT TO of_policy USING ((team = 'a'::text));
ALTER DEFAULT PRIVILEGES FOR ROLE of_default IN SCHEMA public
  GRANT SELECT ON TABLES TO of_grant_to_come;
CREATE FOREIGN DATA WRAPPER other_db;
CREATE SERVER billing FOREIGN DATA WRAPPER other_db;
CREATE USER MAPPING FOR of_mapping SERVER billing OPTIONS (user 'x', password 'y');
GRANT SELECT, INSERT
   ON TABLE public.ticket
   TO of_lines, "of Quotes";
GRANT of_membership TO of_member;
CREATE SCHEMA stock AUTHORIZATION of_schema;
ALTER ROLE of_setting SET work_mem TO '5MB';
COMMENT ON ROLE of_comment IS 'a comment';
"""


def test_roles_are_made_wherever_a_dump_names_them(
    data: PostgresData, cluster: str, dump: Path, own: str
) -> None:
    """A role is made, without a login, wherever a dump names it, and people read which."""
    dump.write_text(NAMING)
    told = load(data, cluster, dump, own)
    roles = Client(data, cluster)(
        "SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname LIKE 'of %' OR rolname LIKE "
        "'of\\_%'"
    )
    expected = {
        "of_policy",
        "of_default",
        "of_grant_to_come",
        "of_mapping",
        "of_lines",
        "of Quotes",
        "of_membership",
    }
    expected |= {"of_member", "of_schema", "of_setting", "of_comment"}

    assert {(name, False) for name in expected} == set(roles)
    assert [
        (
            f"Roles that {dump} names and does not create are made without a login: "
            f"{', '.join(sorted(expected))}."
        )
    ] == told


TEXTS = """\
CREATE FUNCTION rotate() RETURNS text LANGUAGE sql AS $_$
SELECT 'first'
|| '
ALTER USER master RENAME TO nobody;
CREATE DATABASE shop;
last'
$_$;
CREATE TABLE note (id integer, body text);
INSERT INTO note VALUES (1, 'how to:
CREATE ROLE master LOGIN;
CREATE DATABASE shop;
SET nothing_known = 1;
\\! never
done');
COPY note (id, body) FROM stdin;
2\tCREATE ROLE master;
\\.
/*
CREATE DATABASE shop;
*/
COMMENT ON TABLE note IS E'it\\'s
CREATE ROLE master;
';
CREATE FUNCTION two() RETURNS integer BEGIN ATOMIC
SELECT 1;
SELECT 2;
END;
"""


def test_text_that_looks_like_a_statement_stays_as_it_is(
    data: PostgresData, cluster: str, dump: Path, own: str
) -> None:
    """Text that looks like a statement stays as it is, in the body of a function, a value, a row or
    a comment.
    """
    dump.write_text(TEXTS)
    told, master = load(data, cluster, dump, own), Client(data, cluster)
    expected = [
        (
            (
                "how to:\nCREATE ROLE master LOGIN;\nCREATE DATABASE shop;\nSET nothing_known = "
                "1;\n\\! never\ndone"
            ),
        ),
        ("CREATE ROLE master;",),
    ]

    assert [] == told
    assert [("first\nALTER USER master RENAME TO nobody;\nCREATE DATABASE shop;\nlast",)] == master(
        "SELECT rotate()", own
    )
    assert expected == master("SELECT body FROM note ORDER BY id", own)
    assert [("it's\nCREATE ROLE master;\n",)] == master(
        "SELECT obj_description('note'::regclass)", own
    )
    assert [(2,)] == master("SELECT two()", own)


@pytest.mark.parametrize(
    ("options", "locale"),
    [
        ("LOCALE_PROVIDER = libc LOCALE = 'xx_XX.UTF-8'", "xx_XX.UTF-8"),
        ("LC_COLLATE = 'xx_XX.UTF-8' LC_CTYPE = 'xx_YY.UTF-8'", "xx_XX.UTF-8 and xx_YY.UTF-8"),
        ("LOCALE 'xx_XX.UTF-8'\n CONNECTION LIMIT 7", "xx_XX.UTF-8"),
        ("LOCALE_PROVIDER = builtin LOCALE = 'C' BUILTIN_LOCALE = 'C.UTF-8'", "C.UTF-8"),
        ("LOCALE_PROVIDER = icu LOCALE = 'C' ICU_LOCALE = 'en-US'", "en-US"),
    ],
)
def test_a_database_whose_locale_is_missing_gets_c(
    data: PostgresData, cluster: str, name: str, options: str, locale: str, *, dump: Path
) -> None:
    """A database whose locale is missing gets another one, however it asked for it, and people read
    so.
    """
    dump.write_text(
        f"-- as pg_dump --create\nCREATE DATABASE {name} WITH TEMPLATE = template0 ENCODING = "
        f"'UTF8' {options};\n\\connect {name}\nCREATE TABLE here (id integer);\n"
    )
    told, master = load(data, cluster, dump, "shop"), Client(data, cluster)
    expected = [
        (
            f"Line 2 of {dump} asks for the locale {locale}, which this server does not have; "
            "it gets C."
        )
    ]

    assert expected == told
    assert [("C", "C", "c")] == master(
        f"SELECT datcollate, datctype, datlocprovider FROM pg_database WHERE datname = '{name}'"
    )
    assert [] == master("SELECT * FROM here", name)
    master(f"DROP DATABASE {name}")


def test_a_collation_that_is_missing_is_made_of_c(
    data: PostgresData, cluster: str, dump: Path, own: str
) -> None:
    """A missing collation is made of C: the dump's own and those of the dump's machine."""
    dump.write_text(
        "CREATE COLLATION public.ours (provider = libc, locale = 'xx_XX.utf8');\n"
        "CREATE COLLATION public.its (provider = icu, deterministic = true, "
        "rules = '&V << w', locale = 'sv');\n"
        'CREATE TABLE names (a text COLLATE pg_catalog."xx_XX.utf8", '
        'b text COLLATE public.ours, c text COLLATE "C");\n'
        'CREATE TABLE more (a text COLLATE pg_catalog."xx_XX.utf8");\n'
    )
    expected = [
        (
            f"Line 1 of {dump} asks for the locale xx_XX.utf8, which this server does not have; it "
            "gets C."
        ),
        f"Line 2 of {dump} asks for the locale sv, which this server does not have; it gets C.",
        (
            f"Line 3 of {dump} sorts by the collation xx_XX.utf8, which this server does not have; "
            "it is made of C."
        ),
    ]

    assert expected == load(data, cluster, dump, own)
    assert [] == Client(data, cluster)("SELECT * FROM names ORDER BY a, b, c", own)


def test_a_collation_that_takes_letters_for_the_same_is_not_replaced(
    data: PostgresData, cluster: str, dump: Path, own: str
) -> None:
    """A collation that takes letters for the same cannot be made of C: the refusal names a full
    server instead.
    """
    dump.write_text(
        "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
    )
    with pytest.raises(DataPlaneError) as refused:
        load(data, cluster, dump, own)

    assert (
        f"Line 1 of {dump} could not be loaded: ICU is not supported in this build. "
        "Use a full server: make demo POSTGRES=/usr/lib/postgresql/<version>/bin."
    ) == str(refused.value)


@pytest.mark.parametrize(
    "command",
    [
        "\\! touch {marker}",
        "\\!touch {marker}",
        "SELECT 1; \\! touch {marker}",
        "\\o | touch {marker}",
        "\\copy (SELECT 1) TO PROGRAM 'touch {marker}'",
        "\\copy (SELECT 1) TO '{marker}'",
        "SELECT 'touch {marker}' \\g | sh",
        "SELECT 'SELECT 1' \\gexec",
        "\\i {marker}",
        "\\ir {marker}",
        "\\set x `touch {marker}`",
        "\\set ON_ERROR_STOP `touch {marker}`",
        "\\echo `touch {marker}`",
        "\\connect `touch {marker}`",
        "\\connect shop somebody elsewhere.example.com",
        "\\connect \"host=elsewhere.example.com dbname='shop'\"",
        "\\connect shop \\! touch {marker}",
        "\\encoding UTF8 \\! touch {marker}",
        "\\unrestrict abc \\! touch {marker}",
        "\\setenv PSQL_PAGER 'touch {marker}'",
        "\\q",
        "COPY (SELECT 1) TO PROGRAM 'touch {marker}';",
        "COPY one\n  FROM PROGRAM 'touch {marker}';",
        "COPY (SELECT 1) TO '{marker}';",
    ],
)
def test_a_dump_reaches_no_shell_and_no_file(
    data: PostgresData, cluster: str, dump: Path, own: str, command: str
) -> None:
    """A dump that would reach a shell or a file is refused with the line, before anything of it is
    loaded.
    """
    marker = dump.parent / "touched"
    dump.write_text("CREATE TABLE one (id integer);\n" + command.format(marker=marker) + "\n")
    with pytest.raises(DataPlaneError, match=f"^Line [12] of {dump} has ") as refused:
        load(data, cluster, dump, own)

    assert ("touched" in str(refused.value), marker.exists()) == (False, False)
    assert [(None,)] == Client(data, cluster)("SELECT to_regclass('one')", own)


def test_what_the_reader_takes_for_harmless_psql_itself_refuses(
    data: PostgresData, cluster: str, dump: Path, own: str
) -> None:
    """A dump is loaded in psql's restricted mode, so safety does not hang on reading it as psql."""
    marker = dump.parent / "touched"
    dump.write_text(
        f"CREATE TABLE one (id integer);\nCOPY one FROM stdin; \\! touch {marker}\n1\n\\.\n"
    )
    with pytest.raises(DataPlaneError, match="backslash commands are restricted"):
        load(data, cluster, dump, own)

    assert not marker.exists()


def test_connect_and_the_end_of_rows_go_on_working(
    data: PostgresData, cluster: str, dump: Path, own: str
) -> None:
    """Connecting and the end of rows work in each form that pg_dump and pg_dumpall write, in their
    restricted mode.
    """
    name = f"{own} it's"
    dump.write_text(
        "\\restrict abc\n\\set ON_ERROR_STOP on\n\\encoding SQL_ASCII;\n"
        "SET client_encoding = 'UTF8';\n"
        "\\unrestrict abc\n"
        f'CREATE DATABASE "{name}";\n'
        f"\\connect -reuse-previous=on \"dbname='{own} it\\'s'\"\n\\restrict abc\n"
        "CREATE TABLE one (id integer);\nCOPY one FROM stdin;\n1\n\\.\n\\unrestrict abc\n"
        f"\\c {own};\nCREATE TABLE two (id integer);\n"
    )

    assert [] == load(data, cluster, dump, "shop")
    assert [(1,)] == Client(data, cluster)("SELECT id FROM one", name)
    assert [] == Client(data, cluster)("SELECT id FROM two", own)
    Client(data, cluster)(f'DROP DATABASE "{name}"')


def test_all_missing_extensions_are_reported_before_anything_is_loaded(
    data: PostgresData, cluster: str, dump: Path, own: str
) -> None:
    """All missing extensions are listed before anything is loaded, with the option and the package
    that bring them.
    """
    dump.write_text(
        "CREATE TABLE one (id integer);\n"
        "CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;\n"
        'CREATE EXTENSION IF NOT EXISTS "uuid-ossp";\n'
        "CREATE EXTENSION postgis;\nCREATE EXTENSION vector;\n"
        "CREATE EXTENSION pg_cron;\nCREATE EXTENSION aws_s3 CASCADE;\n"
    )
    with pytest.raises(DataPlaneError) as refused:
        load(data, cluster, dump, own)
    full = (
        "The dump needs the extension {}, which the embedded PostgreSQL 16 does not have. Use a "
        "full server: make demo POSTGRES=/usr/lib/postgresql/<version>/bin, with Debian's package "
        "{}."
    )
    expected = [
        (
            "The dump needs the extension aws_s3, which AWS alone has. Leave it, and what uses it, "
            "out."
        ),
        full.format("pg_cron", "postgresql-<version>-cron"),
        full.format("pg_trgm", "postgresql-<version>"),
        full.format("postgis", "postgresql-<version>-postgis-3"),
        full.format("uuid-ossp", "postgresql-<version>"),
    ]

    assert expected == str(refused.value).splitlines()
    assert [(None,)] == Client(data, cluster)("SELECT to_regclass('one')", own)


def test_rules_and_event_triggers_are_loaded(
    data: PostgresData, cluster: str, dump: Path, own: str
) -> None:
    """Rules and event triggers are loaded, also those that raise at later statements; they come
    last in a dump.
    """
    dump.write_text(
        "CREATE TABLE entry (id integer);\nINSERT INTO entry VALUES (1);\nCREATE RULE keep AS ON "
        "DELETE TO entry DO INSTEAD NOTHING;\nCREATE RULE two AS ON UPDATE TO entry DO ALSO "
        "(SELECT 1; SELECT 2);\nCREATE FUNCTION no_grants() RETURNS event_trigger LANGUAGE plpgsql "
        "AS $$BEGIN RAISE EXCEPTION 'no'; END$$;\nCREATE EVENT TRIGGER no_grants ON "
        "ddl_command_start WHEN TAG IN ('GRANT') EXECUTE FUNCTION no_grants();\n"
    )
    told, master = load(data, cluster, dump, own), Client(data, cluster)
    master("DELETE FROM entry", own)

    assert ([], [(1,)]) == (told, master("SELECT id FROM entry", own))
    with pytest.raises(psycopg2.errors.RaiseException):
        master("GRANT SELECT ON entry TO PUBLIC", own)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE SCHEMA public;",
        "DROP SCHEMA public CASCADE;\nCREATE SCHEMA public;",
        "CREATE EXTENSION plpgsql;",
        "CREATE PROCEDURAL LANGUAGE plpgsql;",
        "CREATE OR REPLACE\n  LANGUAGE plpgsql;",
        "DROP EXTENSION plpgsql;\nCREATE LANGUAGE plpgsql;",
    ],
)
def test_what_every_database_has_is_made_only_where_it_was_dropped(
    data: PostgresData, cluster: str, dump: Path, own: str, statement: str
) -> None:
    """What each database has already is not made again, as old versions and modes of pg_dump write
    it.
    """
    dump.write_text(
        f"{statement}\nCREATE TABLE public.one (id integer);\nCREATE FUNCTION public.two() RETURNS "
        "integer AS $$BEGIN RETURN 2; END$$ LANGUAGE plpgsql;\n"
    )

    assert [] == load(data, cluster, dump, own)
    assert [(2, None)] == Client(data, cluster)("SELECT two(), (SELECT id FROM one)", own)


def test_a_dump_of_a_newer_server_says_so_when_it_fails(
    data: PostgresData, cluster: str, dump: Path, own: str
) -> None:
    """A dump of a newer server that fails is reported with the option for a newer server; most such
    dumps load.
    """
    dump.write_text("--\n-- Dumped from database version 18.1\n\nSELECT uuidv7();\n")
    with pytest.raises(DataPlaneError) as refused:
        load(data, cluster, dump, own)

    assert (
        f"Line 4 of {dump} could not be loaded: function uuidv7() does not exist. The dump is of "
        "PostgreSQL 18, and this server is 16. Use one as new: make demo "
        "POSTGRES=/usr/lib/postgresql/<version>/bin."
    ) == str(refused.value)


def test_many_problems_are_counted(data: PostgresData, cluster: str, dump: Path, own: str) -> None:
    """Of many problems the first are listed, a line each, and all are counted."""
    dump.write_text("\\copy one FROM 'one.csv'\n" * 30)
    with pytest.raises(DataPlaneError) as refused:
        load(data, cluster, dump, own)

    assert 21 == len(str(refused.value).splitlines())
    assert "There are 10 more problems." == str(refused.value).splitlines()[-1]


def test_a_cleaning_dump_of_a_whole_cluster_is_loaded(
    data: PostgresData, cluster: str, dump: Path, own: str
) -> None:
    """A dump of a whole cluster with --clean is loaded: its drops of nothing are passed over, and
    the master stays.
    """
    name = f"{own}_r"
    dump.write_text(
        f"DROP DATABASE {own}_more;\nDROP DATABASE {own};\nDROP ROLE {MASTER};\nDROP ROLE "
        f"{name};\nDROP ROLE {name}_of;\nCREATE ROLE {MASTER};\nALTER ROLE {MASTER} WITH SUPERUSER "
        f"NOLOGIN PASSWORD 'md5cf0e7d1525b2a8';\nCREATE ROLE {name};\nALTER ROLE {name} WITH "
        f"SUPERUSER;\nCREATE ROLE {name}_of;\nGRANT {name}_of TO {MASTER} WITH INHERIT TRUE "
        f"GRANTED BY {name};\nCREATE DATABASE {own} WITH TEMPLATE = template0 LOCALE = "
        f"'C';\nCREATE DATABASE {own}_more;\n\\connect {own}\nCREATE TABLE here (id integer);\n"
    )

    assert [] == load(data, cluster, dump, "shop")
    master = Client(data, cluster)
    assert [] == master("SELECT * FROM here", own)
    assert [(MASTER, "rdsadmin")] == master(
        "SELECT member::regrole::text, grantor::regrole::text FROM pg_auth_members"
        f" WHERE roleid = '{name}_of'::regrole AND member = '{MASTER}'::regrole"
    )
    master(f"DROP DATABASE {own}_more")


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE ONLY public.gone DROP CONSTRAINT gone_pkey;",
        "ALTER TABLE public.one\n  DROP CONSTRAINT gone_pkey;",
        "ALTER TABLE public.gone ALTER COLUMN id DROP DEFAULT;",
        "DROP TRIGGER t ON public.gone;",
        "DROP FUNCTION public.f(public.gone);",
        "DROP MATERIALIZED VIEW public.gone;",
        "DROP TEXT SEARCH CONFIGURATION public.gone;",
        "DROP FOREIGN DATA WRAPPER gone;",
        "DROP TABLE public.gone, public.one CASCADE;",
        "DROP SCHEMA gone;",
        "DROP POLICY p ON public.gone;",
        "DROP TABLE IF EXISTS public.gone;",
    ],
)
def test_a_cleaning_dump_drops_what_is_there(
    data: PostgresData, cluster: str, dump: Path, own: str, statement: str
) -> None:
    """A dump with --clean drops what exists; drops of what a new database lacks are passed over."""
    dump.write_text(
        f"CREATE TABLE public.one (id integer);\n{statement}\nCREATE TABLE two (id integer);\n"
    )

    assert [] == load(data, cluster, dump, own)
    assert [] == Client(data, cluster)("SELECT * FROM two", own)


def test_a_tablespace_is_kept_among_the_data(
    data: PostgresData, cluster: str, dump: Path, name: str
) -> None:
    """A tablespace is kept among the data, so that snapshots and restores have it: its folder is
    another machine's.
    """
    dump.write_text(
        f"CREATE TABLESPACE {name}_t OWNER {MASTER}\n LOCATION E'D:\\\\db';\n"
        f"CREATE DATABASE {name} TABLESPACE = {name}_t;\n\\connect {name}\n"
        "CREATE TABLE one (id integer);\nINSERT INTO one VALUES (1);\n"
    )
    told = load(data, cluster, dump, "shop")
    data.take_snapshot(cluster, f"s-{name}")
    data.place(f"c-{name}", name=name, port=15997)
    data.restore_snapshot(f"s-{name}", f"c-{name}")
    data.start(f"c-{name}")
    rows = Client(data, f"c-{name}")("SELECT id FROM one", name)
    data.destroy(f"c-{name}")
    data.delete_snapshot(f"s-{name}")
    Client(data, cluster)(f"DROP DATABASE {name}")
    Client(data, cluster)(f"DROP TABLESPACE {name}_t")

    assert [(1,)] == rows
    assert [
        (
            f"Line 1 of {dump} places a tablespace into a folder of its own; "
            "it is placed among the other data."
        )
    ] == told
