"""The roles of RDS itself and of PostgreSQL, and which logins are production's."""

from collections.abc import Collection

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
"""Roles of RDS that cannot log in and have no password (Aurora guide, "PostgreSQL roles")."""


def is_system_role(name: str) -> bool:
    """Tell whether PostgreSQL reserves `name` (pg_*) or RDS is known to use it."""
    return name.startswith("pg_") or name in RDS_LOGIN_ROLES


def logins_to_revoke(logins: Collection[str], *, master: str, keep: Collection[str]) -> list[str]:
    """Return, sorted, those of the login roles whose production password must stop working."""
    return sorted(
        name for name in logins if name != master and name not in keep and not is_system_role(name)
    )
