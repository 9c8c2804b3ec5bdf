"""The set-up of a restored cluster: production's logins are revoked, our two users are let in.

    database = Database(endpoint, master, "shop")
    database.enter_as_master()                       # until the new master password works
    database.revoke_production_logins(keep=keep)     # before anybody new gets in
    database.quiesce(kinds)                          # nothing acts or reaches out by itself
    database.ensure_users(application, readonly)
    database.verify_users(application, readonly)

Every method may be repeated, tonight and on every later night, and ends in one of three ways: done;
TransientError (the server is away or busy: try again inside the deadline); RefusedError with reason
and remedy. Passwords reach the server only as SCRAM verifiers. Connections prove who they lead to
(`verify-full`) with the roots in `rds-ca-bundle.pem`, Amazon's global bundle;
`rds-ca-bundle.README` says which regions it covers.

A limit, on purpose: row security applies to both users as production's policies say.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from math import inf
from typing import Any, Protocol

from psycopg2.sql import SQL, Identifier

from chalicelib.database import grants, logins, master_user, quiesce, roles, verification
from chalicelib.database.connection import rows, run, session, transaction
from chalicelib.database.databases import (
    databases,
    other_open_databases,
    reachable,
    refuse_out_of_reach,
    revoke_connect_elsewhere,
    revoke_connect_out_of_reach,
)
from chalicelib.database.endpoint import Endpoint, Login
from chalicelib.database.errors import (
    AuthenticationMethodError,
    DatabaseBusyError,
    DatabaseUnavailableError,
    LoginResult,
    login_error,
)
from chalicelib.database.handshake import attempt_login, reach
from chalicelib.database.membership import EVERYBODY_ELSE
from chalicelib.database.names import check_users, refuse_open
from chalicelib.database.time_budget import TimeBudget
from chalicelib.database.verification import Verification
from chalicelib.flow.errors import TransientError
from chalicelib.flow.quiesce_kinds import Remaining

__all__ = [
    "Database",
    "DatabaseBusyError",
    "DatabaseUnavailableError",
    "Endpoint",
    "Login",
    "OpenDatabase",
    "Remaining",
    "RestoredDatabase",
    "Verification",
    "check_users",
]

PRISTINE_PREFIX = "aurora_restore_proof_"
# "aurora": the advisory lock that one set-up at a time holds, in the master's database
SETUP_LOCK = 0x6175726F7261


class RestoredDatabase(Protocol):
    """One restored cluster, as the set-up of its users sees it.

    Its in-memory twin is in `simulation`.
    """

    def reach(self) -> None:
        """See `Database.reach`."""

    def try_login(self, login: Login, database: str | None = None) -> bool:
        """See `Database.try_login`."""

    def try_master(self) -> LoginResult:
        """See `Database.try_master`."""

    def enter_as_master(self) -> LoginResult:
        """See `Database.enter_as_master`."""

    def login_roles(self) -> list[str]:
        """See `Database.login_roles`."""

    def has_password(self, login: Login) -> bool:
        """See `Database.has_password`."""

    def production_logins(self, *, keep: Collection[str]) -> list[str]:
        """See `Database.production_logins`."""

    def revoke_production_logins(self, *, keep: Collection[str]) -> list[str]:
        """See `Database.revoke_production_logins`."""

    def count_active(self, kinds: Collection[str]) -> Mapping[str, int]:
        """See `Database.count_active`."""

    def quiesce(self, kinds: Collection[str]) -> list[Remaining]:
        """See `Database.quiesce`."""

    def ensure_users(
        self,
        application: Login,
        readonly: Login,
        trusted: Collection[str] = (),
        *,
        remaining_seconds: Callable[[], float] = lambda: inf,
    ) -> None:
        """See `Database.ensure_users`."""

    def verify_users(
        self,
        application: Login,
        readonly: Login,
        trusted: Collection[str] = (),
        *,
        keep: Collection[str] = (),
    ) -> Verification:
        """See `Database.verify_users`."""


OpenDatabase = Callable[[Endpoint, Login, str], RestoredDatabase]
"""What a step is given to reach PostgreSQL: `Database`, or the twin's `InMemoryCluster.open`."""


