"""The in-memory twin of `database.restored_database`: roles and what opens them, no data.

It judges names by the same rules and answers with the same errors as the real one;
`tests/database/test_contract.py` holds both to one contract. It has no data: rights are two words,
"write" and "read", per user and database.
"""

import copy
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from math import inf

from chalicelib.database.endpoint import Endpoint, Login
from chalicelib.database.errors import (
    INVALID_AUTHORIZATION,
    INVALID_PASSWORD,
    SUCCESSFUL_COMPLETION,
    TOO_MANY_CONNECTIONS,
    AuthenticationMethodError,
    CertificateNameError,
    LoginResult,
    login_error,
    privilege_error,
    token_login_error,
)
from chalicelib.database.names import check_users, refuse_attributes, refuse_open
from chalicelib.database.rds_roles import logins_to_revoke
from chalicelib.database.restored_database import Verification
from chalicelib.database.verification import reopened_logins_warning
from chalicelib.flow.errors import RefusedError, TransientError
from chalicelib.flow.quiesce_kinds import REPORTED, Remaining


@dataclass
class InMemoryRole:
    """A role; `password` None stores none.

    `attributes` are words like SUPERUSER, which the master may neither give nor take; a role that
    is not `alterable` is one that the master has no ADMIN OPTION on. `expired` is a VALID UNTIL in
    the past, `full` a CONNECTION LIMIT 0, and `by_token` a membership of rds_iam or rds_ad, by its
    name.
    """

    password: str | None
    can_login: bool = True
    attributes: tuple[str, ...] = ()
    alterable: bool = True
    expired: bool = False
    full: bool = False
    by_token: str = ""


@dataclass
class InMemoryCluster:
    """One cluster's roles and databases.

    A snapshot of it is `copied()`: passwords and all, as at Aurora.

    `active` counts, by kind, what acts or reaches out by itself
    (`chalicelib.flow.quiesce_kinds`); the master may not stop the `unstoppable` kinds. `closed`
    has, by database, the code with which it turns everybody away; the master opens it from another
    one if it `may_open`. `trouble` is raised by whatever is asked next until it is cleared: a
    server away or busy.

    `certified` are the names that the server proves to be called; None stands for every name.
    """

    roles: dict[str, InMemoryRole]
    databases: list[str] = field(default_factory=lambda: ["postgres"])
    rights: dict[tuple[str, str], str] = field(default_factory=dict)
    active: dict[str, int] = field(default_factory=dict)
    unstoppable: frozenset[str] = frozenset()
    trouble: TransientError | RefusedError | None = None
    closed: dict[str, str] = field(default_factory=dict)
    may_open: bool = True
    certified: frozenset[str] | None = None

    def open(self, endpoint: Endpoint, master: Login, database: str) -> "InMemoryDatabase":
        """Return the cluster as its master user sees it.

        Fits `chalicelib.database.restored_database.OpenDatabase`.
        """
        return InMemoryDatabase(self, endpoint, master, database)

    def copied(self) -> "InMemoryCluster":
        """Return the cluster that a snapshot of this one restores to."""
        return copy.deepcopy(self)

    def set_master_password(self, username: str, password: str) -> None:
        """Do what ModifyDBCluster does: set the password without the old one."""
        self.roles[username].password = password


