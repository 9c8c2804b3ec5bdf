"""An account with a network and a key, and checkouts whose stages are filled in for it."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localaws.clients import EndpointClients, local_environment, without_aws

from aurora_restore.stages import CHECKOUT, Stage
from demo.up.deployment import copy_app
from demo.up.resources import Resources
from tests.deployment.forked_commands import SECONDS_MAX, run_forked
from tests.deployment.packages import give_package

REGION, SOURCE_REGION, ACCOUNT = "us-west-2", "us-east-1", "123456789012"
END_SECONDS_MAX = 30.0
OF_CHALICE = ("xray", "manage_iam_role")
# of each kind of resource that a deployment makes: the service, its call, the list in the answer,
# and the name in an entry
LISTS = {
    "functions": ("lambda", "list_functions", "Functions", "FunctionName"),
    "rules": ("events", "list_rules", "Rules", "Name"),
    "roles": ("iam", "list_roles", "Roles", "RoleName"),
    "topics": ("sns", "list_topics", "Topics", "TopicArn"),
    "logs": ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "buckets": ("s3", "list_buckets", "Buckets", "Name"),
    "parameters": ("ssm", "describe_parameters", "Parameters", "Name"),
    "alarms": ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "dashboards": ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    "aliases": ("kms", "list_aliases", "Aliases", "AliasName"),
    "secrets": ("secretsmanager", "list_secrets", "SecretList", "Name"),
}


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def complaints(self) -> list[str]:
        """Give its lines of error."""
        return self.err.splitlines()


@dataclass(frozen=True)
class Place:
    """One account, from the outside."""

    endpoint: str
    clients: EndpointClients
    resources: Resources
    folder: Path
    shared: Path
    """Where all workers of this run of tests have what they make once."""

    def checkout(self, name: str, **stages: Mapping[str, Any]) -> Path:
        """Copy the checkout and fill in stages: variables, and `subnet_ids` and
        `security_group_ids` where others.
        """
        folder = self.folder / name
        copy_app(folder)
        for stage in stages or {"dev": {}}:
            self.fill_in(folder, stage, stages.get(stage, {}))
        return folder

    def packaged(self, name: str, **stages: Mapping[str, Any]) -> Path:
        """Copy the checkout, fill in stages, and let each have its package as if it had been
        deployed before.
        """
        folder = self.checkout(name, **stages)
        for stage in stages:
            give_package(self.shared, folder, stage)
        return folder

    def fill_in(self, checkout: Path, stage: str, given: Mapping[str, Any]) -> None:
        """Set what a stage needs to be deployed here, then what is `given`.

        None takes a setting away.
        """
        file = checkout / ".chalice" / "config.json"
        config = json.loads(file.read_text())
        network = {
            "subnet_ids": given.get("subnet_ids", list(self.resources.subnet_ids)),
            "security_group_ids": given.get(
                "security_group_ids", [self.resources.security_group_id]
            ),
        }
        config["stages"][stage]["lambda_functions"] = {"setup-db-users": network}
        config["stages"][stage] |= {name: given[name] for name in given if name in OF_CHALICE}
        config["stages"][stage]["environment_variables"] |= {
            "ACCOUNT_ID": ACCOUNT,
            "SOURCE_REGION": SOURCE_REGION,
            "SOURCE_CLUSTER_ID": "prod-cluster",
            "TARGET_REGION": REGION,
            "TARGET_CLUSTER_ID": f"{stage}-cluster",
            "KMS_KEY_ID": self.resources.target_key_arn,
            "DB_SUBNET_GROUP_NAME": "staging",
            "VPC_SECURITY_GROUP_IDS": self.resources.security_group_id,
            "INSTANCE_CLASS": "db.r6g.large",
            **{name: value or "" for name, value in given.items() if name.isupper()},
        }
        file.write_text(json.dumps(config))

    def run(
        self, command: str, stage: str, checkout: Path, *options: str, **environment: str
    ) -> Said:
        """Run `python -m aurora_restore` as make does."""
        done = run_forked(
            [*_arguments(command, stage, checkout), *options],
            CHECKOUT,
            {**self._environment(), **environment},
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def deploy_until(self, line: str, number: signal.Signals, stage: str, checkout: Path) -> Said:
        """Deploy, and send a signal, as a terminal does, once a line is printed that holds some
        words.
        """
        # As in a terminal: what a shell starts in the background ignores Ctrl-C, and all that is
        # started by that does.
        start = ["env", "--default-signal=INT", sys.executable, "-m", "aurora_restore"]
        program = [*start, *_arguments("deploy", stage, checkout), "--yes"]
        piped: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(
            program, cwd=CHECKOUT, env=self._environment(), start_new_session=True, **piped
        ) as process:
            seen = "".join(_up_to(line, process.stdout or []))
            os.killpg(process.pid, number)
            out, err = process.communicate(timeout=SECONDS_MAX)
        return Said(process.returncode, seen + out, err)

    def _environment(self) -> dict[str, str]:
        here = local_environment(self.endpoint, REGION)
        return {**without_aws(os.environ), **here, "PYTHONDONTWRITEBYTECODE": "1"}

    def deploy(self, stage: str, checkout: Path, **environment: str) -> Said:
        """Deploy a stage without being asked."""
        return self.run("deploy", stage, checkout, "--yes", **environment)

    def destroy(self, stage: str, checkout: Path, *options: str) -> Said:
        """Take a stage away without being asked."""
        return self.run("destroy", stage, checkout, "--yes", *options)

    # --- what there is ---

    def functions(self, stage: str) -> dict[str, dict[str, Any]]:
        """List the functions whose names are the stage's, by what follows in them."""
        prefix = f"aurora-restore-{stage}-"
        found = self.clients("lambda", REGION).list_functions(MaxItems=100)["Functions"]
        return {
            function["FunctionName"].removeprefix(prefix): function
            for function in found
            if function["FunctionName"].startswith(prefix)
        }

    def rules(self, stage: str) -> list[str]:
        """List the stage's rules."""
        found = self.clients("events", REGION).list_rules(NamePrefix=f"aurora-restore-{stage}-")[
            "Rules"
        ]
        return [str(rule["Name"]) for rule in found]

    def policy(self, stage: str, function: str) -> dict[str, Any]:
        """Read the policy of a function's role."""
        name = f"aurora-restore-{stage}-{function}"
        found = self.clients("iam", REGION).get_role_policy(RoleName=name, PolicyName=name)
        return dict(found["PolicyDocument"])

    def retention(self, group: str) -> int | None:
        """Output after how many days a log expires; None for never."""
        (found,) = self.clients("logs", REGION).describe_log_groups(logGroupNamePrefix=group)[
            "logGroups"
        ]
        days: int | None = found.get("retentionInDays")
        return days

    def stacks(self, region: str = REGION) -> dict[str, str]:
        """List the stacks of a region with their states."""
        found = self.clients("cloudformation", region).describe_stacks()["Stacks"]
        return {stack["StackName"]: stack["StackStatus"] for stack in found}

    def tables(self) -> list[str]:
        """List the tables."""
        return list(self.clients("dynamodb", REGION).list_tables()["TableNames"])

    def operations(self, stage: str) -> list[dict[str, Any]]:
        """List the operations of a stage."""
        items = self.clients("dynamodb", REGION).scan(TableName=f"aurora-restore-{stage}-state")[
            "Items"
        ]
        return [item for item in items if "state" in item]

    def wait_for_an_end(self, stage: str) -> None:
        """Wait until an operation of a stage has ended, with people told."""
        ends_at = time.monotonic() + END_SECONDS_MAX
        while all("open" in item for item in self.operations(stage)):
            assert time.monotonic() < ends_at, f"The stage {stage} did not obey."

    def everything(self) -> dict[str, Any]:
        """List all that a deployment makes, of all stages."""
        return {
            "stacks": {**self.stacks(), **self.stacks(SOURCE_REGION)},
            "tables": set(self.tables()),
            "queues": set(self.clients("sqs", REGION).list_queues().get("QueueUrls", [])),
            "targets": self._targets(),
            "aliases": {name for name in self._names("aliases") if "aurora-restore-" in name},
            **{kind: self._names(kind) for kind in LISTS if kind != "aliases"},
        }

    def _names(self, kind: str) -> set[str]:
        service, call, member, name = LISTS[kind]
        found = getattr(self.clients(service, REGION), call)()[member]
        return {resource[name] for resource in found}

    def _targets(self) -> dict[str, Any]:
        events = self.clients("events", REGION)
        return {
            name: events.list_targets_by_rule(Rule=name)["Targets"] for name in self._names("rules")
        }

    @staticmethod
    def stage(name: str, checkout: Path) -> Stage:
        """Read a stage of a checkout."""
        return Stage.read(name, checkout)


def _arguments(command: str, stage: str, checkout: Path) -> list[str]:
    return [command, "--stage", stage, "--checkout", str(checkout)]


def _up_to(words: str, lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield line
        if words in line:
            return


def make_source(clients: EndpointClients, region: str = SOURCE_REGION) -> None:
    """Make the cluster that the stages restore from.

    That it is still being created stops no deployment.
    """
    clients("rds", region).create_db_cluster(
        DBClusterIdentifier="prod-cluster",
        Engine="aurora-postgresql",
        EngineVersion="16.11",
        MasterUsername="postgres",
        MasterUserPassword="Production-0-password",
    )


def forget(checkout: Path) -> None:
    """Lose what a deployment knows in a checkout of what it made; the package stays."""
    for deployed in checkout.glob(".build/*/.chalice/deployed"):
        shutil.rmtree(deployed)


def a_package() -> bytes:
    """Make a package with one module."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", "def handler(event, context):\n    return event\n")
    return content.getvalue()
