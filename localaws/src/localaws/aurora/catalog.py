"""What a region offers: engine versions and instance classes."""

from localaws.aurora.errors import invalid_combination, invalid_value
from localaws.aurora.listing import page, read_filters
from localaws.aurora.names import engine, only
from localaws.aurora.state import Answer, Request
from localaws.aurora.support import Support

ENGINE = "aurora-postgresql"
VERSIONS = ("15.13", "15.15", "16.9", "16.10", "16.11", "17.5", "17.7")
DEPRECATED_VERSIONS = ("15.8", "16.3", "16.4", "16.6", "16.8", "17.4")
"""Minor versions of which no new cluster is made.

Those there are run on, and snapshots are restored.
"""

DEFAULT_VERSION = "16.9"  # whichever it is on AWS: Aurora moves it about twice a year
LOG_EXPORTS = ("iam-db-auth-error", "instance", "postgresql")
LICENSE = "postgresql-license"
_ANY_MAJOR = (15, 16, 17)
_CLASSES: dict[str, tuple[int, ...]] = {
    "db.serverless": _ANY_MAJOR,
    "db.t3.medium": _ANY_MAJOR,
    "db.t4g.medium": _ANY_MAJOR,
    "db.t4g.large": _ANY_MAJOR,
    "db.r5.large": _ANY_MAJOR,
    "db.r5.xlarge": _ANY_MAJOR,
    "db.r6g.large": _ANY_MAJOR,
    "db.r6g.xlarge": _ANY_MAJOR,
    "db.r7g.large": _ANY_MAJOR,
    "db.r7g.xlarge": _ANY_MAJOR,
    "db.r8g.large": (16, 17),
    "db.r4.large": (15,),
}


def version_key(version: str) -> tuple[int, ...]:
    """Return a version as numbers, so that 16.10 is later than 16.9."""
    return tuple(int(part) for part in version.split("."))


def major(version: str) -> int:
    """Return the major version."""
    return version_key(version)[0]


def family(version: str) -> str:
    """Return the parameter group family of a version."""
    return f"{ENGINE}{major(version)}"


def newest_version(server_major: int) -> str:
    """Return the newest version that a server of a major version can stand for."""
    return max((known for known in VERSIONS if major(known) <= server_major), key=version_key)


def known_version(version: str, *, deprecated: bool = False) -> str:
    """Return a version that the region offers; a bare major number stands for its newest one.

    `deprecated` ones are offered to snapshots only.
    """
    if deprecated and version in DEPRECATED_VERSIONS:
        return version
    offered = [known for known in VERSIONS if version in {known, known.split(".", maxsplit=1)[0]}]
    if not offered:
        raise invalid_combination(f"There is no version {version} of {ENGINE} in this region.")
    return max(offered, key=version_key)


def orderable_class(instance_class: str, version: str) -> str:
    """Return an instance class that can be ordered for an engine version, or refuse it."""
    if not instance_class.startswith("db."):
        raise invalid_value(f"{instance_class!r} is not a DB instance class.")
    if major(version) not in _CLASSES.get(instance_class, ()):
        raise invalid_combination(
            f"RDS has no DB instance with DBInstanceClass={instance_class}, Engine={ENGINE}, "
            f"EngineVersion={version}, LicenseModel={LICENSE}."
        )
    return instance_class


def describe_db_engine_versions(request: Request) -> Answer:
    """List versions of Aurora PostgreSQL, with `IncludeAll` those that are deprecated, too.

    An engine or a version that does not exist gives an empty list.
    """
    read_filters(
        request,
        modelled=set(),
        documented=("db-parameter-group-family", "engine", "engine-version", "status"),
    )
    listed = VERSIONS + (DEPRECATED_VERSIONS if request.get("IncludeAll", False) else ())
    chosen = [version for version in listed if _version_asked_for(request, version)]
    return page(request, "DBEngineVersions", chosen, _sort_key, _show_version)


def _sort_key(version: str) -> str:
    return ".".join(f"{part:04}" for part in version_key(version))


