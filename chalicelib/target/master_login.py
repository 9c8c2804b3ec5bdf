"""Decides what to do where the master user cannot log in after its password was set.

PostgreSQL has one code for a wrong and for an expired password (28P01), and one for a full server
and for the CONNECTION LIMIT of a role or a database (53300). Only their texts differ, and servers
translate these, so they are distinguished by time. The cause is in production, and nobody can
correct it on the copy: the master user would have to log in for that.
"""

from datetime import datetime, timedelta

from chalicelib.database.endpoint import Endpoint
from chalicelib.database.errors import (
    INVALID_AUTHORIZATION,
    INVALID_PASSWORD,
    TOO_MANY_CONNECTIONS,
    LoginResult,
    login_error,
)
from chalicelib.database.names import quote_identifier
from chalicelib.flow.errors import STATE_FAULT_MAX, RefusedError, Retry
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Wait

# Only an event reports a failed reset (0067), and it may be lost.
SET_AGAIN_AFTER = timedelta(minutes=5)
SETTINGS_MAX = 2  # after that, the password is not the reason


def wait_until_accepted(
    operation: Operation,
    answer: LoginResult,
    *,
    place: Endpoint,
    username: str,
    database: str,
    now: datetime,
) -> Wait | None:
    """Give the wait after a failed login; None when the password has to be set again.

    Raises RefusedError for a permanent failure, and TransientError while the server is unavailable.
    """
    if answer.sqlstate == INVALID_PASSWORD:
        return _until_it_is_set(operation, place, username, now)
    if answer.password_correct and answer.sqlstate == TOO_MANY_CONNECTIONS:
        return _until_it_has_room(operation, f"PostgreSQL at {place}", username, database, now)
    if answer.password_correct and answer.sqlstate == INVALID_AUTHORIZATION:
        raise RefusedError(
            f"User {username} may not log in to PostgreSQL at {place}: its password is right, and "
            "its role is NOLOGIN.",
            f"In production, run ALTER ROLE {quote_identifier(username)} LOGIN.",
            retry=Retry.LATER_SNAPSHOT,
        )
    raise login_error(answer, place, username, database)


def is_being_switched(operation: Operation, now: datetime) -> bool:
    """Tell whether Aurora may still be switching the master user to a password."""
    facts = operation.facts
    since = facts.attempts.password_set_at
    return bool(facts.users.master_asked_for_token and since and now - since <= SET_AGAIN_AFTER)


def _until_it_is_set(
    operation: Operation, place: Endpoint, username: str, now: datetime
) -> Wait | None:
    facts = operation.facts
    if facts.attempts.password_set_at and now - facts.attempts.password_set_at <= SET_AGAIN_AFTER:
        interval = operation.plan.target.restore_check_interval
        return Wait("The database does not accept the new master password yet.", interval)
    if facts.attempts.passwords_set < SETTINGS_MAX:
        return None
    raise RefusedError(
        f"PostgreSQL at {place} refuses the password of user {username}, which Aurora was asked to "
        f"set {facts.attempts.passwords_set} times and does not show as pending.",
        "The password of that user has probably expired: in production, run ALTER ROLE "
        f"{quote_identifier(username)} VALID UNTIL 'infinity'. If the cluster's events have "
        "RDS-EVENT-0067, Aurora could not set it, and that event says why.",
        retry=Retry.LATER_SNAPSHOT,
    )


def _until_it_has_room(
    operation: Operation, server: str, username: str, database: str, now: datetime
) -> Wait:
    since = operation.state_fault_since or now
    if now - since < STATE_FAULT_MAX:
        return Wait(
            f"{server} has no connection for user {username} now "
            f"(SQLSTATE {TOO_MANY_CONNECTIONS}).",
            operation.plan.target.restore_check_interval,
            trouble=True,
            state_fault_since=since,
        )
    minutes = STATE_FAULT_MAX // timedelta(minutes=1)
    raise RefusedError(
        f"{server} knows the password of user {username} and had no connection for it for "
        f"{minutes} minutes (SQLSTATE {TOO_MANY_CONNECTIONS}).",
        f"Probably production limits it: there, run ALTER ROLE {quote_identifier(username)} "
        f"CONNECTION LIMIT -1 and ALTER DATABASE {quote_identifier(database)} CONNECTION LIMIT -1. "
        "If other clients fill the new cluster, keep them away until it is set up.",
        retry=Retry.RERUN if operation.keeps_cluster else Retry.LATER_SNAPSHOT,
    )
