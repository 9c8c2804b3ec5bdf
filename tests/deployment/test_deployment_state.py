"""What a stage finds of itself in its account, and what it leaves alone there."""

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from aurora_restore.account.identity import Account
from aurora_restore.account.stack import StackState
from aurora_restore.deployment import deployment_plan, preflight
from aurora_restore.deployment.deployment_state import DeploymentState
from aurora_restore.deployment.stacks import ChangeSets
from aurora_restore.stages import Stage
from tests.deployment.place import ACCOUNT, REGION, SOURCE_REGION, Place

ELSEWHERE, NOT_OURS_ADVICE = "eu-west-1", "222222222222"
LAMBDAS = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


class Stages:
    """Stages of one checkout, and stacks and roles that a test makes and that go after it."""

    def __init__(self, place: Place, checkout: Path) -> None:
        self.place, self.checkout = place, checkout
        self._stacks: list[tuple[str, str]] = []

    def stage(self, name: str = "dev", region: str = REGION) -> DeploymentState:
        """Look at a stage afresh, as one that is configured for a region."""
        account = Account(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", self.place.clients)
        stage = Stage.read(name, self.checkout)
        config = copy.deepcopy(dict(stage.config))
        config["stages"][name]["environment_variables"]["TARGET_REGION"] = region
        return DeploymentState(account, Stage(name, config))

    def forward(self, stage: str, region: str, home: str = REGION, account: str = "") -> None:
        """Deploy what forwards from a region."""
        body = (self.checkout / "infra" / "forwarding.yaml").read_text()
        given = {"Stage": stage, "TargetRegion": home, "TargetAccount": account}
        self.stack(_forwarding(stage), region, body, given)

    def stack(self, name: str, region: str, body: str, given: dict[str, str]) -> None:
        """Make a stack, however that ends."""
        self.place.clients("cloudformation", region).create_stack(
            StackName=name,
            TemplateBody=body,
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in given.items()
            ],
        )
        self._stacks.append((name, region))

    def fail(self, stage: str, region: str) -> None:
        """Have the first creation of what forwards fail: no role is left of it."""
        body = {
            "Parameters": {"Stage": {"Type": "String"}},
            "Resources": {
                "Wrong": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": "never"}}
            },
        }
        self.stack(_forwarding(stage), region, json.dumps(body), {"Stage": stage})

    def role(self, name: str, statement: dict[str, object]) -> None:
        """Make a role for Lambda with one policy, which bears its name."""
        trust = {"Version": "2012-10-17", "Statement": [LAMBDAS]}
        iam = self.place.clients("iam", REGION)
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        self.role_policy(name, statement)

    def role_policy(self, name: str, statement: dict[str, object]) -> None:
        """Give a role its one policy."""
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam = self.place.clients("iam", REGION)
        iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=policy)

    def tag(self, role: str, *, stage: str, home: str | None) -> None:
        """Give a role the tags of a stage; without a home where that is None."""
        tags = {"aurora-restore:stage": stage, "aurora-restore:home": home}
        pairs = [{"Key": key, "Value": value} for key, value in tags.items() if value is not None]
        self.place.clients("iam", REGION).tag_role(RoleName=role, Tags=pairs)

    def delete_role(self, name: str) -> None:
        """Delete a role and its policies."""
        iam = self.place.clients("iam", REGION)
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        iam.delete_role(RoleName=name)

    def put_back(self) -> None:
        """Delete the stacks."""
        for name, region in self._stacks:
            self.place.clients("cloudformation", region).delete_stack(StackName=name)


@pytest.fixture
def scene(place: Place) -> Iterator[Stages]:
    """Give the stages dev, test and prod, none of which is deployed."""
    checkout = place.folder / "existing"
    if not checkout.exists():
        place.checkout("existing", dev={}, test={}, prod={})
    scene = Stages(place, checkout)
    yield scene
    scene.put_back()


def _forwarding(stage: str) -> str:
    return "aurora-restore-forwarding" if stage == "prod" else f"aurora-restore-{stage}-forwarding"


def regions(found: list[StackState]) -> list[str]:
    """Output where stacks are."""
    return [forwarding.region for forwarding in found]


