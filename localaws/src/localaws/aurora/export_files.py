"""What an export leaves in its bucket: Parquet files, and two pages of JSON that describe them."""

import json
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from localaws.aurora.data import ExportedTable
from localaws.aurora.records import ExportTask
from localaws.aurora.state import AuroraState


def write_files(state: AuroraState, task: ExportTask, ended_at: datetime) -> int:
    """Write the task's tables to its bucket; return their bytes.

    Nothing is written in a world whose clusters have no data. Raises what data planes raise.
    """
    with tempfile.TemporaryDirectory(prefix="export-") as name:
        folder = Path(name)
        tables = state.data.export_snapshot(task.data_key, folder, task.only)
        if tables is None:
            return 0
        for table in tables:
            for file in table.files:
                _write(state, task, file, (folder / file).read_bytes())
    total = sum(table.size for table in tables)
    _write_json(state, task, f"export_info_{task.identifier}.json", _task(task, ended_at, total))
    if tables:
        span = f"from_1_to_{len(tables)}"
        name = f"export_tables_info_{task.identifier}_{span}.json"
        _write_json(state, task, name, {"perTableStatus": _tables(tables)})
    return total


def _task(task: ExportTask, ended_at: datetime, total: int) -> dict[str, Any]:
    where = task.destination
    return {
        "exportTaskIdentifier": task.identifier,
        "sourceArn": str(task.snapshot_arn),
        "exportOnly": task.only,
        "snapshotTime": _moment(task.snapshot_time),
        "taskStartTime": _moment(task.started_at),
        "taskEndTime": _moment(ended_at),
        "s3Bucket": where.bucket,
        "s3Prefix": task.prefix,
        "exportedFilesPath": where.folder,
        "iamRoleArn": where.role_arn,
        "kmsKeyId": where.key_arn,
        "status": "COMPLETE",
        "percentProgress": 100,
        "totalExportedDataInGB": total / 2**30,
    }


def _tables(tables: Sequence[ExportedTable]) -> list[dict[str, Any]]:
    return [
        {
            "target": table.target,
            "status": "COMPLETE",
            "sizeGB": table.size / 2**30,
            "schemaMetadata": {"originalTypeMappings": _columns(table)},
        }
        for table in tables
    ]


def _columns(table: ExportedTable) -> list[dict[str, str]]:
    return [
        {"columnName": name, "originalType": original, "exportedType": exported}
        for name, original, exported in table.columns
    ]


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _write(state: AuroraState, task: ExportTask, name: str, content: bytes) -> None:
    state.exports.write(task.destination, name, content)


def _write_json(state: AuroraState, task: ExportTask, name: str, content: dict[str, Any]) -> None:
    _write(state, task, name, json.dumps(content, indent=1).encode())
