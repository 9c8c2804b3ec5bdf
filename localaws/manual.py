"""What can be done with the world once it runs: lines for a shell, and for everything that AWS has no word for."""

import json
import shlex
from typing import Any, Final

from localaws import names
from localaws.clients import local_environment
from localaws.passwords import APPLICATION

_OPERATION: Final = "<an id from the records>"
_ENDPOINT: Final = "DBClusters[0].Endpoint"
_PASSWORD: Final = (
    f"aws secretsmanager get-secret-value --secret-id {names.APP_SECRET} --query SecretString --output text"
    " | python3 -c 'import json, sys; print(json.load(sys.stdin)[\"app_password\"])'"
)


def manual(endpoint: str) -> str:
    """Return the page that is printed when the world is ready. It holds no password: its lines look them up."""
    night = f"{endpoint}/localaws/night?cluster={names.SOURCE_CLUSTER}&region={names.SOURCE_REGION}"
    exports = local_environment(endpoint, names.TARGET_REGION)
    lines = [
        f"\nThe local AWS listens at {endpoint}. In another terminal:\n",
        *(f"export {name}={shlex.quote(value)}" for name, value in exports.items()),
        "\n# a new night: Aurora takes production's automated snapshot, and events do the rest",
        f"curl -X POST {shlex.quote(night)}",
        "# the same because somebody asked; and stop it",
        _put_event("RestoreRequested", {"request_id": "release-test"}),
        _put_event("CancelRequested", {"operation_id": _OPERATION}),
        "# all records, and one of them",
        f"aws dynamodb scan --table-name {names.STATE_TABLE}",
        f"aws dynamodb get-item --table-name {names.STATE_TABLE} --key {_json({'operation_id': {'S': _OPERATION}})}",
        "# staging, as the application sees it",
        f"HOST=$(aws rds describe-db-clusters --output text --query '{_ENDPOINT}')",
        f'PGPASSWORD="$({_PASSWORD})" psql -h $HOST -p {names.TARGET_PORT} -U {APPLICATION} {names.DATABASE}\n',
    ]
    return "\n".join(lines)


def _put_event(kind: str, detail: dict[str, Any]) -> str:
    entry = {"Source": f"aurora-restore.{names.STAGE}", "DetailType": kind, "Detail": json.dumps(detail)}
    return f"aws events put-events --entries {_json([entry])}"


def _json(value: Any) -> str:
    return shlex.quote(json.dumps(value))
