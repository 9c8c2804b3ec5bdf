"""Whole nights of a production that is full of traps, on a PostgreSQL that can read others: what
holds on the copy.
"""

import json
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from localaws.postgres.programs import temporary_folder

from demo import assertions, databases
from demo import aws as names
from demo.aws import Aws
from demo.databases import DatabaseLogin, connect
from demo.inspection import Inspector, SourceInspection, TargetInspection
from demo.take_snapshot import take_snapshot
from tests.acceptance.operations import end_of_newest, wait_for_an_operation_of
from tests.acceptance.up import READY, Up, free_port
from tests.database.postgres_versions import find_or_skip

TRAP = """
CREATE SCHEMA trap;
CREATE TABLE trap.ran (by text);
CREATE VIEW trap.pg_roles AS
  SELECT oid, rolname, false AS rolcanlogin, rolsuper, rolvaliduntil, rolreplication,
       rolbypassrls FROM pg_catalog.pg_roles;
CREATE VIEW trap.pg_user_mappings AS SELECT * FROM pg_catalog.pg_user_mappings WHERE false;
CREATE FUNCTION trap.set_config(text, text, boolean) RETURNS text LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO trap.ran VALUES (session_user); RETURN $2; END $$;
CREATE FUNCTION trap.starts_with(name, text) RETURNS boolean LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO trap.ran VALUES (session_user); RETURN true; END $$;
GRANT USAGE ON SCHEMA trap TO PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA trap TO PUBLIC;
ALTER DATABASE shop SET search_path = trap, pg_catalog;
ALTER ROLE CURRENT_USER SET default_transaction_read_only = on
"""
BLOCKER = (
    "BEGIN; ALTER ROLE reporting VALID UNTIL '2099-01-01'; PREPARE TRANSACTION 'blocks-a-role'"
)
# a foreign table, which reads production's database ledger
ACCOUNTS = "SELECT count(*) FROM sales.accounts"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Give a world on a full server."""
    programs = find_or_skip("debian-15", temporary_folder())
    options = ("--speed", "150", "--postgres", str(programs.folder / "bin"))
    up = Up(tmp_path_factory.mktemp("traps") / "data", free_port(), *options)
    try:
        up.wait_for(READY)
        yield up
    finally:
        up.end()


@pytest.fixture(scope="module")
def inspector(world: Up) -> Inspector:
    """Give everybody's passwords, and eyes on both clusters."""
    return Inspector(Aws(world.endpoint))


def login(world: Up, region: str, cluster: str, username: str, password: str) -> DatabaseLogin:
    """Make somebody's login at a cluster."""
    found = Aws(world.endpoint).cluster(region, cluster)
    return DatabaseLogin(found["Endpoint"], found["Port"], username, password)


def at_production(world: Up, username: str, password: str) -> DatabaseLogin:
    """Make somebody's login at production."""
    return login(world, names.SOURCE_REGION, names.SOURCE_CLUSTER, username, password)


def at_staging(world: Up, username: str, password: str) -> DatabaseLogin:
    """Make somebody's login at the copy."""
    return login(world, names.TARGET_REGION, names.TARGET_CLUSTER, username, password)


def run(user: DatabaseLogin, statement: str, *parameters: str) -> list[Any]:
    """Run SQL in the database shop."""
    with connect(user, "shop") as connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return list(cursor.fetchall()) if cursor.description else []


def night(world: Up) -> dict[str, Any]:
    """Let Aurora take its snapshot, and wait for the end of what that begins."""
    snapshot = take_snapshot(
        world.endpoint, cluster=names.SOURCE_CLUSTER, region=names.SOURCE_REGION
    )
    end_of_newest(world)  # there is one
    wait_for_an_operation_of(world, snapshot)
    return end_of_newest(world)


@pytest.fixture(scope="module")
def seen(
    world: Up, inspector: Inspector
) -> tuple[tuple[SourceInspection, TargetInspection], dict[str, Any]]:
    """Lay the traps, look at both clusters, and let the night pass."""
    master = inspector.production["master"]
    for statements in (TRAP, BLOCKER):
        run(at_production(world, master["username"], master["password"]), statements)
    return (inspector.source(), inspector.target()), night(world)