def _version_asked_for(request: Request, version: str) -> bool:
    return (
        request.get("Engine", ENGINE) == ENGINE
        and request.get("EngineVersion", version) in {version, str(major(version))}
        and request.get("DBParameterGroupFamily", family(version)) == family(version)
        and (not request.get("DefaultOnly", False) or version == DEFAULT_VERSION)
    )


def _show_version(version: str) -> Answer:
    return {
        "Engine": ENGINE,
        "MajorEngineVersion": str(major(version)),
        "EngineVersion": version,
        "DBParameterGroupFamily": family(version),
        "DBEngineDescription": "Aurora PostgreSQL",
        "DBEngineVersionDescription": f"Aurora PostgreSQL (compatible with PostgreSQL {version})",
        "ExportableLogTypes": list(LOG_EXPORTS),
        "SupportedEngineModes": ["provisioned"],
        "ValidUpgradeTarget": [_show_upgrade(version, target) for target in _upgrades(version)],
        "Status": "deprecated" if version in DEPRECATED_VERSIONS else "available",
    }


def describe_db_major_engine_versions(request: Request) -> Answer:
    """List the major versions with the ends of their support."""
    support = request.state.support
    chosen = [
        number
        for number in sorted(support)
        if request.get("Engine", ENGINE) == ENGINE
        and request.get("MajorEngineVersion", str(number)) == str(number)
    ]
    return page(
        request,
        "DBMajorEngineVersions",
        chosen,
        str,
        lambda number: _show_major(number, support[number]),
    )


def _show_major(number: int, support: Support) -> Answer:
    return {
        "Engine": ENGINE,
        "MajorEngineVersion": str(number),
        "SupportedEngineLifecycles": [
            {
                "LifecycleSupportName": name,
                "LifecycleSupportStartDate": begins,
                "LifecycleSupportEndDate": ends,
            }
            for name, begins, ends in (
                ("open-source-rds-standard-support", support.begins, support.standard_ends),
                ("open-source-rds-extended-support", support.standard_ends, support.extended_ends),
            )
        ],
    }


def _upgrades(version: str) -> list[str]:
    """Return the later versions that are not deprecated, of this and of later majors."""
    later = [target for target in VERSIONS if version_key(target) > version_key(version)]
    return sorted(later, key=version_key)


def _show_upgrade(version: str, target: str) -> Answer:
    return {
        "Engine": ENGINE,
        "EngineVersion": target,
        "Description": f"Aurora PostgreSQL (compatible with PostgreSQL {target})",
        "AutoUpgrade": False,
        "IsMajorVersionUpgrade": major(target) != major(version),
        "SupportedEngineModes": ["provisioned"],
    }


def describe_orderable_db_instance_options(request: Request) -> Answer:
    """List instance classes that can be ordered for a version."""
    engine(request)
    only(request, "Vpc", True)
    read_filters(request, modelled=set())
    chosen = [
        (name, version)
        for name, majors in _CLASSES.items()
        for version in VERSIONS
        if major(version) in majors
    ]
    wanted = [
        option
        for option in chosen
        if request.get("DBInstanceClass", option[0]) == option[0]
        and request.get("EngineVersion", option[1]) == option[1]
    ]
    zones = [{"Name": f"{request.region.name}{letter}"} for letter in "abc"]
    return page(
        request,
        "OrderableDBInstanceOptions",
        wanted,
        " ".join,
        lambda option: _show_option(*option) | {"AvailabilityZones": zones},
    )


def _show_option(instance_class: str, version: str) -> Answer:
    return {
        "Engine": ENGINE,
        "EngineVersion": version,
        "DBInstanceClass": instance_class,
        "LicenseModel": LICENSE,
        "MultiAZCapable": False,
        "ReadReplicaCapable": False,
        "Vpc": True,
        "SupportsStorageEncryption": True,
        "StorageType": "aurora",
        "SupportedEngineModes": ["provisioned"],
        "SupportsClusters": True,
    }
