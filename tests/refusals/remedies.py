"""Doing what people are told to do: the remedy as a deed, then the command that the notice ends
with.
"""

import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from chalicelib.flow.choreography import REQUESTED, State
from chalicelib.flow.operation import Kind, Operation
from chalicelib.messages.commands import YOUR_SNAPSHOT
from simulation.in_memory_services import client_error
from simulation.stage import ACCOUNT, SOURCE_REGION
from tests.choreography.fault_injection import raised
from tests.choreography.run_night import FaultyStage
from tests.swap.swap_stage import SwapStage

Deed = Callable[[FaultyStage], object]
TAKEN_NOW = "after-the-change"


def nothing(_night: FaultyStage) -> None:
    """Do nothing, where a remedy asks to find out something, or where what was wrong is over."""


@dataclass(frozen=True, eq=False)
class RefusalCase:
    """One refusal of an operation: how it comes about, what its remedy asks for, and what the next
    try says.

    `trouble` comes before the night, or when its operation is in the state `at`. `then` are words
    of what is new in the next refusal; without it the next try succeeds.
    """

    name: str
    trouble: Deed
    follow: Deed = nothing
    at: State | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    staging: bool = True
    then: str = ""


@dataclass(frozen=True)
class Tried:
    """What came of a case: what was told, and how the next try ended."""

    reason: str
    remedy: str
    ended: State
    says: str
    problems: tuple[str, ...] = ()


@cache
def tried(case: RefusalCase) -> Tried:
    """Bring it about, follow the remedy, and run the command of the notice as it is written."""
    stage = FaultyStage(dict(case.environment), staging=case.staging)
    stage.network.groups["sg-east"] = f"vpc-{SOURCE_REGION}-default"
    if case.at is None:
        case.trouble(stage)
    stage.night()
    if case.at is not None:
        stage.reach(case.at)
        case.trouble(stage)
    stage.run_to_the_end()
    failed = newest_restore(stage)
    text = stage.notices()[-1]["text"]
    case.follow(stage)
    stage.call_faults.clear()
    go_on(stage, text)
    stage.run_to_the_end()
    again = newest_restore(stage)
    assert failed.operation_id != again.operation_id
    return Tried(
        str(failed.reason), str(failed.remedy), again.state, str(again.reason), failed.problems
    )


def mended(
    stage: SwapStage, failed: Operation, mend: Deed, *, from_step: str | None = None
) -> tuple[str, str]:
    """Do what the remedy of a failed operation says, and run it again with success.

    Gives the reason and the remedy.
    """
    mend(stage)
    count, detail = len(stage.restores()), {"from_step": from_step} if from_step else {}
    stage.request(REQUESTED, rerun_of=failed.operation_id, **detail)
    assert State.SUCCEEDED is stage.run_until_ended(count + 1).state
    return str(failed.reason), str(failed.remedy)


def newest_restore(stage: FaultyStage) -> Operation:
    """Give the newest operation that is no deletion of a previous target."""
    return [known for known in stage.all_operations() if known.kind is not Kind.RETIRE][-1]


def go_on(stage: FaultyStage, text: str) -> None:
    """Put the event of the last line that is a command.

    Takes the snapshot first that it asks for.
    """
    (command,) = re.findall(r"aws events put-events .*$", text, re.MULTILINE)
    program, service, verb, *options = shlex.split(command)
    assert ["aws", "events", "put-events"] == [program, service, verb]
    given = dict(zip(options[::2], options[1::2], strict=True))
    if YOUR_SNAPSHOT in command:
        take_snapshot_now(stage)
    (entry,) = json.loads(given["--entries"].replace(YOUR_SNAPSHOT, TAKEN_NOW))
    stage.put_event(entry["Source"], entry["DetailType"], json.loads(entry["Detail"]))


def typed(stage: FaultyStage, text: str) -> list[str]:
    """Put each of the events that a text proposes, one after the other."""
    commands = re.findall(r"aws events put-events --region \S+ --entries '[^']+'", text)
    for command in commands:
        go_on(stage, command)
        stage.run(3600)
    return commands


def take_snapshot_now(stage: FaultyStage) -> None:
    """Take a manual snapshot of production, and wait for it."""
    rds = stage.rds(SOURCE_REGION)
    rds.create_db_cluster_snapshot(
        DBClusterIdentifier="prod-cluster", DBClusterSnapshotIdentifier=TAKEN_NOW
    )
    stage.settle()


def next_snapshot(stage: FaultyStage) -> None:
    """Wait for the next automated snapshot; its event is lost."""
    stage.clock.advance(3600)
    stage.night()
    stage.settle()


def answering(
    call: str,
    code: str,
    message: str = "A test asked for this.",
    *,
    step: str = "",
    status: int = 400,
) -> Deed:
    """Have AWS answer a call with an error until what is wrong is mended."""
    error = client_error(code, message, call, status)
    return lambda stage: stage.inject(raised(error), step=step, call=call, times=999)


def setting(**variables: str) -> Deed:
    """Correct settings."""
    return lambda stage: stage.environment.update(variables)


def secret(secret_id: str, **fields: Any) -> Deed:
    """Change fields of a secret; None takes a field away."""

    def put(stage: FaultyStage) -> None:
        value = json.loads(stage.secrets._values[secret_id]) | fields
        kept = {name: part for name, part in value.items() if part is not None}
        stage.secrets.put_secret_value(SecretId=secret_id, SecretString=json.dumps(kept))

    return put


def secret_text(secret_id: str, text: str) -> Deed:
    """Store a text as a secret."""
    return lambda stage: stage.secrets.put_secret_value(SecretId=secret_id, SecretString=text)


def both(*deeds: Deed) -> Deed:
    """Do one thing after the other."""

    def all_of_them(stage: FaultyStage) -> None:
        for deed in deeds:
            deed(stage)

    return all_of_them


def snapshot_arn(region: str, name: str) -> str:
    """Spell a snapshot's ARN."""
    return f"arn:aws:rds:{region}:{ACCOUNT}:cluster-snapshot:{name}"
