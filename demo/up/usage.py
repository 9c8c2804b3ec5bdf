"""The page of `make up`: what can be done with the world, in lines for a shell.

Each works as it is, in any folder. zsh runs comments as commands when they are typed, so no comment
holds a quote or a character that expands.
"""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from localaws.sample.names import DATABASE
from localaws.sample.usage import exports

from aurora_restore.stages import CHECKOUT
from demo.aws import (
    APP_SECRET,
    AUDIT_TABLE,
    EVENT_SOURCE,
    QUEUE,
    STATE_TABLE,
    TARGET_CLUSTER,
    TARGET_REGION,
)
from demo.up.names import STAGE, TARGET_PORT
from demo.up.passwords import APPLICATION

_SECRET: Final = (
    f"aws secretsmanager get-secret-value --secret-id {APP_SECRET} --query SecretString "
    "--output text | python3 -c 'import json, sys; secret = json.load(sys.stdin); "
)
_PASSWORD: Final = f'{_SECRET}print(secret["app_password"])\''
# The pointers name the target, where there are any.
_CLUSTER: Final = f'{_SECRET}print(secret.get("cluster_id", "{TARGET_CLUSTER}"))\''
_ENDPOINT: Final = (
    f'aws rds describe-db-clusters --db-cluster-identifier "$({_CLUSTER})"'
    " --query 'DBClusters[].Endpoint' --output text"
)
_NEWEST_FIRST: Final = (
    f"aws dynamodb query --table-name {STATE_TABLE} --index-name by-plan --no-scan-index-forward"
    " --key-condition-expression '#plan = :plan'"
    ' --expression-attribute-names \'{"#plan": "plan"}\''
    ' --expression-attribute-values \'{":plan": {"S": "default"}}\' --output text'
)
_UNDER_WAY: Final = (
    f"aws dynamodb query --table-name {STATE_TABLE} --index-name open-by-due"
    " --key-condition-expression '#open = :yes'"
    ' --expression-attribute-names \'{"#open": "open"}\''
    ' --expression-attribute-values \'{":yes": {"S": "yes"}}\' --output text'
    " --query 'Items[?state.S!=`SKIPPING` && kind.S!=`retire`].operation_id.S'"
)
_NOTIFICATIONS: Final = (
    "python3 -c 'import json, sys; notices = map(json.loads, json.loads(sys.stdin.read() or "
    '"null") or []); [print(one["Subject"], json.loads(one["Message"])["text"], "", sep="\\n") for '
    "one in notices]'"
)
_TRAIL: Final = (
    f"aws dynamodb query --table-name {AUDIT_TABLE} --index-name by-operation "
    "--key-condition-expression 'operation_id = :id' --query 'Items[].[at.S, to_state.S, what.S]' "
    "--output text"
)


def page(endpoint: str, data: Path) -> str:
    """Return the page that is printed when the world is ready; `data` is its folder, absolute.

    It holds no password: its lines look them up.
    """
    lines = [
        *exports(endpoint, TARGET_REGION),
        "\nThen any of these:",
        *_queries(),
        *_make(endpoint, data),
        *_events(),
        "",
    ]
    return "\n".join(lines)


def _queries() -> Iterator[str]:
    yield "\n# staging, as the application sees it"
    login = f'-h "$({_ENDPOINT})" -p {TARGET_PORT} -U {APPLICATION} -d {DATABASE}'
    yield f"""PGPASSWORD="$({_PASSWORD})" psql -w {login} -c 'SELECT current_user, now()'"""


def _make(endpoint: str, data: Path) -> Iterator[str]:
    make, port = f"make -sC {shlex.quote(str(CHECKOUT))}", endpoint.rpartition(":")[2]
    yield "\n# check the stage: every problem is reported with a remedy"
    yield f"{make} doctor STAGE={STAGE} CHECKOUT={shlex.quote(str(data / 'checkout'))}"
    yield "# let Aurora take the nightly snapshot of production: its event starts a restore"
    yield f"{make} night PORT={port}"


def _events() -> Iterator[str]:
    yield (
        "\n# a restore of the newest snapshot because you ask for it: each request has an id of "
        "its own"
    )
    yield _put_event("RestoreRequested", "request_id", "request-'$(date +%s)'")
    yield "# the operations, newest first, and why one ended without success"
    yield "# retire-… is the planned deletion of a previous cluster, kept if it is the target again"
    yield f"{_NEWEST_FIRST} --query 'Items[].[operation_id.S, state.S, reason.S]'"
    yield "# what the newest one has done"
    yield f"OPERATION=$({_NEWEST_FIRST} --query 'Items[?kind.S!=`retire`]|[0].operation_id.S')"
    yield f"""{_TRAIL} --expression-attribute-values '{{":id": {{"S": "'"$OPERATION"'"}}}}'"""
    yield "# stop the one that is under way"
    yield f"UNDER_WAY=$({_UNDER_WAY})"
    yield _put_event("CancelRequested", "operation_id", "'\"$UNDER_WAY\"'")
    yield "# the notifications, ten at a time: run it again at once for the next ten"
    queue = f"aws sqs get-queue-url --queue-name {QUEUE} --query QueueUrl --output text"
    receive = (
        f'aws sqs receive-message --queue-url "$({queue})" --max-number-of-messages 10 '
        "--visibility-timeout 10"
    )
    yield f"{receive} --query 'Messages[].Body' --output json | {_NOTIFICATIONS}"


def _put_event(detail_type: str, field: str, value: str) -> str:
    """Write the command that puts an event with one field.

    `value` is shell: it leaves the quotes and comes back.
    """
    detail = json.dumps(json.dumps({field: "VALUE"})).replace("VALUE", value)
    entry = {"Source": EVENT_SOURCE, "DetailType": detail_type, "Detail": "DETAIL"}
    return f"aws events put-events --entries '{json.dumps([entry])}'".replace('"DETAIL"', detail)