def test_each_stage_finds_its_own_forwarding(scene: Stages) -> None:
    """Each stage finds its own forwarding by its role, in any region; prod's name is the beginning
    of none.
    """
    scene.forward("dev", SOURCE_REGION)
    scene.forward("prod", ELSEWHERE, "eu-west-2")
    scene.forward("test", "eu-west-3")
    found = {name: scene.stage(name) for name in ("dev", "test", "prod")}

    assert {"dev": {SOURCE_REGION}, "test": {"eu-west-3"}, "prod": {ELSEWHERE}} == {
        name: state.forwarding_regions for name, state in found.items()
    }
    assert [{REGION}, {REGION}, {"eu-west-2"}] == [
        state.deployed_regions for state in found.values()
    ]
    assert ["eu-west-3"] == regions(found["test"].obsolete_stacks)
    assert [] == regions(found["dev"].obsolete_stacks)


def test_a_forwarding_stack_of_a_version_without_tags_is_found(scene: Stages, place: Place) -> None:
    """A forwarding stack without tags is found by its role's trust and policy."""
    scene.forward("dev", SOURCE_REGION)
    iam = place.clients("iam", REGION)
    (role,) = [
        role["RoleName"]
        for role in iam.list_roles()["Roles"]
        if role["RoleName"].startswith("aurora-restore-dev-forwarding-Role-")
    ]
    tags = [tag["Key"] for tag in iam.list_role_tags(RoleName=role)["Tags"]]
    iam.untag_role(RoleName=role, TagKeys=tags)
    stage = scene.stage()

    assert {"aurora-restore:stage", "aurora-restore:home", "aurora-restore:source"} < {*tags}
    assert ({SOURCE_REGION}, {REGION}) == (stage.forwarding_regions, stage.deployed_regions)


def test_a_stack_is_not_recognised_by_tags_alone(scene: Stages, place: Place) -> None:
    """A role of our name whose policy names no queue of ours is not deleted for its tags."""
    scene.role("aurora-restore-test-visitor", {"Effect": "Deny", "Action": "*", "Resource": "*"})
    scene.tag("aurora-restore-test-visitor", stage="test", home=f"{ACCOUNT}/{REGION}")
    state = scene.stage("test")

    assert ([], set()) == (state.deployed.resources, state.deployed_regions)


@pytest.fixture
def heartbeat(scene: Stages) -> Iterator[str]:
    """Give the role of dev's heartbeat, whose policy names the failure queue in a region."""
    role = "aurora-restore-dev-heartbeat"
    scene.role(role, sending_to(REGION))
    yield role
    scene.delete_role(role)


