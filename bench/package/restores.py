"""Real nights through the zip.

What each function's invocations take of themselves, and how much memory.

`python -m demo.up` provides AWS and PostgreSQL. Its rules are pointed at queues. Each event goes
from there to the one process of its function, one event at a time; that process stays warm from the
first night to the last.
"""

import json
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from localaws.clients import CREDENTIALS, EndpointClients
from localaws.sample.names import ACCOUNT
from localaws.workers import Specification, Worker

from aurora_restore.packaging.errors import PackageError
from aurora_restore.stages import FUNCTIONS, Stage
from bench.package.metered import MARK
from bench.package.runtime_folder import Folders
from chalicelib.flow.choreography import CANCEL_REQUESTED, REQUESTED, TERMINAL
from chalicelib.flow.identifiers import requested_id
from demo import aws as names
from demo import take_snapshot
from demo.local_aws import LocalAwsProcess
from demo.time_limits import TimeLimit
from demo.up.names import STAGE as STAGE_NAME

RESTORES: Final = 4
SPEED: Final = 150
SECONDS_MAX: Final = 300.0
CANCELS: Final = 5
STAGE: Final = Stage.read(STAGE_NAME)
LET_IN: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": "*",
            }
        ],
    }
)  # or EventBridge would not deliver into the queues


@dataclass
class Invocations:
    """What was seen of one function.

    The peak of its memory, and its own seconds of each invocation, the first cold.
    """

    peak_bytes: int = 0
    own_seconds: list[float] = field(default_factory=list)
    client_seconds: float = 0.0

    def see(self, told: dict[str, float]) -> None:
        """Take note of one invocation."""
        self.peak_bytes = max(self.peak_bytes, int(told["peak_kib"]) * 1024)
        self.own_seconds.append(told["own"])
        self.client_seconds += told["clients"]


def measure(folders: Folders, folder: Path, restores: int = RESTORES) -> dict[str, Invocations]:
    """Let night fall, restore again on request, and cancel the last.

    Raises DemoError and PackageError.
    """
    with _world(folder) as endpoint, ExitStack() as stack:
        stage = _Lambda(endpoint, folders, stack)
        take_snapshot.take_snapshot(
            endpoint, cluster=names.SOURCE_CLUSTER, region=names.SOURCE_REGION
        )
        for number in range(1, restores + 1):
            stage.run_until_ended(number)
            stage.put(REQUESTED, request_id=f"again-{number}")  # the last of them is cancelled
        for _ in range(CANCELS):
            stage.run(seconds=1)
            stage.put(CANCEL_REQUESTED, operation_id=requested_id(f"again-{restores}"))
        stage.run_until_ended(restores + 1)
        stage.run(seconds=1)
    return stage.seen


@contextmanager
def _world(folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "demo.up", "--port", str(port), "--data", str(folder)]
    with LocalAwsProcess([*command, "--speed", str(SPEED)], f"http://127.0.0.1:{port}") as world:
        list(world.building(TimeLimit(SECONDS_MAX)))
        yield world.endpoint


class _Lambda:
    """The twelve functions of the stage, fed from queues."""

    def __init__(self, endpoint: str, folders: Folders, stack: ExitStack) -> None:
        clients = EndpointClients(endpoint)
        self._sqs, self._events = (clients(name, names.TARGET_REGION) for name in ("sqs", "events"))
        self._table = clients("dynamodb", names.TARGET_REGION)
        functions = clients("lambda", names.TARGET_REGION)
        self.seen = {name: Invocations() for name in FUNCTIONS}
        self._queues = {name: self._feed(name) for name in FUNCTIONS}
        self._workers = {
            name: self._worker(name, functions, endpoint, folders) for name in FUNCTIONS
        }
        for worker in self._workers.values():
            stack.callback(worker.kill)

    def put(self, detail_type: str, **detail: str) -> None:
        """Put an event of the stage's on the bus, as people do."""
        entry = {
            "Source": STAGE.event_source,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
        }
        self._events.put_events(Entries=[entry])

    def run_until_ended(self, operations: int) -> None:
        """Deliver until so many operations have ended; raises DemoError when they do not."""
        deadline = TimeLimit(SECONDS_MAX)
        while self._ended() < operations:
            deadline.check(f"operation {operations} to end")
            self._deliver()

    def run(self, seconds: float) -> None:
        """Deliver for a while."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._deliver()

    def _deliver(self) -> None:
        for name, queue in self._queues.items():
            answer = self._sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                self._invoke(name, json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    def _invoke(self, name: str, event: Any) -> None:
        outcome = self._workers[name].invoke(str(uuid.uuid4()), event)
        if outcome.error:
            raise PackageError(f"{name} failed while it was measured: {outcome.payload}")

    def _feed(self, name: str) -> str:
        """Point a function's rule at a queue, in place of the function that was deployed."""
        queue: str = self._sqs.create_queue(
            QueueName=f"measured-{name}", Attributes={"Policy": LET_IN}
        )["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])[
            "Attributes"
        ]["QueueArn"]
        self._events.put_targets(Rule=STAGE.rule(name), Targets=[{"Id": "1", "Arn": arn}])
        return queue

    def _worker(self, name: str, functions: Any, endpoint: str, folders: Folders) -> Worker:
        """Run the function as it was deployed, except from the measured zip."""
        deployed = functions.get_function_configuration(FunctionName=STAGE.function(name))
        specification = Specification(
            arn=deployed["FunctionArn"],
            name=deployed["FunctionName"],
            account=ACCOUNT,
            region=names.TARGET_REGION,
            handler=f"metered.{name.replace('-', '_')}",
            package=folders.metered,
            runtime=folders.runtime,
            environment=tuple(deployed["Environment"]["Variables"].items()),
            timeout_seconds=deployed["Timeout"],
            memory_mb=deployed["MemorySize"],
            endpoint=endpoint,
            role=deployed["Role"],
        )
        return Worker(
            specification, dict(CREDENTIALS), lambda _stream, line: self._hear(name, line)
        )

    def _hear(self, name: str, line: str) -> None:
        if line.startswith(MARK):
            self.seen[name].see(json.loads(line.removeprefix(MARK)))

    def _ended(self) -> int:
        items = self._table.scan(TableName=STAGE.state_table, ConsistentRead=True)["Items"]
        return sum(item.get("state", {}).get("S") in TERMINAL for item in items)
