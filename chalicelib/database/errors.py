"""What PostgreSQL's error codes mean to an operation: wait, or give up with a sentence.

Any other code is a bug. Codes are SQLSTATEs (PostgreSQL documentation, appendix A); texts are never
matched, because servers translate them.
"""

from dataclasses import dataclass

from chalicelib.database.endpoint import Endpoint
from chalicelib.database.names import quote_identifier
from chalicelib.flow.errors import RefusedError, Retry, TransientError

SUCCESSFUL_COMPLETION = "00000"
# The password is wrong, or the role has none, or its VALID UNTIL has passed.
INVALID_PASSWORD = "28P01"  # noqa: S105 (a code)
INVALID_AUTHORIZATION = "28000"
# No connection is left in the server, or by the CONNECTION LIMIT of the role or the database.
TOO_MANY_CONNECTIONS = "53300"
PASSWORD_CODES = frozenset({INVALID_PASSWORD, INVALID_AUTHORIZATION})
BUSY_CODES = {
    "40001": "a concurrent transaction changed the same rows",
    "40P01": "a deadlock with another session",
    "55P03": "a lock that another session holds",
    "55006": "an object that another session uses",
    "57014": "a statement that ran out of time",
    "25P03": "a transaction that idled too long",
    "42710": "a role that somebody created at the same moment",
    "23505": "a catalogue row that somebody wrote at the same moment",
    # "tuple concurrently updated" has no code of its own
    "XX000": "a catalogue row that somebody changed at the same moment",
}
# Shut down, crashed, starting up, idle too long; read-only, because the writer is elsewhere.
AWAY_CODES = frozenset({"57P01", "57P02", "57P03", "57P05", "25006"})
# Connection exceptions, insufficient resources, errors of the system under the server.
AWAY_CLASSES = frozenset({"08", "53", "58"})
LACKING_REMEDIES = {
    "42501": (
        "In production, make the master user a member of rds_superuser, and of the role named."
    ),
    "22021": (
        "In production, run ALTER ROLE … RENAME TO for the role whose name is no text in this "
        "encoding."
    ),
    "0LP01": (
        "In production, revoke the master user's role from the role named: membership cannot go "
        "both ways."
    ),
}


@dataclass(frozen=True)
class LoginResult:
    """How the server answered a login: its SQLSTATE, and how far the password came.

    `password_requested` says that the server wanted a password, `password_verified` that it then
    said that the password is right. What it says after that may come from production's own code,
    which can raise any SQLSTATE at a login.
    """

    sqlstate: str
    password_requested: bool
    password_verified: bool = False

    @property
    def accepted(self) -> bool:
        """The name and the password opened the database."""
        return self.sqlstate == SUCCESSFUL_COMPLETION

    @property
    def password_correct(self) -> bool:
        """The password is the role's: the server let it in, or turned it away only later."""
        return self.accepted or self.password_verified

    @property
    def password_refused(self) -> bool:
        """The password is wrong, or the role has none, may not log in or does not exist."""
        codes = {INVALID_AUTHORIZATION} if self.password_verified else PASSWORD_CODES
        return self.password_requested and self.sqlstate in codes


class AuthenticationMethodError(RefusedError):
    """The server asks for a token, as RDS does of members of rds_iam and rds_ad."""


class CertificateNameError(RefusedError):
    """The server's certificate is valid, and has another name than the one that was asked for."""


class DatabaseUnavailableError(TransientError):
    """The server cannot be reached now: no address, no answer, starting up, out of connections."""


class DatabaseBusyError(TransientError):
    """The server is there, and another session is in the way: a lock, a deadlock, a change."""


def session_error(sqlstate: str | None, endpoint: Endpoint, detail: str) -> Exception | None:
    """Return what a statement's error code means; None for a code that only a bug of ours brings.

    Without a code the connection was lost: no message of the server came that could have one.
    """
    if sqlstate is None or _is_away(sqlstate):
        return DatabaseUnavailableError(
            f"PostgreSQL at {endpoint} went away ({sqlstate or 'connection lost'})."
        )
    if sqlstate in BUSY_CODES:
        return DatabaseBusyError(
            f"PostgreSQL at {endpoint} is in the way of the set-up: {BUSY_CODES[sqlstate]}."
        )
    return privilege_error(sqlstate, endpoint, detail) if sqlstate in LACKING_REMEDIES else None


