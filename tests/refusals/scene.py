"""A stage that is watched: what must not be lost, what must not be said, and how an operation has
to end.
"""

import copy
import json
import re
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from chalicelib.flow.ownership import OWNER_TAG
from simulation.stage import (
    ACCOUNT,
    APP,
    APP_SECRET,
    MASTER_PASSWORD,
    MASTER_SECRET,
    PRODUCTION_PASSWORD,
    SOURCE_REGION,
    STAGE,
    TARGET_REGION,
    TOPIC,
    SimulatedStage,
)

OWNER = f"{STAGE}/default"
TARGET_ARN = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:staging-cluster"
WRITER_ARN = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:db:staging-cluster-1"
COMMAND_END = re.compile(r"(?:; done| --region [a-z0-9-]+)$")  # it has no full stop


class LogOutput:
    """What the functions wrote: structured lines and metrics, both of which go to standard output
    in Lambda.
    """

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys, self._text = capsys, ""

    @property
    def text(self) -> str:
        """All of it, as it was written."""
        self._text += self._capsys.readouterr().out
        return self._text

    def _entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines() if line.startswith("{")]

    def lines(self, beginning: str = "") -> list[dict[str, Any]]:
        """List the log lines whose message begins like this."""
        return [
            entry
            for entry in self._entries()
            if str(entry.get("message", "\n")).startswith(beginning)
        ]

    def metrics(self, name: str) -> list[dict[str, Any]]:
        """List the metrics of one name, oldest first."""
        return [entry for entry in self._entries() if "_aws" in entry and name in entry]


def belongings(stage: SimulatedStage) -> dict[str, str]:
    """List what is not ours to change, in both regions: ARNs with the ids that no renaming and no
    rebuilding keeps.
    """
    found: dict[str, str] = {}
    for region in (SOURCE_REGION, TARGET_REGION):
        rds = stage.rds(region)
        things = [
            *(
                (cluster["DBClusterArn"], cluster["DbClusterResourceId"], cluster)
                for cluster in rds.describe_db_clusters()["DBClusters"]
            ),
            *(
                (instance["DBInstanceArn"], instance["DbiResourceId"], instance)
                for instance in rds.describe_db_instances()["DBInstances"]
            ),
            *(
                (
                    snapshot["DBClusterSnapshotArn"],
                    str(snapshot.get("SnapshotCreateTime")),
                    snapshot,
                )
                for snapshot in rds.describe_db_cluster_snapshots()["DBClusterSnapshots"]
                if snapshot["Status"] != "creating"
            ),
        ]
        found |= {
            arn: key
            for arn, key, thing in things
            if {"Key": OWNER_TAG, "Value": OWNER} not in thing["TagList"]
        }
    return found


def production(stage: SimulatedStage) -> tuple[Any, Any]:
    """Describe the source cluster but for what changes by itself, and the logins inside it."""
    (cluster,) = stage.rds(SOURCE_REGION).describe_db_clusters(DBClusterIdentifier="prod-cluster")[
        "DBClusters"
    ]
    del cluster["Status"], cluster["LatestRestorableTime"]
    return cluster, copy.deepcopy(stage.data.clusters[cluster["DbClusterResourceId"]].roles)


def secret_values(stage: SimulatedStage) -> set[str]:
    """List what nobody may be told: every password there is or was, and every secret that is not
    JSON.
    """
    found = {MASTER_PASSWORD, PRODUCTION_PASSWORD, APP["app_password"], APP["readonly_password"]}
    for text in stage.secrets._values.values():
        try:
            value = json.loads(text)
        except ValueError:
            found.add(text)
            continue
        fields = value if isinstance(value, dict) else {}
        found |= {str(field) for name, field in fields.items() if name.endswith("password")}
    return {secret for secret in found if secret}


