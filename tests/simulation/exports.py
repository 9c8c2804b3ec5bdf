"""A trace as a real account tells it: the tables as `aws dynamodb scan` prints them, and
CloudTrail's records.
"""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from simulation.history import Called, Wrote
from tests.simulation.trace_builder import ACCOUNT, STAGE, TraceBuilder

_SERIALIZER = TypeSerializer()


def export(
    folder: Path, *traces: TraceBuilder, foreign: tuple[dict[str, Any], ...] = ()
) -> list[str]:
    """Write the three files; returns the arguments that name them."""
    entries = [entry for trace in traces for entry in trace.entries]
    writes = [entry for entry in entries if isinstance(entry, Wrote)]
    tables = {
        name: {write.key: write.item for write in writes if write.table == name}
        for name in ("state", "audit")
    }
    for name, items in tables.items():
        (folder / f"{name}.json").write_text(
            json.dumps({"Items": [marshalled(item) for item in items.values()]})
        )
    records = [record(entry) for entry in entries if isinstance(entry, Called)]
    (folder / "trail.json").write_text(json.dumps({"Records": [*records, *foreign]}))
    names = {"--state": "state", "--audit": "audit", "--cloudtrail": "trail"}
    return [
        "--stage",
        STAGE,
        *(
            part
            for option, name in names.items()
            for part in (option, str(folder / f"{name}.json"))
        ),
    ]


def marshalled(item: dict[str, Any]) -> dict[str, Any]:
    """Give an item in DynamoDB's JSON."""
    plain = json.loads(json.dumps(item), parse_float=Decimal)
    return {name: _SERIALIZER.serialize(value) for name, value in plain.items()}


def record(call: Called) -> dict[str, Any]:
    """Give a call as CloudTrail records it: whole seconds, names lowered, wrapping members and
    reads' answers gone.
    """
    function = f"aurora-restore-{STAGE}-{call.by}"
    inner = next(iter(call.answer.values()), None) if len(call.answer) == 1 else None
    return {
        "eventVersion": "1.08",
        "eventTime": call.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "rds.amazonaws.com",
        "eventName": call.action,
        "awsRegion": call.region,
        "requestParameters": lowered(dict(call.parameters)),
        "responseElements": lowered(inner) if isinstance(inner, dict) else None,
        **({"errorCode": call.error} if call.error else {}),
        "userIdentity": {
            "type": "AssumedRole",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{function}/{function}",
            "sessionContext": {"sessionIssuer": {"type": "Role", "userName": function}},
        },
    }


def lowered(value: Any) -> Any:
    """Lower the first letters of names as CloudTrail does: `DBCluster...` to `dBCluster...`,
    `TagList` to `tagList`.
    """
    if isinstance(value, dict):
        return {
            re.sub("^.", lambda first: first[0].lower(), key): lowered(part)
            for key, part in value.items()
        }
    return [lowered(part) for part in value] if isinstance(value, list) else value
