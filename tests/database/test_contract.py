"""One contract, held by PostgreSQL and by its in-memory twin."""

from typing import Protocol

import pytest
from psycopg2.sql import SQL, Identifier, Literal

from chalicelib.database.restored_database import Database, Endpoint, Login, RestoredDatabase
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.quiesce_kinds import KINDS
from simulation.in_memory_database import InMemoryCluster, InMemoryRole
from tests.database.postgres_server import MASTER, Server, clean, login, skip_before_16
from tests.database.postgres_versions import WANTED, Servers

APPLICATION = login("app_user", "Application-1")
READ_ONLY = login("readonly_user", "Read-only-1")


class World(Protocol):
    """What the contract needs to arrange, whichever implementation it looks at."""

    database: RestoredDatabase

    def opened(self, master: Login) -> RestoredDatabase:
        """Return the same cluster for somebody who says to be the master."""

    def add_role(
        self, name: str, password: str, attributes: str = "", *, alterable: bool = True
    ) -> None:
        """Let production have had a login role."""

    def add_user_mapping(self, *, reachable: bool = True) -> None:
        """Let production have had a foreign server of its own, or of RDS's, with a user mapping for
        everybody.
        """


class RealWorld:
    """PostgreSQL; a role is alterable for the master that made it, and not when rdsadmin did."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.database = self.opened(MASTER)

    def opened(self, master: Login) -> RestoredDatabase:
        """Open the real thing."""
        return Database(self.server.endpoint, master, "shop")

    def add_role(
        self, name: str, password: str, attributes: str = "", *, alterable: bool = True
    ) -> None:
        """Let the master, or the superuser, create it."""
        if not alterable and self.server.version < 16:
            attributes = "REPLICATION"  # CREATEROLE may alter the others there
        create = SQL("CREATE ROLE {} LOGIN PASSWORD {} " + attributes).format(
            Identifier(name), Literal(password)
        )
        self.server.query(create, as_user=MASTER if alterable and not attributes else None)

    def add_user_mapping(self, *, reachable: bool = True) -> None:
        """Let the superuser make both; what is not the master's to stop stays his."""
        make = (
            "CREATE FOREIGN DATA WRAPPER wrapper; CREATE SERVER home FOREIGN DATA WRAPPER wrapper;"
        )
        mapping = "CREATE USER MAPPING FOR PUBLIC SERVER home OPTIONS (password 'Production-1');"
        self.server.query(make + mapping, database="shop")
        if reachable:
            self.server.query(
                "GRANT USAGE ON FOREIGN DATA WRAPPER wrapper TO master", database="shop"
            )
            self.server.query("ALTER SERVER home OWNER TO master", database="shop")
            self.server.query(
                "REVOKE USAGE ON FOREIGN DATA WRAPPER wrapper FROM master", database="shop"
            )


class InMemoryWorld:
    """The twin."""

    def __init__(self) -> None:
        roles = {
            "master": InMemoryRole(MASTER.secret),
            "rdsadmin": InMemoryRole("?", attributes=("SUPERUSER",)),
        }
        self._cluster = InMemoryCluster(roles, ["postgres", "shop"])
        self.database = self.opened(MASTER)

    def opened(self, master: Login) -> RestoredDatabase:
        """Open the twin."""
        return self._cluster.open(Endpoint("memory", 5432), master, "shop")

    def add_role(
        self, name: str, password: str, attributes: str = "", *, alterable: bool = True
    ) -> None:
        """Put it into the dictionary."""
        self._cluster.roles[name] = InMemoryRole(
            password, True, tuple(attributes.split()), alterable
        )

    def add_user_mapping(self, *, reachable: bool = True) -> None:
        """Put it into the dictionary."""
        self._cluster.active["user-mappings"] = 1
        if not reachable:
            self._cluster.unstoppable = frozenset({"user-mappings"})


@pytest.fixture(params=[*WANTED, "in memory"])
def world(request: pytest.FixtureRequest, servers: Servers) -> World:
    """Each implementation, with a master and rdsadmin."""
    if request.param == "in memory":
        return InMemoryWorld()
    server = servers.get(request.param)
    clean(server)
    return RealWorld(server)


def test_the_right_password_opens_and_the_wrong_one_does_not(world: World) -> None:
    """A login succeeds with the right password only; a role that does not exist is refused too."""
    world.add_role("reporter", "Production-1")
    tried = [
        login("reporter", "Production-1"),
        login("reporter", "wrong"),
        login("nobody", "Production-1"),
    ]

    assert [True, False, False] == [world.database.try_login(attempt) for attempt in tried]