def production_code_error(
    sqlstate: str | None, endpoint: Endpoint, context: str | None
) -> RefusedError | None:
    """Return the refusal for an error that came from a function of production's, else None.

    An event trigger may raise whatever it likes, on GRANT as on ALTER ROLE. The error's CONTEXT may
    be translated, but it is there for all code that the server ran, our own blocks among it. Only
    the function and its line are told: a message may quote whatever the function works with.
    """
    if not context or "inline_code_block" in context:
        return None
    where = context.splitlines()[-1]
    return RefusedError(
        f"Code of production's own stopped the set-up of users at {endpoint}, with SQLSTATE "
        f"{sqlstate}. It ran in: {where}.",
        "It is probably an event trigger; the PostgreSQL log of the cluster has its message. In "
        "production, disable it, or let it ignore the application_name aurora-restore.",
        retry=Retry.LATER_SNAPSHOT,
    )


def privilege_error(sqlstate: str, endpoint: Endpoint, detail: str) -> RefusedError:
    """Return the refusal for a right that the master user lacks, with the server's `detail`."""
    reason = f"PostgreSQL at {endpoint} denies what setting up users needs: {detail}"
    return RefusedError(reason, LACKING_REMEDIES[sqlstate], retry=Retry.LATER_SNAPSHOT)


def token_login_error(endpoint: Endpoint, username: str) -> AuthenticationMethodError:
    """Return the refusal for a master user of whom the server wants a token."""
    return AuthenticationMethodError(
        f"PostgreSQL at {endpoint} asks the master user {username} for another proof than a "
        "password.",
        f"In production, run REVOKE rds_iam, rds_ad FROM {quote_identifier(username)}, or modify "
        "the cluster so that the master user's authentication type is password.",
        retry=Retry.LATER_SNAPSHOT,
    )


def login_error(answer: LoginResult, endpoint: Endpoint, username: str, database: str) -> Exception:
    """Return what a failed connection means, by the server's answer to the next login."""
    if answer.accepted:
        return DatabaseUnavailableError(
            f"PostgreSQL at {endpoint} dropped a connection and took the next one."
        )
    if _is_away(answer.sqlstate):
        return DatabaseUnavailableError(
            f"PostgreSQL at {endpoint} takes no connections now (SQLSTATE {answer.sqlstate})."
        )
    if answer.password_refused:
        return RefusedError(
            f"PostgreSQL at {endpoint} refuses the password of user {username}.",
            "Somebody changed it there or in the secret since it was set; setup-db-users sets the "
            "secret's.",
        )
    return _refusal(answer.sqlstate, endpoint, username, database)


def _refusal(sqlstate: str, endpoint: Endpoint, username: str, database: str) -> RefusedError:
    """Return the sentences for a server that turns a user away, but not for the password."""
    user, name = quote_identifier(username), quote_identifier(database)
    known = {
        "3D000": (
            f"There is no database {database} on {endpoint}.",
            "Put the name of a database of production into the master secret's field database.",
        ),
        "42501": (
            f"User {username} may not connect to database {database} on {endpoint}.",
            f"In production, run GRANT CONNECT ON DATABASE {name} TO {user}.",
        ),
        "55000": (
            f"Database {database} on {endpoint} takes no connections.",
            f"In production, run ALTER DATABASE {name} ALLOW_CONNECTIONS true.",
        ),
        "28000": (
            f"PostgreSQL at {endpoint} turns user {username} away before asking for a password.",
            "The server may insist on TLS (rds.force_ssl): set DB_TLS=verify-full.",
        ),
    }
    other = (
        f"PostgreSQL at {endpoint} turns user {username} away with SQLSTATE {sqlstate}.",
        "The PostgreSQL log of the cluster has the reason.",
    )
    retry = Retry.LATER_SNAPSHOT if sqlstate in {"42501", "55000"} else Retry.RERUN
    return RefusedError(*known.get(sqlstate, other), retry=retry)


def _is_away(sqlstate: str) -> bool:
    return sqlstate in AWAY_CODES or sqlstate[:2] in AWAY_CLASSES
