"""What PostgreSQL's error codes mean to an operation: wait, or give up with a sentence.

Anything else is a bug.

Codes are SQLSTATEs (PostgreSQL documentation, appendix A); texts are never matched, servers
translate them.
"""

from dataclasses import dataclass

from chalicelib.database.endpoint import Place
from chalicelib.flow.errors import RefusedError, Retry, TransientError

LET_IN = "00000"
PASSWORD_REFUSED = "28P01"  # noqa: S105 (a code) # wrong, or none stored, or one whose VALID UNTIL has passed
MAY_NOT_LOG_IN = "28000"
# no connection left in the server, or by the CONNECTION LIMIT of the role or the database
FULL = "53300"
PASSWORD_CODES = frozenset({PASSWORD_REFUSED, MAY_NOT_LOG_IN})
BUSY_CODES = {
    "40001": "a concurrent transaction changed the same rows",
    "40P01": "a deadlock with another session",
    "55P03": "a lock that another session holds",
    "55006": "an object that another session uses",
    "57014": "a statement that ran out of time",
    "25P03": "a transaction that idled too long",
    "42710": "a role that somebody created at the same moment",
    "23505": "a catalogue row that somebody wrote at the same moment",
    # "tuple concurrently updated" has no own code
    "XX000": "a catalogue row that somebody changed at the same moment",
}
AWAY_CODES = frozenset({"57P01", "57P02", "57P03", "57P05", "25006"})
"""Shut down, crashed, starting up, idle too long, read-only: the writer is elsewhere or not there yet."""
AWAY_CLASSES = frozenset(
    {"08", "53", "58"}
)  # connection trouble, out of connections or memory, the system under it
LACKING_REMEDIES = {
    "42501": "In production, make the master user a member of rds_superuser, and of the role "
    "named.",
    "22021": "In production, run ALTER ROLE … RENAME TO for the role whose name is no text in this "
    "encoding.",
    "0LP01": "In production, revoke the master user's role from the role named: membership cannot "
    "go both ways.",
}


@dataclass(frozen=True)
class Answer:
    """How the server answered a login: its SQLSTATE (00000 = let in), and how far the password came.

    `asked` says that the server wanted a password, `proven` that it then said that the password is
    right. What it says after that may be production's own code, which can raise any SQLSTATE at a
    login.
    """

    sqlstate: str
    asked: bool
    proven: bool = False

    @property
    def let_in(self) -> bool:
        """The name and the password opened the database."""
        return self.sqlstate == LET_IN

    @property
    def knows(self) -> bool:
        """The password is the role's: it opened the database, or the server turned the role away only after it."""
        return self.let_in or self.proven

    @property
    def refused(self) -> bool:
        """The password is wrong, or the role has none, may not log in or does not exist."""
        codes = {MAY_NOT_LOG_IN} if self.proven else PASSWORD_CODES
        return self.asked and self.sqlstate in codes


class OtherProofError(RefusedError):
    """The server asks for another proof than a password, as RDS does of members of rds_iam and rds_ad."""


class DatabaseUnavailableError(TransientError):
    """The server cannot be had now: no name, no answer, starting up, shutting down, out of connections."""


class DatabaseBusyError(TransientError):
    """The server is there, but somebody else is in the way: a lock, a deadlock, a concurrent change."""


def during_work(sqlstate: str | None, place: Place, detail: str) -> Exception | None:
    """Return what a statement's error code means; None for a code that only a bug of ours brings.

    No code at all is a connection lost on the way: then there is no server message to take one
    from.
    """
    if sqlstate is None or _is_away(sqlstate):
        return DatabaseUnavailableError(
            f"PostgreSQL at {place} went away ({sqlstate or 'connection lost'})."
        )
    if sqlstate in BUSY_CODES:
        return DatabaseBusyError(
            f"PostgreSQL at {place} is in the way of the set-up: {BUSY_CODES[sqlstate]}."
        )
    return denied(sqlstate, place, detail) if sqlstate in LACKING_REMEDIES else None