class Database:
    """A restored cluster behind `endpoint`, seen as its master user.

    `database` is the one from the master's secret.
    """

    def __init__(self, endpoint: Endpoint, master: Login, database: str) -> None:
        self._endpoint, self._master, self._database = endpoint, master, database

    def reach(self) -> None:
        """Connect and, where TLS is wanted, have the server prove who it is; nobody logs in."""
        reach(self._endpoint)

    def try_login(self, login: Login, database: str | None = None) -> bool:
        """Log in and out again, in `database` or the master's.

        DatabaseUnavailableError while the server cannot say.
        """
        where = database or self._database
        answer = attempt_login(self._endpoint, login, where)
        if answer.accepted or answer.password_refused:
            return answer.accepted
        raise login_error(answer, self._endpoint, login.username, where)

    def try_master(self) -> LoginResult:
        """Try the master user's login.

        RefusedError where the server wants another proof of it than a password.
        """
        return master_user.try_master_login(self._endpoint, self._master, self._database)

    def enter_as_master(self) -> LoginResult:
        """Try the master user's login, and mend what keeps it out where that is its own to mend."""
        return master_user.enter(self._endpoint, self._master, self._database)

    def has_password(self, login: Login) -> bool:
        """Tell whether a role has this password, even one that may not log in or has expired.

        A member of rds_iam or rds_ad has none that opens anything: RDS asks it for a token.
        """
        with self._with_setup_lock() as connection:
            undo = roles.suspend_expiry(connection, login.username)
            try:
                answer = attempt_login(self._endpoint, login, self._database)
            except AuthenticationMethodError:
                return False
            finally:
                if undo:
                    run(connection, undo)
        if answer.password_correct or answer.password_refused:
            return answer.password_correct
        raise login_error(answer, self._endpoint, login.username, self._database)

    def login_roles(self) -> list[str]:
        """Return every role that may log in, sorted; RDS's own and the master are among them."""
        with self._session(self._database) as connection:
            return logins.login_roles(connection)

    def production_logins(self, *, keep: Collection[str]) -> list[str]:
        """Return, sorted, the roles whose login `revoke_production_logins` would take now."""
        with self._session(self._database) as connection:
            return logins.production_logins(connection, master=self._master.username, keep=keep)

    def revoke_production_logins(self, *, keep: Collection[str]) -> list[str]:
        """Take login, password and sessions from every role but the master, RDS's own and `keep`.

        Return whose they were. A role with the name of one of our users is among them: until
        `ensure_users` it has production's password. RefusedError names roles that stay open because
        the master may not alter them. That no role is open is asked a second time in a database
        that was made for it and holds nothing of production.
        """
        with self._with_setup_lock() as connection:
            closed = logins.revoke_production_logins(
                connection, master=self._master.username, keep=keep
            )
            with self._pristine(connection) as clean:
                again = logins.production_logins(clean, master=self._master.username, keep=keep)
                refuse_open(again)
            return closed

    def count_active(self, kinds: Collection[str]) -> Mapping[str, int]:
        """Count, by kind (`flow.quiesce_kinds`), what came with production and acts by itself."""
        found: dict[tuple[str, str, str], quiesce.ActiveObject] = {}
        reachable, _ = self._reachable()
        with self._session(self._database) as connection:
            elsewhere = quiesce.find_elsewhere(connection, kinds, reachable)
            found |= {thing.key: thing for thing in elsewhere}
        for name in reachable:
            with self._session(name) as connection:
                found |= {thing.key: thing for thing in quiesce.find(connection, kinds)}
        counts: Counter[str] = Counter()
        for thing in found.values():
            counts[thing.kind] += thing.how_many
        return dict(counts)

    def quiesce(self, kinds: Collection[str]) -> list[Remaining]:
        """Stop it in every database that somebody can connect to; return what may still go on.

        Kinds that only their owners may change are counted by `count_active` and not touched. What
        somebody holds keeps nothing else running, in no database: TransientError is raised when all
        has been tried.
        """
        reachable, others = self._reachable()
        remaining = [
            Remaining("", f"what runs in database {name}, which the master user may not enter")
            for name in others
        ]
        busy: list[TransientError] = []
        with self._with_setup_lock() as shared:
            for name in reachable if kinds else ():
                try:
                    with self._session(name) as connection:
                        remaining += quiesce.stop(connection, self._endpoint, kinds)
                except TransientError as error:
                    busy.append(error)
            if busy:
                raise busy[0]
            elsewhere = quiesce.find_elsewhere(shared, kinds, reachable)
            remaining += [Remaining(found.kind, str(found)) for found in elsewhere]
        return list(dict.fromkeys(remaining))

    def _reachable(self) -> tuple[list[str], list[str]]:
        with self._session(self._database) as connection:
            return reachable(connection)

    def ensure_users(
        self,
        application: Login,
        readonly: Login,
        trusted: Collection[str] = (),
        *,
        remaining_seconds: Callable[[], float] = lambda: inf,
    ) -> None:
        """Create or alter both users, with these passwords and their rights in every database.

        Routines that run as their owner are given to nobody, and taken from the read-only user
        unless they are `trusted` (each `<schema>.<name>`). Whoever cannot log in yet is let in
        last. DatabaseBusyError when `remaining_seconds` says that the invocation is nearly over:
        what was set so far stays, and the next call goes on there.
        """
        check_users(self._master.username, application, readonly)
        users, budget = (
            grants.Users(application.username, readonly.username, trusted),
            TimeBudget(remaining_seconds),
        )
        with self._with_setup_lock() as connection:
            with transaction(connection):
                roles.ensure_role(connection, application)
                roles.ensure_role(connection, readonly)
                roles.ensure_read_only_by_default(connection, readonly.username)
            names = databases(connection, opening=True).names
            revoke_connect_out_of_reach(connection, [application.username, readonly.username])
            others = revoke_connect_elsewhere(
                connection, readonly.username, application.username, names
            )
            for name in (*names, *others):
                with self._session(name) as inside:
                    grants.ensure_grants(inside, users, budget)
            for login in (application, readonly):
                roles.enable_login(connection, login)

    def verify_users(
        self,
        application: Login,
        readonly: Login,
        trusted: Collection[str] = (),
        *,
        keep: Collection[str] = (),
    ) -> Verification:
        """Log in as both users to every user database; return what they can do, or refuse.

        At last every login but theirs and those of `keep` is revoked once more.
        """
        with self._session(self._database) as connection:
            _refuse_changed(connection, application, readonly)
            standing = databases(connection, opening=False)
            names = (
                *standing.names,
                *other_open_databases(connection, readonly.username, standing.names),
            )
            refuse_out_of_reach(connection, [application.username, readonly.username])
        found = Verification(untried=standing.closed)
        users = grants.Users(application.username, readonly.username, trusted)
        for name in names:
            with self._session(name) as inside:
                found += Verification(warnings=tuple(grants.check_grants(inside, users)))
            found += verification.try_users(
                self._endpoint, name, application=application, readonly=readonly
            )
        found += verification.try_own_password_change(self._endpoint, self._database, readonly)
        return found + self._revoke_reopened_logins(application, readonly, keep)

    def _revoke_reopened_logins(
        self, application: Login, readonly: Login, keep: Collection[str]
    ) -> Verification:
        """Revoke logins that production's code opened meanwhile; check that our users are as made.

        Such code may have run as the master: an event trigger at a login or at a GRANT, a trigger
        on a table of jobs. Nothing of it runs in this session after its beginning.
        """
        ours = (application, readonly)
        with self._with_setup_lock() as connection:
            kept = {*keep, *(login.username for login in ours)}
            opened = logins.revoke_production_logins(
                connection, master=self._master.username, keep=kept
            )
            _refuse_changed(connection, application, readonly)
            for login in ours:
                if not self.try_login(login):
                    raise DatabaseBusyError(
                        f"Something changed the password of {login.username} meanwhile."
                    )
        return Verification(warnings=verification.reopened_logins_warning(opened))

    def _session(self, database: str) -> Any:
        return session(self._endpoint, self._master, database)

    @contextmanager
    def _with_setup_lock(self) -> Iterator[Any]:
        """Open a session with the set-up lock; DatabaseBusyError while another set-up has it.

        Concurrent GRANTs fail with "tuple concurrently updated"; the lock goes with the session,
        however that ends.
        """
        with self._session(self._database) as connection:
            rows(connection, "SELECT pg_catalog.pg_advisory_lock(%(key)s)", key=SETUP_LOCK)
            yield connection

    @contextmanager
    def _pristine(self, connection: Any) -> Iterator[Any]:
        """Open a session in a new database, made of template0, which nobody can have changed.

        Such databases that an interrupted run left are dropped.
        """
        for (name,) in rows(connection, _PRISTINE_LEFT, prefix=PRISTINE_PREFIX):
            run(connection, SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
        name = PRISTINE_PREFIX + secrets.token_hex(4)
        run(connection, SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)))
        try:
            with self._session(name) as clean:
                yield clean
        finally:
            run(connection, SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def _refuse_changed(connection: Any, application: Login, readonly: Login) -> None:
    roles.refuse_changed(connection, application.username, but=EVERYBODY_ELSE)
    roles.refuse_changed(connection, readonly.username)


_PRISTINE_LEFT = """
SELECT datname FROM pg_catalog.pg_database JOIN pg_catalog.pg_roles ON pg_roles.oid = datdba
 WHERE rolname = current_user AND datname ~ ('^' || %(prefix)s)
"""
