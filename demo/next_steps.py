"""The last page: where the fresh cluster is, and lines that can be copied into a shell."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from aurora_restore.process.loopback import direct_loopback
from demo.aws import (
    APP_SECRET,
    AUDIT_TABLE,
    CREDENTIALS,
    EVENT_SOURCE,
    MASTER_SECRET,
    STATE_TABLE,
    TARGET_REGION,
    Item,
)
from demo.errors import DemoError

SHELL_SECONDS = 60
PUT_EVENTS = "aws events put-events"
_ONE_VALUE = "import json, sys; print(json.load(sys.stdin)[sys.argv[1]])"


@dataclass(frozen=True)
class Connection:
    """How one user connects: where, and under which key of which secret the password is."""

    host: str
    port: int
    database: str
    username: str
    secret: str
    key: str

    def psql(self) -> str:
        """Write a line for a shell with the exports; no command gets the password as argument."""
        fetch = (
            f"aws secretsmanager get-secret-value --secret-id {self.secret} --query SecretString "
            "--output text"
        )
        pick = f"python3 -c {shlex.quote(_ONE_VALUE)} {self.key}"
        address = (
            f"-h {self.host} -p {self.port} -U {shlex.quote(self.username)} -d "
            f"{shlex.quote(self.database)}"
        )
        return f'PGPASSWORD="$({fetch} | {pick})" psql -w {address}'


def connections(cluster: Item, app: Item, master: Item, database: str) -> list[Connection]:
    """List the connections of the application, the read-only user and the master."""
    host, port = cluster["Endpoint"], cluster["Port"]
    return [
        Connection(host, port, database, app["app_username"], APP_SECRET, "app_password"),
        Connection(host, port, database, app["readonly_username"], APP_SECRET, "readonly_password"),
        Connection(host, port, database, master["username"], MASTER_SECRET, "password"),
    ]


def exports(endpoint: str) -> Iterator[str]:
    """Write the lines after which `aws` and `psql` find the local AWS and this environment."""
    settings = {"AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": TARGET_REGION, **CREDENTIALS}
    settings |= direct_loopback(os.environ)
    yield "export " + " ".join(f"{name}={shlex.quote(value)}" for name, value in settings.items())
    yield f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"'


def lines(endpoint: str, connections: Iterable[Connection], record: Item) -> Iterator[str]:
    """Write what can be typed after a success, each line complete once the exports were pasted."""
    yield from exports(endpoint)
    yield from (connection.psql() for connection in connections)
    yield read_record(record["operation_id"])
    yield read_trail(record["operation_id"])
    yield rerun(record)


def offered(typed: Iterable[str], *, kept: bool) -> Iterator[str]:
    """Yield lines for a shell if the local AWS keeps running, else how to keep one running."""
    if kept:
        yield "  Paste these into another terminal:\n"
        yield from typed
    else:
        keep = "To keep them running: make demo KEEP=1, or make up."
        yield f"  The local AWS and its databases stop now. {keep}"


def times(record: Item, *, snapshot_seconds: float) -> str:
    """Say how long a restore took, with the same sums as its notification.

    The notification is sent in the last state and so cannot count it: that one stands apart.
    """
    *counted, last = record["durations"]
    total = sum(round(float(lasted["seconds"]), 1) for lasted in counted)
    own = sum(round(float(lasted["own_seconds"]), 1) for lasted in counted)
    notifying = round(float(last["seconds"]), 1)
    return (
        f"  {total:.1f} s for the restore, {own:.1f} s of them our own; before it "
        f"{snapshot_seconds:.1f} s for the snapshot, after it {notifying:.1f} s to tell people."
    )


def try_psql(endpoint: str, connection: Connection) -> str:
    """Run the printed line in a shell as a reader would; returns what the server answers."""
    query = " -c 'SELECT current_user, current_database(), version()' -At"
    ran = _in_shell(endpoint, connection.psql() + query)
    if ran.returncode:
        raise DemoError(
            f"The psql line for {connection.username} does not work: {ran.stderr.strip()}"
        )
    return ran.stdout.strip()


def command_in(notice: Item, detail_type: str) -> str:
    """Find the command of a notification that puts an event of this kind; raises DemoError."""
    for line in notification(notice):
        if PUT_EVENTS in line and f'"{detail_type}"' in line:
            return line[line.index(PUT_EVENTS) :]
    raise DemoError(f"The notification has no command that sends {detail_type}.")


def type_in(endpoint: str, line: str) -> None:
    """Run a line in a shell with the exports, as its reader would; raises DemoError."""
    ran = _in_shell(endpoint, line)
    if ran.returncode:
        raise DemoError(f"This line does not work: {line}\n  {ran.stderr.strip()}")


def _in_shell(endpoint: str, line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", "\n".join([*exports(endpoint), line])],
        capture_output=True,
        text=True,
        timeout=SHELL_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def rerun(record: Item) -> str:
    """Write the command that restores the same snapshot again, or reruns what did not succeed."""
    request = {"request_id": f"again-{record['operation_id']}"}
    if record["state"] == "SUCCEEDED":
        request |= {"snapshot_identifier": record["facts"]["snapshot"]["arn"]}
    else:
        request |= {"rerun_of": record["operation_id"]}
    entry = {
        "Source": EVENT_SOURCE,
        "DetailType": "RestoreRequested",
        "Detail": json.dumps(request),
    }
    return (
        f"aws events put-events --region {TARGET_REGION} --entries "
        f"{shlex.quote(json.dumps([entry]))}"
    )


def read_record(operation_id: str) -> str:
    """Write the command that reads an operation's record."""
    key = shlex.quote(json.dumps({"operation_id": {"S": operation_id}}))
    return f"aws dynamodb get-item --table-name {STATE_TABLE} --key {key}"


def read_trail(operation_id: str) -> str:
    """Write the command that reads an operation's trail in order."""
    values = shlex.quote(json.dumps({":id": {"S": operation_id}}))
    return (
        f"aws dynamodb query --table-name {AUDIT_TABLE} --index-name by-operation "
        f"--key-condition-expression 'operation_id = :id' --expression-attribute-values {values} "
        "--query 'Items[].[at.S, to_state.S, step.S, what.S]' --output text"
    )


def notification(notice: Item) -> list[str]:
    """Split a notification into the lines that people read: its subject and its text."""
    message = json.loads(notice["Message"])
    return [str(notice.get("Subject")), *str(message["text"]).splitlines()]
