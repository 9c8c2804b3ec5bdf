"""A set-up that is killed between any two statements is finished by the next run, and no door opens
again meanwhile.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import pairwise
from typing import Any, NamedTuple

from localaws.postgres import rds_roles

from chalicelib.database.restored_database import Database
from chalicelib.flow.errors import TransientError
from chalicelib.flow.quiesce_kinds import KINDS, PREPARED_TRANSACTIONS
from tests.database.cutting_proxy import proxy
from tests.database.postgres_server import MASTER, Server, clean, login
from tests.database.production import APPLICATION, READ_ONLY

ADMIN = login("admin", "Production-1")
ROLES = """
CREATE ROLE admin LOGIN CREATEROLE PASSWORD 'Production-1';
CREATE ROLE app_user LOGIN PASSWORD 'Production-1' VALID UNTIL '2001-01-01';
CREATE ROLE owner NOLOGIN PASSWORD 'Production-1';
GRANT CREATE ON DATABASE shop TO owner, admin;
ALTER ROLE app_user SET statement_timeout = '1ms'
"""
OBJECTS = """
CREATE FOREIGN DATA WRAPPER other;
CREATE SERVER home FOREIGN DATA WRAPPER other OPTIONS (host 'home');
CREATE USER MAPPING FOR PUBLIC SERVER home OPTIONS (password 'Production-1');
ALTER SERVER home OWNER TO admin;
CREATE SCHEMA sales AUTHORIZATION owner;
SET ROLE owner;
CREATE TABLE sales.orders (id int GENERATED ALWAYS AS IDENTITY, what text);
CREATE FUNCTION sales.run(text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN EXECUTE $1; END';
GRANT INSERT ON sales.orders TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA sales GRANT UPDATE ON TABLES TO PUBLIC;
RESET ROLE;
CREATE SUBSCRIPTION theirs CONNECTION 'host=home password=Production-1'
  PUBLICATION all_of_it WITH (connect = false);
UPDATE pg_subscription SET subowner = 'admin'::regrole
"""
PREPARED = "BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'held'"

DOORS = """
SELECT array_agg(rolname::text) FILTER (
         WHERE rolpassword = productions AND (rolvaliduntil > now()) IS NOT FALSE),
       array_agg(rolname::text) FILTER (WHERE rolpassword IS DISTINCT FROM productions),
       (SELECT count(*) FROM pg_user_mapping) + (SELECT count(*) FROM pg_subscription),
       pg_snapshot_xmin(pg_current_snapshot())::text
  FROM pg_authid LEFT JOIN productions USING (rolname)
 WHERE rolcanlogin AND rolpassword IS NOT NULL AND rolname <> 'master'
"""
KEPT = (
    "CREATE TEMPORARY TABLE productions AS SELECT rolname, rolpassword AS productions FROM "
    "pg_authid"
)
GRANT = "it.grantor::regrole, it.grantee::regrole, it.privilege_type, it.is_grantable"
STATE = {
    "roles": "SELECT rolname, rolcanlogin, rolpassword IS NULL, rolvaliduntil, rolcreaterole FROM "
    "pg_authid",
    "settings": "SELECT setrole::regrole, setdatabase, setconfig FROM pg_db_role_setting",
    "members": "SELECT roleid::regrole, member::regrole, grantor::regrole, admin_option FROM "
    "pg_auth_members",
    "databases": f"SELECT datname, {GRANT} FROM pg_database, aclexplode(datacl) AS it",
    "schemas": f"SELECT nspname, {GRANT} FROM pg_namespace, aclexplode(nspacl) AS it",
    "relations": f"SELECT oid::regclass, {GRANT} FROM pg_class, aclexplode(relacl) AS it WHERE oid "
    ">= 16384",
    "routines": f"SELECT oid::regprocedure, {GRANT} FROM pg_proc, aclexplode(proacl) AS it WHERE "
    "oid >= 16384",
    "defaults": f"SELECT defaclobjtype, {GRANT} FROM pg_default_acl, aclexplode(defaclacl) AS it",
    "servers": "SELECT srvname, srvoptions, srvacl FROM pg_foreign_server",
    "ways": "SELECT umuser, 1 FROM pg_user_mapping UNION ALL SELECT subowner, 2 FROM "
    "pg_subscription",
    "prepared": "SELECT gid FROM pg_prepared_xacts",
}
EVERY = 1 if "TEST_SERVERS" in os.environ else 6
COMMITS_MIN = 10  # there are more; fewer would mean that the proxy sees nothing
GONE = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = "
    "'aurora-restore'"
)


class Timestamp(NamedTuple):
    """What has been committed when a statement is about to be sent: who gets in, and how many ways
    lead out.
    """

    productions: frozenset[str]
    ours: frozenset[str]
    ways_out: int
    committed: str


class Run:
    """One run of the whole set-up, which may be cut off before a statement.

    What it passes through is looked at.
    """

    def __init__(self, server: Server, eye: Any) -> None:
        self._server, self._eye = server, eye
        self._is_closed = False  # as the record knows
        self._before: int | None = None
        self.moments: list[Timestamp] = []

    def go(self, *, before: int | None = None, verified: bool = True) -> None:
        """Run to the end, or until so many statements have been asked for.

        Another run goes on from there.
        """
        self._before = before
        with proxy(self._server, self._passes) as endpoint, suppress(TransientError):
            shop = Database(endpoint, MASTER, "shop")
            self._set_up(shop)
            if verified:
                shop.verify_users(APPLICATION, READ_ONLY)
        self._eye.execute(GONE)  # what was cut is over for the server, too

    def _set_up(self, shop: Database) -> None:
        """Do all that setup-db-users does in a database, in its order, before it verifies the
        users.
        """
        if not self._is_closed:
            assert [False, False] == [shop.has_password(user) for user in (APPLICATION, READ_ONLY)]
        with suppress(
            TransientError
        ):  # what a prepared transaction holds is free once that is rolled back
            shop.revoke_production_logins(keep=[])
        shop.quiesce([PREPARED_TRANSACTIONS])
        shop.revoke_production_logins(keep=[])
        self._is_closed = True
        assert [] == shop.quiesce(KINDS)
        shop.ensure_users(APPLICATION, READ_ONLY)

    def _passes(self, _statement: str) -> bool:
        self._eye.execute(DOORS)
        productions, ours, ways_out, committed = self._eye.fetchone()
        self.moments.append(
            Timestamp(frozenset(productions or ()), frozenset(ours or ()), ways_out, committed)
        )
        return len(self.moments) != self._before


@contextmanager
def production(server: Server) -> Iterator[Any]:
    """Restore production, and give the eyes of a superuser in its database."""
    clean(server)
    server.query(ROLES)
    rds_roles.put_roles_within_reach(server.postgres)
    server.query("GRANT owner TO app_user", as_user=MASTER)
    server.query(OBJECTS, database="shop")
    with closing(server.connect(ADMIN, "shop")) as session:
        session.cursor().execute(PREPARED)
    with server.postgres.session("shop") as eye:
        eye.execute(KEPT)
        yield eye


def state(eye: Any) -> dict[str, list[str]]:
    """Give all that a set-up decides; passwords by whether there is one."""
    found = {}
    for name, query in STATE.items():
        eye.execute(query)
        found[name] = sorted(map(str, eye.fetchall()))
    return found


def doors_opened_again(moments: list[Timestamp]) -> list[tuple[Timestamp, Timestamp]]:
    """Return the steps at which a login or a way out is there again, or somebody of ours is in too
    early.
    """
    return [
        (before, after)
        for before, after in pairwise(moments)
        if not (after.productions <= before.productions and after.ways_out <= before.ways_out)
        or (after.ours and (after.productions or after.ways_out))
    ]


def test_a_set_up_that_is_killed_anywhere_is_finished_by_the_next(server: Server) -> None:
    """A run is killed before every statement that follows a commit, and the next run ends as one
    that was never killed. `make test` takes every sixth, `make test-servers` all of them.
    """
    with production(server) as eye:
        whole = Run(server, eye)
        whole.go()
        wanted = state(eye)
    commits = [moment.committed for moment in whole.moments]
    deaths = [
        number for number, committed in enumerate(commits) if committed not in commits[:number]
    ]
    assert [] == doors_opened_again(whole.moments)
    assert len(deaths) > COMMITS_MIN
    for death in deaths[::EVERY]:
        with production(server) as eye:
            run = Run(server, eye)
            run.go(before=death + 1)
            run.go(verified=False)
            assert (death, []) == (death, doors_opened_again(run.moments))
            assert (death, wanted) == (death, state(eye))
