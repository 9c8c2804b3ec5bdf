"""The command: who asks, what it prints, how it ends, and what it makes of what cannot be asked."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from localaws.clients import local_environment

from aurora_restore.cli.verbs import run_verb
from aurora_restore.doctor.checks import Check
from aurora_restore.doctor.runner import make
from aurora_restore.findings import Finding, Status
from tests.deployment.place import REGION, Said
from tests.doctor.scene import Scene

ENDED_WELL, FAILED, WRONG_USAGE = 0, 1, 2


@dataclass(frozen=True)
class Command:
    """`aurora-restore doctor`, in this process."""

    scene: Scene
    shell: pytest.MonkeyPatch
    screen: pytest.CaptureFixture[str]

    def run(self, *options: str, stage: str = "dev", **environment: str) -> Said:
        """Run it in an environment that knows the AWS of the scene, and nothing else of AWS but
        what is given.
        """
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            self.shell.delenv(name)
        nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        known = {**nowhere, **local_environment(self.scene.place.endpoint, REGION), **environment}
        for name, value in known.items():
            self.shell.setenv(name, value)
        status = run_verb(
            ["doctor", "--stage", stage, "--checkout", str(self.scene.checkout), *options]
        )
        return Said(status, *self.screen.readouterr())


@pytest.fixture
def command(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Give the command."""
    return Command(scene, monkeypatch, capsys)


# --- the command ---


def test_a_healthy_stage_is_reported_line_by_line(command: Command) -> None:
    """A healthy stage gets exit status 0, a line for each check, and a total."""
    output = command.run()

    assert (ENDED_WELL, "") == (output.status, output.err), output.out
    lines = output.out.splitlines()
    assert ["region: OK (us-west-2.)", "settings: OK"] == [lines[0], lines[3].split(" (")[0]]
    assert f"{len(lines) - 1} checks: {len(lines) - 1} OK" == lines[-1]


def test_a_stage_that_was_never_deployed_is_reported_once(command: Command) -> None:
    """For a stage that was never deployed each check says what is missing, or which other check
    does.

    What people prepare is checked, and JSON serves programs.
    """
    output = command.run("--json", stage="test")
    told = json.loads(output.out)
    findings = {finding["name"]: finding for finding in told["findings"]}

    assert (FAILED, "") == (output.status, output.err)
    assert ("test", REGION, "0.1.0") == (told["stage"], told["region"], told["version"])
    assert datetime.now(UTC) - datetime.fromisoformat(told["time"]) < timedelta(hours=1)
    assert len(findings) == sum(told["summary"].values())
    assert {"OK", "WARNING", "FAILED"} == {*told["summary"]}
    assert findings["functions"]["what"].startswith("Not deployed: snapshot-check, copy-snapshot, ")
    for name in ("code", "configuration", "roles", "retry settings"):
        assert {
            "name": name,
            "status": "WARNING",
            "what": "There are no functions to check.",
            "do": "See the check `functions` first.",
        } == findings[name]
    assert "There is no topic to subscribe to." == findings["subscribers"]["what"]
    assert "OK" == findings["snapshot"]["status"]


def test_a_stage_that_does_not_exist_is_wrong_usage(command: Command) -> None:
    """A stage that does not exist gets one sentence that names the others."""
    output = command.run(stage="dve")

    assert (WRONG_USAGE, "") == (output.status, output.out)
    assert output.err.startswith(
        "There is no stage 'dve': .chalice/config.json has dev, local, prod, test."
    )


def test_without_credentials_one_line_says_so(command: Command) -> None:
    """Without credentials one line says so, and one more what is skipped."""
    output = command.run(
        AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_EC2_METADATA_DISABLED="true"
    )
    lines = output.out.splitlines()

    assert (FAILED, "") == (output.status, output.err)
    assert lines[1].startswith(
        "credentials: FAILED (No valid AWS credentials: Unable to locate credentials. Sign in"
    )
    assert lines[2].startswith("skipped: WARNING (settings, stacks, foundation, ")


def test_a_profile_that_does_not_exist_is_no_trace(command: Command) -> None:
    """A profile that does not exist is no traceback; boto3 notices it only when it makes a
    client.
    """
    output = command.run(AWS_PROFILE="nobody")
    expected = (
        "credentials: FAILED (No valid AWS credentials: The config profile (nobody) could not be "
        "found."
    )

    assert (FAILED, "") == (output.status, output.err)
    assert expected in output.out


def test_without_a_network_one_line_says_so(command: Command) -> None:
    """When AWS cannot be reached, one line says so."""
    output = command.run(AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1")
    expected = (
        "credentials: FAILED (AWS does not answer in us-west-2: Could not connect to the endpoint "
        "URL"
    )

    assert (FAILED, "") == (output.status, output.err)
    assert expected in output.out


def test_another_account_is_left_alone(scene: Scene, command: Command) -> None:
    """Credentials of another account skip the checks: findings about it would be worse than
    none.
    """
    scene.set_variables(ACCOUNT_ID="210987654321")
    output = command.run()
    expected = (
        "account: FAILED (These are credentials of the account 123456789012, but the stage dev "
        "belongs to 210987654321."
    )

    assert FAILED == output.status
    assert expected in output.out
    assert "skipped: WARNING" in output.out


def test_a_stage_without_a_region_is_left_alone(scene: Scene, command: Command) -> None:
    """A stage without a region skips the checks."""
    scene.set_variables(TARGET_REGION="")
    output = command.run()

    assert FAILED == output.status
    assert output.out.startswith(
        "region: FAILED (TARGET_REGION of the stage dev is not set. Set it in"
    )


# --- what cannot be asked ---


def test_a_call_that_is_denied_names_the_permission_and_stops_no_other(scene: Scene) -> None:
    """When a call is denied, each check that needs it names the permission, and the others go
    on.
    """
    scene.deny("ListFunctions")

    for name in ("functions", "code", "configuration", "roles", "rules", "retry settings"):
        found = scene.see(name)
        assert Status.FAILED is found.status
        assert "lambda list_functions in us-west-2 was answered AccessDeniedException" in found.what
        assert "Allow lambda:ListFunctions in us-west-2 to whoever runs the doctor." in found.do
    assert Status.OK is scene.see("snapshot").status


def test_a_table_that_may_not_be_read_names_the_permission(scene: Scene) -> None:
    """A denied read of a table names the permission, because the store passes DynamoDB's errors
    on.
    """
    scene.deny("Query")
    found = scene.see("operations")
    expected = "It could not be looked at: dynamodb:Query was answered AccessDeniedException."

    assert expected == found.what
    assert "Allow dynamodb:Query to whoever runs the doctor." == found.do


def test_a_mistake_in_a_check_is_a_finding_and_quotes_nothing(scene: Scene) -> None:
    """A bug in a check is a finding that leaves out the error's text, because nobody knows what it
    quotes.
    """

    def look(_: object) -> list[Finding]:
        raise ValueError("Fresh-0-master-password")

    (found,) = make(Check("odd", look), scene.view(), [])

    assert Status.FAILED is found.status
    assert found.what.startswith(
        "It could not be looked at: ValueError in test_examining.py, line "
    )
    assert "Fresh-0" not in str(found)