def test_a_missing_database_is_a_refusal_that_names_it(world: World) -> None:
    """A right password does not help when the master secret names a database that is not there."""
    with pytest.raises(RefusedError, match="There is no database nowhere on"):
        world.database.try_login(MASTER, "nowhere")


def test_login_roles_are_all_roles_that_may_log_in(world: World) -> None:
    """The list of login roles has the master, RDS's own and production's, sorted."""
    world.add_role("reporter", "Production-1")

    assert ["master", "rdsadmin", "reporter"] == world.database.login_roles()


def test_a_wrong_master_password_is_a_refusal(world: World) -> None:
    """A password that PostgreSQL refuses is not tried again and again."""
    world.add_role("reporter", "Production-1")
    database = world.opened(login("master", "wrong"))

    with pytest.raises(RefusedError, match="refuses the password of user master") as refusal:
        database.login_roles()
    assert "secret" in refusal.value.remedy


def test_revoking_closes_what_came_with_production(world: World) -> None:
    """Production's passwords are refused after their logins were revoked, and the names are
    returned.
    """
    for name in ("reporter", "Admin", 'o"brien'):
        world.add_role(name, "Production-1")

    assert ["Admin", 'o"brien', "reporter"] == world.database.revoke_production_logins(keep=[])
    assert not world.database.try_login(login("reporter", "Production-1"))
    assert ["master", "rdsadmin"] == world.database.login_roles()


def test_the_logins_to_revoke_are_known_before(world: World) -> None:
    """The names can be read before anything is revoked, and reading revokes nothing."""
    for name in ("reporter", "Admin", "monitor", "rdstopmgr"):
        world.add_role(name, "Production-1")
    names = world.database.production_logins(keep=["monitor"])

    assert ["Admin", "reporter"] == names
    assert world.database.try_login(login("reporter", "Production-1"))
    assert names == world.database.revoke_production_logins(keep=["monitor"])
    assert [] == world.database.production_logins(keep=["monitor"])


def test_revoking_keeps_only_names_that_are_named(world: World) -> None:
    """KEEP_LOGIN_ROLES names roles exactly: no prefix, no case folding."""
    for name in ("monitor", "monitoring", "Monitor"):
        world.add_role(name, "Production-1")
    found = world.database.revoke_production_logins(keep=["monitor", "not there"])

    assert ["Monitor", "monitoring"] == found
    assert world.database.try_login(login("monitor", "Production-1"))


def test_a_name_like_rds_own_loses_its_login(world: World) -> None:
    """Only RDS's own roles keep their login, not whatever production called rds_something."""
    world.add_role("rds_reports", "Production-1")
    world.add_role("rdstopmgr", "Only-AWS-knows")

    assert ["rds_reports"] == world.database.revoke_production_logins(keep=[])


def test_revoking_again_finds_nothing_to_do(world: World) -> None:
    """Revoking again finds nothing to revoke."""
    world.add_role("reporter", "Production-1")
    world.database.revoke_production_logins(keep=[])

    assert [] == world.database.revoke_production_logins(keep=[])


def test_a_role_the_master_may_not_alter_is_refused_and_the_others_are_closed(world: World) -> None:
    """A role that keeps its password ends the operation with its name, and keeps no other open."""
    world.add_role("reporter", "Production-1")
    world.add_role("theirs", "Production-1", alterable=False)
    world.add_role("boss", "Production-1", "SUPERUSER")

    with pytest.raises(
        RefusedError, match=r"still open the copy for boss, theirs: .* KEEP_LOGIN_ROLES"
    ):
        world.database.revoke_production_logins(keep=[])
    assert not world.database.try_login(login("reporter", "Production-1"))


def test_both_users_log_in_with_their_new_passwords(world: World) -> None:
    """After the set-up the new passwords open every user database, and verification says so."""
    world.database.ensure_users(APPLICATION, READ_ONLY)

    said = world.database.verify_users(APPLICATION, READ_ONLY).proven
    for name in ("postgres", "shop"):
        found = [world.database.try_login(user, name) for user in (APPLICATION, READ_ONLY)]

        assert [True] * 2 == found
        assert any("app_user" in line and name in line for line in said)
        assert any("readonly_user" in line and name in line for line in said)


