"""While a question waits for its answer the account may change; then nothing is done."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from localaws.clients import local_environment, without_aws

from aurora_restore.deployment import deploy as deployment
from aurora_restore.deployment import deployment_plan, preflight
from aurora_restore.deployment import destroy as removal
from aurora_restore.deployment.errors import NotReadyError, PlanOutdatedError
from aurora_restore.deployment.stacks import ChangeSets
from aurora_restore.stages import Stage
from tests.deployment.place import ACCOUNT, REGION, Place

TABLE = "aurora-restore-dev-state"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


class Leftovers:
    """Roles of the stage dev, without functions."""

    def __init__(self, place: Place) -> None:
        self.iam = place.clients("iam", REGION)

    def make(self, function: str) -> None:
        """Make the role of a function."""
        name = f"aurora-restore-dev-{function}"
        tags = {"aurora-restore:stage": "dev", "aurora-restore:home": f"{ACCOUNT}/{REGION}"}
        self.iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(TRUST),
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )

    def names(self) -> set[str]:
        """Name the functions whose roles are there."""
        roles = [role["RoleName"] for role in self.iam.list_roles()["Roles"]]
        prefix = "aurora-restore-dev-"
        return {role.removeprefix(prefix) for role in roles if role.startswith(prefix)}


@pytest.fixture
def leftovers(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Leftovers]:
    """Give a stage of which one role is left, in an account that this process is signed in to."""
    for name in os.environ.keys() - without_aws(os.environ).keys():
        monkeypatch.delenv(name)
    for name, value in local_environment(place.endpoint, REGION).items():
        monkeypatch.setenv(name, value)
    leftovers = Leftovers(place)
    leftovers.make("heartbeat")
    yield leftovers
    for function in leftovers.names():
        leftovers.iam.delete_role(RoleName=f"aurora-restore-dev-{function}")


@pytest.fixture(scope="module")
def checkout(place: Place) -> Path:
    """Give a checkout whose stage dev is filled in."""
    return place.checkout("waiting", dev={})


def answered_after(happens: Callable[[], object]) -> Callable[[str], bool]:
    """Confirm once something has happened."""

    def confirm(_verb: str) -> bool:
        happens()
        return True

    return confirm


def begin_operation(place: Place) -> None:
    """Make the table of operations, with one that is under way."""
    keys = {"pk": "HASH", "open": "HASH", "due": "RANGE"}
    schema = [{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()]
    dynamodb = place.clients("dynamodb", REGION)
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=schema[:1],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "open-by-due",
                "KeySchema": schema[1:],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    item = {"pk": "1", "open": "yes", "due": "2026", "operation_id": "night-1"}
    dynamodb.put_item(TableName=TABLE, Item={key: {"S": value} for key, value in item.items()})


def test_an_operation_that_began_while_the_question_waited_stops_the_removal(
    place: Place, checkout: Path, leftovers: Leftovers
) -> None:
    """An operation that began after the list was shown is not left without its functions."""
    confirm = answered_after(lambda: begin_operation(place))
    with pytest.raises(NotReadyError) as refused:
        removal.destroy(Stage.read("dev", checkout), checkout, lambda _line: None, confirm)
    place.clients("dynamodb", REGION).delete_table(TableName=TABLE)

    assert ["operations"] == [finding.name for finding in refused.value.findings]
    assert "Under way: night-1." in refused.value.findings[0].what
    assert {"heartbeat"} == leftovers.names()


def test_what_was_not_shown_is_not_deleted(checkout: Path, leftovers: Leftovers) -> None:
    """A role that came after the list was shown is not deleted, and nothing else is."""
    confirm = answered_after(lambda: leftovers.make("delete-rds"))
    with pytest.raises(PlanOutdatedError) as refused:
        removal.destroy(Stage.read("dev", checkout), checkout, lambda _line: None, confirm)
    found = str(refused.value)

    assert "The account changed while the question waited; run the command again." == found
    assert {"heartbeat", "delete-rds"} == leftovers.names()


def test_what_was_shown_and_stayed_is_deleted(checkout: Path, leftovers: Leftovers) -> None:
    """An account that did not change while the question waited is changed as shown."""
    lines: list[str] = []
    confirm = answered_after(lambda: None)
    removal.destroy(Stage.read("dev", checkout), checkout, lines.append, confirm)

    assert "  delete  role       aurora-restore-dev-heartbeat" in lines
    assert set() == leftovers.names()


PARAMETER = "/aurora-restore/dev/port"


@pytest.fixture(scope="module")
def packaged(place: Place) -> Path:
    """Give a checkout that has the package of stage dev."""
    return place.packaged("waiting-deployment", dev={})


def put_parameter(place: Place) -> None:
    """Set a parameter of the stage, which its plan and policies depend on."""
    place.clients("ssm", REGION).put_parameter(Name=PARAMETER, Value="5433", Type="String")


@pytest.mark.parametrize("change", ["a parameter", "a role"])
def test_a_deployment_that_was_planned_for_another_account_state_is_refused(
    place: Place, packaged: Path, leftovers: Leftovers, change: str
) -> None:
    """A parameter or a resource that changed after the plan was shown stops the deployment."""
    confirm = answered_after(
        lambda: put_parameter(place) if change == "a parameter" else leftovers.make("delete-rds")
    )
    with pytest.raises(PlanOutdatedError):
        deployment.deploy(Stage.read("dev", packaged), packaged, lambda _line: None, confirm)
    if change == "a parameter":
        place.clients("ssm", REGION).delete_parameter(Name=PARAMETER)

    assert ({}, {}) == (place.functions("dev"), place.stacks())


@pytest.mark.usefixtures("leftovers")
def test_a_plan_of_an_account_that_did_not_change_is_current(checkout: Path) -> None:
    """A plan holds for a later reading of the same account."""
    stage = Stage.read("dev", checkout)
    (shown, _), (later, _) = (preflight.check(stage, checkout) for _ in range(2))
    plan = deployment_plan.plan(ChangeSets(shown.account), shown, checkout, "digest")

    assert deployment_plan.is_current(plan, shown, later, checkout, "digest")