def sending_to(region: str) -> dict[str, object]:
    """Write the statement of a policy that allows to send to dev's failure queue in a region."""
    queue = f"arn:aws:sqs:{region}:{ACCOUNT}:aurora-restore-dev-failures"
    return {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": [queue]}


INVALID_HOMES = [None, "", f"{NOT_OURS_ADVICE}/{ELSEWHERE}", ELSEWHERE, f"{ACCOUNT}/", "a/b/c"]


@pytest.mark.parametrize("home", INVALID_HOMES)
def test_a_stage_without_a_valid_home_is_found_by_its_policies(
    scene: Stages, heartbeat: str, home: str | None
) -> None:
    """A role with the stage's tag and without a valid home is where its policy says, so a
    deployment or removal from another region is refused.
    """
    scene.tag(heartbeat, stage="dev", home=home)
    from_elsewhere = scene.stage(region=ELSEWHERE)
    (found,) = preflight.check_region(from_elsewhere)

    assert {REGION} == from_elsewhere.deployed_regions
    assert f"Stage dev is deployed in {REGION}, but TARGET_REGION is {ELSEWHERE}." == found.what
    assert [] == list(preflight.check_region(scene.stage()))


def test_a_forged_home_does_not_move_the_stage(scene: Stages, heartbeat: str) -> None:
    """Where tags and policies name two regions, both count, so nothing is done from either."""
    scene.tag(heartbeat, stage="dev", home=f"{ACCOUNT}/{ELSEWHERE}")
    found = [scene.stage(region=region) for region in (REGION, ELSEWHERE)]

    assert [{REGION, ELSEWHERE}] * 2 == [state.deployed_regions for state in found]
    assert [1, 1] == [len([*preflight.check_region(state)]) for state in found]


@pytest.mark.parametrize("home", INVALID_HOMES)
def test_a_role_without_a_region_is_refused(
    scene: Stages, heartbeat: str, home: str | None
) -> None:
    """A role of our name that neither tags nor policies place is named, with the command that tags
    it; that command ends it.
    """
    scene.role_policy(heartbeat, {"Effect": "Deny", "Action": "*", "Resource": "*"})
    scene.tag(heartbeat, stage="dev", home=home)
    (found,) = preflight.check_region(scene.stage())
    scene.tag(heartbeat, stage="dev", home=f"{ACCOUNT}/{REGION}")

    assert f"The role {heartbeat} does not say which region it is deployed in" in found.what
    assert f"Key=aurora-restore:home,Value={ACCOUNT}/{REGION}" in found.do
    assert [] == list(preflight.check_region(scene.stage()))


def test_a_role_that_is_only_half_made_stops_nothing(
    scene: Stages, place: Place, heartbeat: str
) -> None:
    """A role without policies and tags was left by an interrupted deployment, which can go on; one
    with the stage's tag was whole once.
    """
    place.clients("iam", REGION).delete_role_policy(RoleName=heartbeat, PolicyName=heartbeat)
    before = [*preflight.check_region(scene.stage())]
    scene.tag(heartbeat, stage="dev", home=None)

    assert [] == before
    assert 1 == len([*preflight.check_region(scene.stage())])


def test_what_forwards_to_another_account_is_somebody_elses(scene: Stages) -> None:
    """Forwarding that leads to another account belongs to a stage there: it is neither adopted nor
    deleted.
    """
    scene.forward("dev", SOURCE_REGION, ELSEWHERE, NOT_OURS_ADVICE)
    stage = scene.stage()

    assert set() == stage.deployed_regions
    assert set() == stage.forwarding_regions
    assert [] == stage.obsolete_stacks
    assert [] == stage.stacks_to_delete
    assert [f"The stack aurora-restore-dev-forwarding in {SOURCE_REGION}"] == [
        problem.what.partition(" was")[0] for problem in preflight.stacks_of(stage)
    ]


def test_a_stack_of_our_name_is_not_ours_for_that(scene: Stages, place: Place) -> None:
    """A stack of our name is not ours for that, not even where our parameters point."""
    queue = {
        "Resources": {"Theirs": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "theirs"}}}
    }
    scene.stack("aurora-restore-dev-forwarding", ELSEWHERE, json.dumps(queue), {})
    name = "/aurora-restore/dev/source-region"
    place.clients("ssm", REGION).put_parameter(Name=name, Value=ELSEWHERE, Type="String")
    stage = scene.stage()
    found = (stage.forwarding_regions, stage.obsolete_stacks, stage.stacks_to_delete)
    place.clients("ssm", REGION).delete_parameter(Name=name)

    assert ({ELSEWHERE}, [], []) == found


@pytest.mark.parametrize("told_by", ["the settings", "a parameter"])
def test_a_stack_that_was_never_whole_goes_too(scene: Stages, place: Place, told_by: str) -> None:
    """A forwarding stack that has no role is found by the settings, or by an earlier deployment's
    parameter.
    """
    region, name = (
        (ELSEWHERE if told_by == "a parameter" else SOURCE_REGION),
        "/aurora-restore/dev/source-region",
    )
    scene.fail("dev", region)
    place.clients("ssm", REGION).put_parameter(Name=name, Value=ELSEWHERE, Type="String")
    found = regions(scene.stage().stacks_to_delete)
    place.clients("ssm", REGION).delete_parameter(Name=name)

    assert [region] == found