class RefusalScene:
    """A stage, and what was there before something went wrong on it."""

    def __init__(self, stage: SimulatedStage, logs: LogOutput) -> None:
        self.stage, self.logs = stage, logs

    def put_secret(self, secret_id: str, **changes: Any) -> None:
        """Change fields of one of the two secrets; None takes a field away."""
        value = json.loads(self.stage.secrets._values[secret_id]) | changes
        kept = {name: field for name, field in value.items() if field is not None}
        self.stage.secrets.put_secret_value(SecretId=secret_id, SecretString=json.dumps(kept))

    def put_master_secret(self, **changes: Any) -> None:
        """Change fields of the master's secret."""
        self.put_secret(MASTER_SECRET, **changes)

    def put_app_secret(self, **changes: Any) -> None:
        """Change fields of the users' secret."""
        self.put_secret(APP_SECRET, **changes)

    def target_ids(self) -> dict[str, str]:
        """List the target cluster and the instances in it, by name, with their resource ids."""
        rds = self.stage.rds()
        clusters = {
            cluster["DBClusterIdentifier"]: cluster["DbClusterResourceId"]
            for cluster in rds.describe_db_clusters()["DBClusters"]
        }
        instances = {
            instance["DBInstanceIdentifier"]: instance["DbiResourceId"]
            for instance in rds.describe_db_instances()["DBInstances"]
        }
        return clusters | instances

    def run_until(self, state: State) -> Operation:
        """Let events and time pass, one by one, until the only operation is in a state and nothing
        answered it yet.
        """
        for _ in range(2_000):
            operations = self.stage.all_operations()
            if operations and operations[0].state is state:
                return self.stage.only()
            self._go_on()
        found = [(operation.state, operation.reason) for operation in operations]
        raise TimeoutError(f"It never came to {state}: {found}.")

    def _go_on(self) -> None:
        stage = self.stage
        if stage.queue:
            stage.deliver_one(stage.queue.popleft())
        elif stage.clock.now() >= stage.next_tick:
            stage.next_tick += timedelta(seconds=60)
            stage.beat()
        else:
            due = stage.aurora.next_transition()
            stage.move_to(min(due, stage.next_tick) if due else stage.next_tick)
            stage.aurora.tick()

    def night_fails(self, *, at: str, notified: bool = True) -> Operation:
        """Let a night fall, and the operation of it fail at a step."""
        self.stage.night()
        return self.fails(at=at, notified=notified)

    def fails(self, *, at: str, notified: bool = True) -> Operation:
        """Let the operation fail at a step, with a reason and a remedy that people are told, and
        nothing lost.
        """
        operation = self.ends(State.FAILED)
        notices = [
            notice
            for notice in self.stage.notices()
            if notice.get("operation_id") == operation.operation_id
        ]

        assert at == operation.failed_step
        assert is_sentence(operation.reason), operation.reason
        remedy = COMMAND_END.sub(".", str(operation.remedy))
        assert is_sentence(remedy), operation.remedy
        assert notified == operation.notified
        if notified:
            assert [("FAILED", operation.reason, operation.remedy)] == [
                (notice["outcome"], notice["reason"], notice["remedy"]) for notice in notices
            ]
        return operation

    def ends(self, state: State) -> Operation:
        """Let every operation end, the newest in a state.

        Nothing is lost, told that is secret, or left locked.
        """
        before, source = belongings(self.stage), production(self.stage)
        operation = self.stage.run_to_the_end()

        assert state == operation.state, operation.reason
        assert before.items() <= belongings(self.stage).items()
        assert source == production(self.stage)
        assert self.stage.target().locked_by is None
        assert [] == self.told_secrets()
        trail = self.stage.trail(operation.operation_id)
        changes = [row for row in trail if not row["metric_id"].endswith("#intent")]
        assert operation.version == len(changes)
        assert state == changes[-1]["to_state"]
        return operation

    def told_secrets(self) -> list[str]:
        """List the secrets found in a record, an audit row, a notice, an event or a log line."""
        stage = self.stage
        notified = " ".join(
            [
                json.dumps(stage.store.tables, default=str),
                json.dumps(stage.topics.published(TOPIC)),
                json.dumps(stage.delivered),
                self.logs.text,
                repr(stage.failures),
            ]
        )
        return sorted(secret for secret in secret_values(stage) if secret in notified)


def is_sentence(text: str | None) -> bool:
    """Tell whether a text is one line that ends with one full stop."""
    return (
        text is not None
        and len(text) > 10
        and text.endswith(".")
        and not text.endswith("..")
        and "\n" not in text
    )
