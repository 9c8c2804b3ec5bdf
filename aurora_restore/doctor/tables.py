"""The two tables: shaped as the code reads them, recoverable, and the trail expiring."""

from collections.abc import Iterator

from aurora_restore.doctor.stacks import deploy, missing_advice
from aurora_restore.doctor.stage_view import StageView
from aurora_restore.documents import Described
from aurora_restore.findings import Finding, failed, ok, warning
from chalicelib.records.store import INDEXES, KEYS, TableName

EXPIRY = "expires_at"  # of a row of the trail


def tables(view: StageView) -> Iterator[Finding]:
    """Look at both tables."""
    yield from _table(view, "state", view.stage.variables["STATE_TABLE_NAME"])
    yield from _table(view, "audit", view.stage.variables["AUDIT_TABLE_NAME"])


def _table(view: StageView, which: TableName, name: str) -> Iterator[Finding]:
    found = view.find("dynamodb", "describe_table", TableName=name)
    if found is None:
        yield failed(f"There is no table {name}.", missing_advice(view))
        return
    table = found["Table"]
    yield _shape(view, which, table)
    if table["TableStatus"] not in ("ACTIVE", "UPDATING"):
        yield failed(
            f"The table {name} is {table['TableStatus']}.",
            "Wait until it is ACTIVE, or restore it.",
        )
    if not _is_recoverable(view, name):
        yield warning(
            f"The table {name} has no point-in-time recovery.",
            f"aws dynamodb update-continuous-backups --region {view.stage.region} --table-name "
            f"{name} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true",
        )
    if which == "audit" and not _expires(view, name):
        yield warning(
            f"Rows of the table {name} do not expire by {EXPIRY}.",
            f"aws dynamodb update-time-to-live --region {view.stage.region} --table-name {name} "
            f"--time-to-live-specification Enabled=true,AttributeName={EXPIRY}",
        )
    if view.stage.variables.get("PROTECT_TABLES") == "true" and not table.get(
        "DeletionProtectionEnabled"
    ):
        yield warning(
            f"PROTECT_TABLES is true, but the table {name} can be deleted.",
            f"aws dynamodb update-table --region {view.stage.region} --table-name {name} "
            "--deletion-protection-enabled",
        )


def _shape(view: StageView, which: TableName, table: Described) -> Finding:
    """Hold the keys of a table and of its indexes against those that the code reads by."""
    indexes = {index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes", [])}
    needed = {
        name: [hash_key, range_key]
        for name, (of, hash_key, range_key) in INDEXES.items()
        if of == which
    }
    differ = [
        name
        for name, keys in needed.items()
        if name not in indexes
        or _keys(indexes[name]) != keys
        or indexes[name]["Projection"]["ProjectionType"] != "ALL"
    ]
    if _keys(table) != [KEYS[which]]:
        differ.insert(0, f"its key, which should be {KEYS[which]}")
    if not differ:
        return ok(f"{table['TableName']}: its key and indexes are as they should be.")
    return failed(
        f"The table {table['TableName']} differs from what the code expects in "
        f"{', '.join(differ)}.",
        f"{deploy(view)} If it is somebody else's table, name another in .chalice/config.json.",
    )


def _keys(keyed: Described) -> list[str]:
    """Give the attributes of a key, the hash key first."""
    ordered = sorted(
        keyed["KeySchema"], key=lambda key: str(key["KeyType"])
    )  # HASH comes before RANGE
    return [str(key["AttributeName"]) for key in ordered]


def _is_recoverable(view: StageView, name: str) -> bool:
    found = view.service("dynamodb").call("describe_continuous_backups", TableName=name)
    recovery = found["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    return bool(recovery.get("PointInTimeRecoveryStatus") == "ENABLED")


def _expires(view: StageView, name: str) -> bool:
    found = view.service("dynamodb").call("describe_time_to_live", TableName=name)[
        "TimeToLiveDescription"
    ]
    return (
        found["TimeToLiveStatus"] in ("ENABLED", "ENABLING")
        and found.get("AttributeName") == EXPIRY
    )