class InMemoryDatabase:
    """`restored_database.Database` over an `InMemoryCluster`."""

    def __init__(
        self, cluster: InMemoryCluster, endpoint: Endpoint, master: Login, database: str
    ) -> None:
        self._cluster, self._endpoint, self._master, self._database = (
            cluster,
            endpoint,
            master,
            database,
        )
        self.statement: Callable[[str], None] = lambda _text: (
            None
        )  # told what takes effect as one, just before it does

    def reach(self) -> None:
        """See `Database.reach`."""
        trouble, is_named = self._cluster.trouble, self._endpoint.tls != "verify-ca"
        if trouble and (is_named or not isinstance(trouble, CertificateNameError)):
            raise trouble
        self._prove_identity()

    def _prove_identity(self) -> None:
        """Refuse a server whose certificate is for other names, where the name is verified."""
        host, certified = self._endpoint.host, self._cluster.certified
        is_named = certified is None or host in certified
        if self._endpoint.tls == "verify-full" and not is_named:
            raise CertificateNameError(
                f"The certificate of {self._endpoint} does not prove that it is {host}.",
                "Connect to the cluster's own endpoint name.",
            )

    def try_login(self, login: Login, database: str | None = None) -> bool:
        """See `Database.try_login`."""
        answer = self._knock(login, database or self._database)
        if answer.accepted or answer.password_refused:
            return answer.accepted
        raise login_error(answer, self._endpoint, login.username, database or self._database)

    def try_master(self) -> LoginResult:
        """See `Database.try_master`."""
        try:
            return self._knock(self._master, self._database)
        except AuthenticationMethodError as error:
            raise token_login_error(self._endpoint, self._master.username) from error

    def enter_as_master(self) -> LoginResult:
        """See `Database.enter_as_master`."""
        answer = self.try_master()
        elsewhere = any(
            self._knock(self._master, name).accepted for name in self._cluster.databases
        )
        if (
            answer.sqlstate != "3D000"
            and not answer.accepted
            and elsewhere
            and self._cluster.may_open
        ):
            self._cluster.closed.pop(self._database, None)
        return self.try_master()

    def has_password(self, login: Login) -> bool:
        """See `Database.has_password`."""
        self._enter()
        role = self._cluster.roles.get(login.username)
        return role is not None and role.password == login.secret

    def login_roles(self) -> list[str]:
        """See `Database.login_roles`."""
        self._enter()
        return sorted(name for name, role in self._cluster.roles.items() if role.can_login)

    def production_logins(self, *, keep: Collection[str]) -> list[str]:
        """See `Database.production_logins`."""
        return logins_to_revoke(self._customers_logins(), master=self._master.username, keep=keep)

    def revoke_production_logins(self, *, keep: Collection[str]) -> list[str]:
        """See `Database.revoke_production_logins`."""
        names = self.production_logins(keep=keep)
        closed = [name for name in names if self._may_alter(name)]
        for name in closed:
            self.statement(f'ALTER ROLE "{name}" NOLOGIN PASSWORD NULL')
            self._cluster.roles[name] = InMemoryRole(None, can_login=False)
        for name, role in self._cluster.roles.items():
            if not role.can_login and name not in keep and self._may_alter(name):
                role.password = None
        refuse_open([name for name in names if name not in closed])
        return closed

    def count_active(self, kinds: Collection[str]) -> Mapping[str, int]:
        """See `Database.count_active`."""
        self._enter()
        return {
            kind: count for kind, count in self._cluster.active.items() if count and kind in kinds
        }

    def quiesce(self, kinds: Collection[str]) -> list[Remaining]:
        """See `Database.quiesce`."""
        there = [kind for kind in kinds if self._cluster.active.get(kind) and kind not in REPORTED]
        self._enter()
        for kind in (kind for kind in there if kind not in self._cluster.unstoppable):
            self.statement(f"STOP {kind}")
            self._cluster.active[kind] = 0
        return [
            Remaining(kind, "the master may not")
            for kind in there
            if kind in self._cluster.unstoppable
        ]

    def ensure_users(
        self,
        application: Login,
        readonly: Login,
        trusted: Collection[str] = (),
        *,
        remaining_seconds: Callable[[], float] = lambda: inf,
    ) -> None:
        """See `Database.ensure_users`; there are no routines here, and nothing takes long."""
        del trusted, remaining_seconds
        check_users(self._master.username, application, readonly)
        self._enter()
        for login in (application, readonly):
            self._refuse_what_cannot_be_altered(login.username)
        users = (application, "write"), (readonly, "read")
        self.statement(
            f'CREATE ROLE "{application.username}" … "{readonly.username}" … in one transaction'
        )
        self._cluster.roles |= {login.username: InMemoryRole(login.secret) for login, _ in users}
        for name in self._cluster.databases:
            self.statement(f'GRANT … ON DATABASE "{name}" … in one transaction')
            self._cluster.rights |= {(login.username, name): right for login, right in users}

    def verify_users(
        self,
        application: Login,
        readonly: Login,
        trusted: Collection[str] = (),
        *,
        keep: Collection[str] = (),
    ) -> Verification:
        """See `Database.verify_users`; there are no routines here."""
        del trusted
        self._enter()
        proven = tuple(
            self._proven(login, name, right)
            for name in sorted(self._cluster.databases)
            for login, right in ((application, "write"), (readonly, "read"))
        )
        opened = self.revoke_production_logins(
            keep={*keep, application.username, readonly.username}
        )
        return Verification(proven, warnings=reopened_logins_warning(opened))

    def _enter(self) -> None:
        self._let_in(self._master, self._database)

    def _let_in(self, login: Login, database: str) -> None:
        answer = self._knock(login, database)
        if not answer.accepted:
            raise login_error(answer, self._endpoint, login.username, database)

    def _knock(self, login: Login, database: str) -> LoginResult:
        self.reach()
        role = self._cluster.roles.get(login.username)
        if role and role.by_token:
            raise AuthenticationMethodError(
                f"{login.username} is let in by a token.", "Take it out of rds_iam."
            )
        if role is None or role.password != login.secret or role.expired:
            return LoginResult(INVALID_PASSWORD, password_requested=True)
        sqlstate = self._refused_after_password(role, database) or SUCCESSFUL_COMPLETION
        return LoginResult(sqlstate, password_requested=True, password_verified=True)

    def _refused_after_password(self, role: InMemoryRole, database: str) -> str | None:
        if not role.can_login:
            return INVALID_AUTHORIZATION
        if role.full:
            return TOO_MANY_CONNECTIONS
        missing = None if database in self._cluster.databases else "3D000"
        return self._cluster.closed.get(database, missing)

    def _customers_logins(self) -> list[str]:
        roles = self._cluster.roles
        return [
            name
            for name in self.login_roles()
            if not (name.startswith("rds") and "SUPERUSER" in roles[name].attributes)
        ]

    def _may_alter(self, name: str) -> bool:
        role = self._cluster.roles[name]
        return role.alterable and "SUPERUSER" not in role.attributes

    def _refuse_what_cannot_be_altered(self, name: str) -> None:
        role = self._cluster.roles.get(name, InMemoryRole(None))
        refuse_attributes(name, role.attributes)
        if not role.alterable:
            raise privilege_error(
                "42501", self._endpoint, f"role {name} is not the master's to alter."
            )

    def _proven(self, login: Login, database: str, right: str) -> str:
        self._let_in(login, database)
        if self._cluster.rights.get((login.username, database)) != right:
            raise privilege_error(
                "42501", self._endpoint, f"{login.username} may not {right} in {database}."
            )
        return f"{login.username} may {right} in database {database}."
