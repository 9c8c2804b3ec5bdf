"""Which role names mean what: RDS's own, reserved, possible users.

The in-memory twin judges by the same rules.
"""

from collections.abc import Collection

from chalicelib.database import scram
from chalicelib.database.endpoint import Login
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.limits import listed

RDS_LOGIN_ROLES = frozenset(
    {"rdsadmin", "rdsrepladmin", "rdstopmgr", "rdsproxyadmin", "rdswriteforwarduser"}
)
"""Roles of RDS itself that log in; only AWS knows their passwords (Aurora and RDS Proxy guides).

Exact names: a production role called `rds_reports` is not RDS's, and its password must not open the
copy.
"""
RDS_GROUP_ROLES = frozenset(
    {
        "rds_superuser",
        "rds_password",
        "rds_replication",
        "rds_iam",
        "rds_ad",
        "rds_extension",
        "rds_reserved",
    }
)
"""Roles of RDS that cannot log in and have no password (RDS and Aurora guides, "PostgreSQL roles")."""
NAME_BYTES_MAX = 63  # NAMEDATALEN - 1: PostgreSQL cuts longer names, and two of them may become one
RESERVED = frozenset({"public", "none"})  # refused by CREATE ROLE even in quotes


def is_system_role(name: str) -> bool:
    """Tell whether PostgreSQL reserves `name` (pg_*) or RDS is known to use it."""
    return name.startswith("pg_") or name in RDS_LOGIN_ROLES


def logins_to_revoke(logins: Collection[str], *, master: str, keep: Collection[str]) -> list[str]:
    """Return, sorted, those of the roles that can log in whose production password must stop working."""
    return sorted(
        name for name in logins if name != master and name not in keep and not is_system_role(name)
    )


def refuse_open(names: Collection[str]) -> None:
    """Refuse a copy that these roles can still log in to with production's passwords."""
    if names:
        raise RefusedError(
            f"Production's passwords still open the copy for {listed(sorted(names))}: the master "
            "may not alter them.",
            "Name those that may log in to the copy in KEEP_LOGIN_ROLES. Or run GRANT <role> TO "
            "<master user> WITH ADMIN OPTION in production, which helps with later snapshots only.",
        )


def refuse_attributes(name: str, attributes: Collection[str]) -> None:
    """Refuse a user that production made more than the master user can take back."""
    if attributes:
        raise RefusedError(
            f"User {name} came with production as {' '.join(attributes)}, which the master user "
            "cannot take away.",
            "Name another user in the application secret.",
        )


def check_users(master: str, application: Login, readonly: Login) -> None:
    """Refuse names and passwords that cannot be, or must not be, the application's and the read-only user's."""
    if application.username == readonly.username:
        raise RefusedError(
            f"The application and the read-only user have the same name, {application.username}.",
            "Give them two names in the application secret.",
        )
    for login in (application, readonly):
        _check_name(login.username, master)
        check_password(login)


def check_password(login: Login) -> None:
    """Refuse a password that not every PostgreSQL driver sends the same way."""
    if not scram.is_plain(login.secret):
        raise RefusedError(
            f"The password of user {login.username} is empty or has characters outside printable "
            "ASCII.",
            "Choose one of printable ASCII characters: drivers differ in how they prepare others "
            "(SASLprep).",
        )


def _check_name(name: str, master: str) -> None:
    if name == master:
        raise RefusedError(
            f"User {name} is the master user.", "Name another user in the application secret."
        )
    if name.lower().startswith(("pg_", "rds")) or name in RESERVED:
        raise RefusedError(
            f"The user name {name} belongs to PostgreSQL or to RDS (pg_*, rds*, public, none).",
            "Name another user in the application secret.",
        )
    if not name.isprintable() or not 1 <= len(name.encode()) <= NAME_BYTES_MAX:
        raise RefusedError(
            f"The user name {name!r} is empty, longer than {NAME_BYTES_MAX} bytes or has "
            "unprintable characters.",
            "Name another user in the application secret.",
        )