def test_names_that_came_with_production_get_the_new_password_only(world: World) -> None:
    """Production's password for a user's name is refused, on the first night and on the second."""
    world.add_role("app_user", "Production-1")
    for password in ("Application-1", "Application-2"):
        world.database.revoke_production_logins(keep=[])
        world.database.ensure_users(login("app_user", password), READ_ONLY)
        world.database.verify_users(login("app_user", password), READ_ONLY)

    tried = [
        login("app_user", attempt) for attempt in ("Production-1", "Application-1", "Application-2")
    ]
    refused, ok = False, True
    assert [refused, refused, ok] == [world.database.try_login(attempt) for attempt in tried]


def test_verification_refuses_a_user_that_cannot_log_in(world: World) -> None:
    """Verification logs in, and refuses a user whose password does not work."""
    world.database.ensure_users(APPLICATION, READ_ONLY)

    with pytest.raises(RefusedError, match="refuses the password of user app_user"):
        world.database.verify_users(login("app_user", "another"), READ_ONLY)


@pytest.mark.parametrize("attribute", ["SUPERUSER", "REPLICATION", "BYPASSRLS"])
def test_a_production_role_above_all_others_does_not_become_a_user(
    world: World, attribute: str
) -> None:
    """A role with an attribute that the master cannot take is refused by that attribute."""
    world.add_role("app_user", "Production-1", attribute)

    with pytest.raises(RefusedError, match=f"app_user came with production as {attribute}"):
        world.database.ensure_users(APPLICATION, READ_ONLY)


def test_a_production_role_that_is_not_the_masters_to_alter_does_not_become_a_user(
    world: World,
) -> None:
    """A role that the master may not alter is refused, with what to do in production."""
    if isinstance(world, RealWorld):
        skip_before_16(world.server)
    world.add_role("readonly_user", "Production-1", alterable=False)

    with pytest.raises(RefusedError, match="denies what setting up users needs") as refusal:
        world.database.ensure_users(APPLICATION, READ_ONLY)
    assert "rds_superuser" in refusal.value.remedy
    assert not world.database.try_login(APPLICATION)


@pytest.mark.parametrize(
    "name",
    ["master", "rdsadmin", "rds_app", "pg_app", "public", "none", "", "x" * 64, "line\nbreak"],
)
def test_names_that_are_not_for_users_are_refused(world: World, name: str) -> None:
    """Names of the master, RDS and PostgreSQL are refused, and long or unprintable ones."""
    with pytest.raises(RefusedError, match="application secret"):
        world.database.ensure_users(login(name, "Application-1"), READ_ONLY)


def test_one_name_for_both_users_is_refused(world: World) -> None:
    """Two users of one name are refused, because the read-only user would write."""
    with pytest.raises(RefusedError, match="the same name, app_user"):
        world.database.ensure_users(APPLICATION, login("app_user", "Read-only-1"))


@pytest.mark.parametrize("name", ["quo\"te's; DROP ROLE master; --", "Upper per%cent %s", "naïve"])
def test_any_other_name_works(world: World, name: str) -> None:
    """Any other name works, because names are written as identifiers."""
    world.database.ensure_users(login(name, "Application-1"), login(f"{name} reads", "Read-only-1"))

    world.database.verify_users(login(name, "Application-1"), login(f"{name} reads", "Read-only-1"))
    assert {name, f"{name} reads"} <= set(world.database.login_roles())


def test_activity_is_counted_by_kind_and_stopped(world: World) -> None:
    """Counting stops nothing; stopping is done once, and a repeated step finds nothing to do."""
    world.add_user_mapping()
    found = [world.database.count_active(kinds) for kinds in (["dblink"], KINDS)]

    assert [{}, {"user-mappings": 1}] == found
    assert [[], []] == [world.database.quiesce(KINDS) for _ in range(2)]
    assert {} == world.database.count_active(KINDS)


def test_excluded_kinds_are_left_running(world: World) -> None:
    """Only the kinds asked for are stopped."""
    world.add_user_mapping()
    world.database.quiesce([kind for kind in KINDS if kind != "user-mappings"])

    assert {"user-mappings": 1} == world.database.count_active(KINDS)


def test_what_the_master_may_not_stop_is_named(world: World) -> None:
    """What could not be stopped is returned, and whether it may reach production."""
    world.add_user_mapping(reachable=False)
    (remaining,) = world.database.quiesce(["user-mappings"])

    assert ("user-mappings", True) == (remaining.kind, remaining.reaches_production)
    assert {"user-mappings": 1} == world.database.count_active(KINDS)