def test_nothing_of_production_goes_on_in_the_copy(
    inspector: Inspector, seen: tuple[tuple[SourceInspection, TargetInspection], dict[str, Any]]
) -> None:
    """After the night the copy is cut off, production's passwords are refused, and production is as
    it was.
    """
    before, record = seen
    assert "SUCCEEDED" == record["state"]["S"], record
    after = inspector.source(), inspector.fresh_target(before[0].tables)
    results = assertions.after_the_night(
        before, after, inspector.outcome(record["operation_id"]["S"])
    )

    assert [] == [result.sentence for result in results if not result.passed]
    assert ("shop.sales.accounts",) == after[0].activity.read
    assert 2 == after[0].activity.counts["prepared-transactions"]


@pytest.mark.usefixtures("seen")
def test_no_password_of_production_opens_any_database_of_the_copy(
    world: Up, inspector: Inspector
) -> None:
    """Each password of production opens production, and opens no database of the copy."""
    master = inspector.production["master"]
    everybody = {**inspector.production["logins"], master["username"]: master["password"]}

    for database in ("shop", "ledger", "postgres"):
        for name, password in everybody.items():
            asked = f"{name} in {database}"
            assert databases.can_log_in(at_production(world, name, password), database), asked
            assert not databases.can_log_in(at_staging(world, name, password), database), asked


@pytest.mark.usefixtures("seen")
def test_the_application_user_reaches_production_by_no_way(world: Up, inspector: Inspector) -> None:
    """Production's user reads through the foreign table; the copy's user cannot, not even by a new
    user mapping.
    """
    reader = at_production(world, "shop_app", inspector.production["logins"]["shop_app"])
    application = at_staging(world, inspector.app["app_username"], inspector.app["app_password"])
    mapping = (
        "CREATE USER MAPPING FOR CURRENT_USER SERVER books OPTIONS (user 'reporting', password "
        "'a-guess')"
    )

    assert [(200,)] == run(reader, ACCOUNTS)
    with pytest.raises(psycopg2.Error):
        run(application, ACCOUNTS)
    with pytest.raises(psycopg2.Error):
        run(application, mapping)


@pytest.mark.usefixtures("seen")
def test_no_trap_ran_as_our_master(world: Up, inspector: Inspector) -> None:
    """No function that shadows one of the catalog's own was called by our master."""
    master = at_staging(world, inspector.master["username"], inspector.master["password"])

    assert [] == run(master, "SELECT by FROM trap.ran")


@pytest.mark.usefixtures("seen")
def test_no_secret_is_in_a_record_a_notice_or_a_log(world: Up, inspector: Inspector) -> None:
    """No secret, production's or ours, is in a record, a notice or a log after a whole night."""
    secrets = {
        **inspector.production["logins"],
        "production's master": inspector.production["master"]["password"],
    }
    secrets |= {name: inspector.app[name] for name in ("app_password", "readonly_password")}
    secrets |= {"staging's master": inspector.master["password"]}
    tables = [
        world.client("dynamodb").scan(TableName=name)
        for name in (names.STATE_TABLE, names.AUDIT_TABLE)
    ]
    files = [file for kind in ("*.log", "*.jsonl") for file in world.folder.glob(f"**/{kind}")]
    texts = {"tables and queue": json.dumps([*tables, *Aws(world.endpoint).notices()], default=str)}
    texts |= {str(file): file.read_text(errors="replace") for file in files}
    found = [
        (where, name)
        for name, secret in secrets.items()
        for where, text in texts.items()
        if secret in text
    ]

    assert len(files) > len(secrets)
    assert [] == found


@pytest.mark.usefixtures("seen")
def test_an_expired_role_whose_password_the_secret_holds_fails_the_night(
    world: Up, inspector: Inspector
) -> None:
    """An expired role whose password the secret holds is recognised, though PostgreSQL answers as
    to a wrong password.
    """
    master = inspector.production["master"]
    user, password = inspector.app["readonly_username"], inspector.app["readonly_password"]
    create = f"CREATE ROLE {user} LOGIN PASSWORD %s VALID UNTIL '2001-01-01'"
    production = at_production(world, master["username"], master["password"])
    run(production, create, password)
    record = night(world)
    run(production, f"DROP ROLE {user}")

    assert ("FAILED", "setup-db-users") == (record["state"]["S"], record["failed_step"]["S"])
    assert f"holds the password that {user} has in production" in record["reason"]["S"]
