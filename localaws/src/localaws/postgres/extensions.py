"""Extensions that a server does not have, and the packages of Debian's that bring them."""

from typing import Final

OWN_PACKAGES: Final = {
    "hll",
    "hypopg",
    "ip4r",
    "mysql_fdw",
    "orafce",
    "pg_hint_plan",
    "pgaudit",
    "pglogical",
    "pgrouting",
    "pgtap",
    "plpgsql_check",
    "prefix",
    "rum",
    "semver",
    "tds_fdw",
}
"""Extensions in a package of their own, postgresql-<major>-<name>; most others are contrib."""

RENAMED: Final = {
    "pg_cron": "cron",
    "pg_partman": "partman",
    "pg_repack": "repack",
    "vector": "pgvector",
}
LANGUAGES: Final = {"plperl": "plperl", "plpython3": "plpython3", "pltcl": "pltcl"}
POSTGIS: Final = ("postgis", "address_standardizer")
OF_AWS: Final = {
    "apg_plan_mgmt",
    "aurora_stat_utils",
    "aws_commons",
    "aws_lambda",
    "aws_ml",
    "aws_s3",
    "pg_tle",
    "rds_activity_stream",
    "rds_tools",
}


def debian_package(extension: str, major: str) -> str | None:
    """Return the package that brings an extension; None for those that AWS alone has."""
    if extension in OF_AWS:
        return None
    if extension.startswith(POSTGIS):
        return f"postgresql-{major}-postgis-3"
    if language := LANGUAGES.get(extension.removesuffix("u")):
        return f"postgresql-{language}-{major}"
    if extension in OWN_PACKAGES or extension in RENAMED:
        return f"postgresql-{major}-{RENAMED.get(extension, extension).replace('_', '-')}"
    return f"postgresql-{major}"