def test_the_role_of_what_forwards_is_deleted_last(scene: Stages, place: Place) -> None:
    """The role of a forwarding stack is deleted last, so a deletion that fails half-way finds the
    stack again.
    """
    scene.forward("dev", SOURCE_REGION)
    cloudformation = place.clients("cloudformation", SOURCE_REGION)
    about = cloudformation.describe_stacks(StackName="aurora-restore-dev-forwarding")["Stacks"][0][
        "StackId"
    ]
    cloudformation.delete_stack(StackName="aurora-restore-dev-forwarding")
    events = cloudformation.describe_stack_events(StackName=about)["StackEvents"]
    gone = [
        event["LogicalResourceId"]
        for event in reversed(events)
        if event["ResourceStatus"] == "DELETE_COMPLETE"
    ]

    assert "Role" == [name for name in gone if name != "aurora-restore-dev-forwarding"][-1]


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"])
def test_what_is_busy_is_waited_for(status: str) -> None:
    """A stack that is busy is waited for: somebody else is at work on it."""
    busy = StackState("aurora-restore-dev-forwarding", SOURCE_REGION, status)
    (found,) = preflight.check_deletable([busy])

    assert f"is {status}. Wait until it is done." in str(found)


def test_a_role_outlives_its_function_and_is_found(scene: Stages, place: Place) -> None:
    """The role and log of a function that left the app are found; those that are not the stage's
    are not.
    """
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:aurora-restore-dev-failures"
    put = {"Effect": "Allow", "Action": "sqs:SendMessage"}
    scene.role("aurora-restore-dev-visitor", {**put, "Resource": [queue]})
    scene.role("aurora-restore-dev-guest", {**put, "Resource": [f"{queue}-of-mine"]})
    for name in ("visitor", "guest"):
        place.clients("logs", REGION).create_log_group(
            logGroupName=f"/aws/lambda/aurora-restore-dev-{name}"
        )
    ours = scene.stage().deployed.resources
    found = [(our["resource_type"], our["name"]) for our in ours]

    assert [("iam_role", "visitor_role"), ("log_group", "visitor-log-group")] == found


REPORTER = '''

@app.lambda_function(name="reporter")
def report(event: object, context: object) -> None:
    """Report."""
'''


@pytest.mark.parametrize("in_app", [True, False])
@pytest.mark.parametrize("place_of_settings", ["config", "stage"])
def test_the_plan_lists_the_roles_of_functions_that_left_the_app(
    scene: Stages, tmp_path: Path, in_app: bool, place_of_settings: str
) -> None:
    """The plan tells by app.py which functions are the app's, wherever config.json still has
    settings of others, and lists the roles that Chalice will delete.
    """
    role = "aurora-restore-dev-reporter"
    scene.role(role, sending_to(REGION))
    shutil.copytree(scene.checkout, tmp_path / "checkout")
    with (tmp_path / "checkout" / "app.py").open("a") as app:
        app.write(REPORTER if in_app else "")
    state = scene.stage()
    settings = {"config": state.stage.config, "stage": state.stage.config["stages"]["dev"]}
    named = settings[place_of_settings].setdefault("lambda_functions", {})
    named["reporter"] = {"lambda_timeout": 5}
    plan = deployment_plan.plan(ChangeSets(state.account), state, tmp_path / "checkout", "digest")
    scene.delete_role(role)

    deleted = [change.name for change in plan.changes if change.action == "delete"]
    assert in_app is (role not in deleted)


def test_a_region_that_nobody_can_look_into_is_named(scene: Stages, place: Place) -> None:
    """A region that cannot be read is named, with where it comes from; a removal stops there unless
    told to ignore it.
    """
    name = "/aurora-restore/dev/plans/weekly/source-region"
    place.clients("ssm", REGION).put_parameter(Name=name, Value="us esat", Type="String")
    before = place.everything()
    deployed = place.deploy("dev", scene.checkout)
    kept = place.destroy("dev", scene.checkout)
    after = place.everything()
    forced = place.destroy("dev", scene.checkout, "--force")
    place.clients("ssm", REGION).delete_parameter(Name=name)

    assert (1, 1, before, 0) == (deployed.status, kept.status, after, forced.status)
    for output in (deployed, kept):
        expected = "Whether us esat has a stack aurora-restore-dev-forwarding cannot be seen"

        assert expected in output.err
        assert "a source-region in SSM below /aurora-restore/dev/" in output.err
    assert "Set FORCE=1 to ignore this." in kept.err