def stopped_by_code(sqlstate: str | None, place: Place, context: str | None) -> RefusedError | None:
    """Return the refusal for an error that came from a function of production's.

    None for one that did not.

    An event trigger may raise whatever it likes, on GRANT as on ALTER ROLE. What the server says of
    the place (its CONTEXT) may be translated, but it is there for all code that the server ran. Our
    own blocks are known by it. Of all that, only the function and its line are told: a message may
    quote whatever the function works with.
    """
    if not context or "inline_code_block" in context:
        return None
    where = context.splitlines()[-1]
    return RefusedError(
        f"Code of production's own stopped the set-up of users at {place}, with SQLSTATE "
        f"{sqlstate}. It ran in: {where}.",
        "It is probably an event trigger; the PostgreSQL log of the cluster has its message. In "
        "production, disable it, or let it ignore the application_name aurora-restore.",
        retry=Retry.LATER_SNAPSHOT,
    )


def denied(sqlstate: str, place: Place, detail: str) -> RefusedError:
    """Return the refusal for a right that the master user lacks.

    `detail` is the server's own sentence.
    """
    reason = f"PostgreSQL at {place} denies what setting up users needs: {detail}"
    return RefusedError(reason, LACKING_REMEDIES[sqlstate], retry=Retry.LATER_SNAPSHOT)


def without_password(place: Place, username: str) -> OtherProofError:
    """Return the refusal for a master user that is let in by a token, where Aurora cannot let it in otherwise."""
    return OtherProofError(
        f"PostgreSQL at {place} asks the master user {username} for another proof than a password.",
        f"In production, run REVOKE rds_iam, rds_ad FROM {username}, or modify the cluster so that "
        "the master user's authentication type is password.",
        retry=Retry.LATER_SNAPSHOT,
    )


def at_the_door(answer: Answer, place: Place, username: str, database: str) -> Exception:
    """Return what it means that psycopg2 got no connection and that the server then gave this answer."""
    if answer.let_in:
        return DatabaseUnavailableError(
            f"PostgreSQL at {place} dropped a connection and took the next one."
        )
    if _is_away(answer.sqlstate):
        return DatabaseUnavailableError(
            f"PostgreSQL at {place} takes no connections now (SQLSTATE {answer.sqlstate})."
        )
    if answer.refused:
        return RefusedError(
            f"PostgreSQL at {place} refuses the password of user {username}.",
            "Somebody changed it there or in the secret since it was set; setup-db-users sets the "
            "secret's.",
        )
    return _refusal(answer.sqlstate, place, username, database)


def _refusal(sqlstate: str, place: Place, username: str, database: str) -> RefusedError:
    """Return the sentences for a server that turns `username` away for another reason than the password."""
    known = {
        "3D000": (
            f"There is no database {database} on {place}.",
            (
                "Put the name of a database that production has into the master secret's field "
                "database."
            ),
        ),
        "42501": (
            f"User {username} may not connect to database {database} on {place}.",
            f"In production, run GRANT CONNECT ON DATABASE {database} TO {username}.",
        ),
        "55000": (
            f"Database {database} on {place} takes no connections.",
            f"In production, run ALTER DATABASE {database} ALLOW_CONNECTIONS true.",
        ),
        "28000": (
            f"PostgreSQL at {place} turns user {username} away before asking for a password.",
            "The server may insist on TLS (rds.force_ssl): set DB_TLS=verify-full.",
        ),
    }
    other = (
        f"PostgreSQL at {place} turns user {username} away with SQLSTATE {sqlstate}.",
        "The PostgreSQL log of the cluster tells why.",
    )
    retry = Retry.LATER_SNAPSHOT if sqlstate in {"42501", "55000"} else Retry.RERUN
    return RefusedError(*known.get(sqlstate, other), retry=retry)


def _is_away(sqlstate: str) -> bool:
    return sqlstate in AWAY_CODES or sqlstate[:2] in AWAY_CLASSES
