"""A stage comes into an empty account, is brought up to date there, and goes again: the real
Chalice and templates.
"""

import json
import shutil
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from aurora_restore.packaging.archive import digest_of
from aurora_restore.stages import FUNCTIONS
from tests.deployment.place import (
    ACCOUNT,
    REGION,
    SOURCE_REGION,
    Place,
    Said,
    a_package,
    forget,
    make_source,
)

QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:aurora-restore-dev-failures"
THEIRS = json.dumps(
    {
        "app_username": "theirs",
        "app_password": "Theirs-0-app-password",
        "readonly_username": "reader",
        "readonly_password": "Theirs-0-reader-password",
    }
)
SECRET = {"SecretId": "aurora-restore/dev/app-db-credentials"}
INTERRUPTED = "Interrupted. What was done is kept; the same command continues there.\n"
HEARTBEAT = "aurora-restore-dev-heartbeat"
STOPPED = "aurora-restore-dev-copy-snapshot"
PAUSED = ("aurora-restore-dev-snapshot-check-event", "aurora-restore-dev-heartbeat-event")
PLANNED = ("  create  ", "  change  ", "  delete  ")
VISITOR = '''

@app.schedule(Rate(1, unit=Rate.HOURS), name="visitor")
def visitor(event: Any) -> None:
    """Visit."""
'''
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:aurora-restore-dev-notifications"


PROTECTED = {"NOTIFICATION_EMAIL": "dba@example.com", "PROTECT_TABLES": "true"}


def planned(output: Said) -> list[list[str]]:
    """Read the changes of a plan: action, kind, name, and what else is in the line."""
    lines = [line for line in output.out.splitlines() if line.startswith(PLANNED)]
    return [line.split(maxsplit=3) for line in lines]


@pytest.fixture(scope="module")
def checkout(place: Place) -> Path:
    """Give a checkout whose stage dev is filled in."""
    return place.packaged("dev", dev=PROTECTED)


@pytest.fixture(scope="module")
def output(place: Place, checkout: Path) -> Said:
    """Deploy the stage into an account that has nothing of ours."""
    output = place.deploy("dev", checkout)
    assert (0, "") == (output.status, output.err)
    return output


@pytest.mark.usefixtures("output")
def test_there_are_the_stacks(place: Place) -> None:
    """A deployment has two stacks in the target's region and one in the source's; tables are
    protected once they exist.
    """
    table = place.clients("dynamodb", REGION).describe_table(TableName="aurora-restore-dev-state")[
        "Table"
    ]
    here = {
        "aurora-restore-dev-records": "UPDATE_COMPLETE",
        "aurora-restore-dev-foundation": "CREATE_COMPLETE",
    }

    assert (here, True) == (place.stacks(), table["DeletionProtectionEnabled"])
    assert {"aurora-restore-dev-forwarding": "CREATE_COMPLETE"} == place.stacks(SOURCE_REGION)


@pytest.mark.usefixtures("output")
def test_there_are_the_functions(place: Place, checkout: Path) -> None:
    """Eleven functions run the package that was built, with the whole environment; one of them is
    in the VPC.
    """
    functions = place.functions("dev")
    environment = functions["heartbeat"]["Environment"]["Variables"]

    (package,) = (checkout / ".build" / "dev" / ".chalice" / "deployments").iterdir()

    assert sorted(FUNCTIONS) == sorted(functions)
    assert {digest_of(package)} == {function["CodeSha256"] for function in functions.values()}
    assert ["setup-db-users"] == [
        name
        for name, function in functions.items()
        if function.get("VpcConfig", {}).get("SubnetIds")
    ]
    assert {1} == {
        len(
            {json.dumps(function["Environment"], sort_keys=True) for function in functions.values()}
        )
    }
    assert TOPIC == environment["SNS_TOPIC_ARN"]
    assert "aurora-restore-dev-state" == environment["STATE_TABLE_NAME"]
    assert {"ACCOUNT_ID", "NOTIFICATION_EMAIL", "FRESHNESS_HOURS"}.isdisjoint(environment)


@pytest.mark.usefixtures("output")
@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_chalice_cannot_set_is_set(place: Place, function: str) -> None:
    """Lambda's retries are off, and events that Lambda or EventBridge drop go to the failure
    queue.
    """
    name = f"aurora-restore-dev-{function}"
    config = place.clients("lambda", REGION).get_function_event_invoke_config(FunctionName=name)
    (target,) = place.clients("events", REGION).list_targets_by_rule(Rule=f"{name}-event")[
        "Targets"
    ]

    assert 0 == config["MaximumRetryAttempts"]
    assert QUEUE == config["DestinationConfig"]["OnFailure"]["Destination"]
    assert ("1", QUEUE) == (target["Id"], target["DeadLetterConfig"]["Arn"])
    assert config["MaximumEventAgeInSeconds"] == target["RetryPolicy"]["MaximumEventAgeInSeconds"]


@pytest.mark.usefixtures("output")
@pytest.mark.parametrize("function", FUNCTIONS)
def test_everything_of_a_function_has_the_guides_tags(place: Place, function: str) -> None:
    """Functions, roles, log groups and rules have the guide's tags."""
    name, arn = f"aurora-restore-dev-{function}", f"{REGION}:{ACCOUNT}"
    of_rule = place.clients("events", REGION).list_tags_for_resource(
        ResourceARN=f"arn:aws:events:{arn}:rule/{name}-event"
    )
    of_role = place.clients("iam", REGION).list_role_tags(RoleName=name)
    of_log = place.clients("logs", REGION).list_tags_for_resource(
        resourceArn=f"arn:aws:logs:{arn}:log-group:/aws/lambda/{name}"
    )["tags"]
    of_function = place.clients("lambda", REGION).list_tags(
        Resource=f"arn:aws:lambda:{arn}:function:{name}"
    )["Tags"]
    guides = {"Environment": "dev", "Project": "AuroraRestore", "Service": "Lambda"}

    assert guides == {tag["Key"]: tag["Value"] for tag in of_rule["Tags"]}
    home = {"aurora-restore:stage": "dev", "aurora-restore:home": f"{ACCOUNT}/{REGION}"}
    assert guides | home == {tag["Key"]: tag["Value"] for tag in of_role["Tags"]}
    assert guides | {"Service": "Logging"} == of_log
    assert (guides | home).items() <= of_function.items()


@pytest.mark.usefixtures("output")
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_policy_names_what_the_stage_has(place: Place, function: str) -> None:
    """A policy has no placeholder left, and names nothing of another stage."""
    text = json.dumps(place.policy("dev", function))

    assert "aurora-restore-dev-state" in text
    assert "${" not in text
    assert "local" not in text


def test_the_next_steps_are_printed(output: Said, checkout: Path) -> None:
    """The deployment lists what people have to do: fill the empty secrets, and run the doctor on
    this checkout.
    """
    assert 2 == output.out.count("has no value yet")
    assert f"make doctor STAGE=dev CHECKOUT={checkout}" in output.out


def test_the_plan_of_a_first_deployment_creates_everything(output: Said) -> None:
    """The plan of a first deployment lists three stacks, and a function and a rule for each of the
    twelve.
    """
    changes = planned(output)

    assert f"Plan for the stage dev in the account {ACCOUNT}, {REGION}: 27 changes" in output.out
    assert {"create stack": 3, "create function": 12, "create rule": 12} == Counter(
        " ".join(change[:2]) for change in changes
    )


@pytest.mark.usefixtures("output")
def test_a_stage_of_a_version_without_tags_is_found_and_tagged(
    place: Place, checkout: Path
) -> None:
    """A stage of a version without tags is found by its roles' policies, and the next deployment
    tags the roles.
    """
    iam, keys = place.clients("iam", REGION), ["aurora-restore:stage", "aurora-restore:home"]
    for name in FUNCTIONS:
        iam.untag_role(RoleName=f"aurora-restore-dev-{name}", TagKeys=keys)
    place.fill_in(checkout, "dev", {"TARGET_REGION": "eu-west-1", "KMS_KEY_ID": None})
    elsewhere = place.destroy("dev", checkout)
    place.fill_in(checkout, "dev", PROTECTED)
    again = place.deploy("dev", checkout)
    tags = iam.list_role_tags(RoleName=HEARTBEAT)["Tags"]

    assert (1, 0) == (elsewhere.status, again.status)
    assert f"Stage dev is deployed in {REGION}, but TARGET_REGION is eu-west-1." in elsewhere.err
    assert {"Key": "aurora-restore:home", "Value": f"{ACCOUNT}/{REGION}"} in tags


@pytest.mark.usefixtures("output")
def test_a_second_time_nothing_changes(place: Place, checkout: Path) -> None:
    """A second deployment changes nothing, its plan says so, and the package has the same bytes."""
    before, digests = (
        place.everything(),
        {function["CodeSha256"] for function in place.functions("dev").values()},
    )
    shutil.rmtree(checkout / ".build")
    again = place.deploy("dev", checkout)

    assert (0, "") == (again.status, again.err)
    assert f"No stack, function or rule of the stage dev in the account {ACCOUNT}" in again.out
    assert before == place.everything()
    assert digests == {function["CodeSha256"] for function in place.functions("dev").values()}


@pytest.fixture(scope="module")
def updates(place: Place, checkout: Path, output: Said) -> tuple[Said, Said]:
    """Deploy twice after much has changed: a broken policy stops the first half-way, and is mended
    for the second.
    """
    place.clients("secretsmanager", REGION).put_secret_value(**SECRET, SecretString=THEIRS)
    place.clients("lambda", REGION).update_function_configuration(
        FunctionName=HEARTBEAT, Handler="app.beat"
    )
    place.fill_in(
        checkout, "dev", {"TARGET_CLUSTER_ID": "other-cluster", "LOG_LEVEL": "DEBUG", "xray": True}
    )
    policy = checkout / ".chalice" / "policy-setup-db-users.json"
    good = policy.read_text()
    broken: dict[str, Any] = json.loads(good)
    broken["Statement"][0]["Effect"] = "Perhaps"
    policy.write_text(json.dumps(broken))
    for rule in PAUSED:
        place.clients("events", REGION).disable_rule(Name=rule)
    place.clients("lambda", REGION).put_function_concurrency(
        FunctionName=STOPPED, ReservedConcurrentExecutions=0
    )
    failed = place.deploy("dev", checkout)
    policy.write_text(good)
    return failed, place.deploy("dev", checkout)


def test_rules_that_somebody_disabled_stay_disabled(
    place: Place, updates: tuple[Said, Said]
) -> None:
    """Chalice enables every rule. A deployment disables again what was disabled, even if it fails,
    and names it in its plan and at its end.
    """
    events = place.clients("events", REGION)
    states = {rule: events.describe_rule(Name=rule)["State"] for rule in place.rules("dev")}
    for rule in PAUSED:
        events.enable_rule(Name=rule)
    failed, again = updates

    assert sorted(PAUSED) == sorted(name for name, state in states.items() if state == "DISABLED")
    for said in (failed, again):
        assert f"Disabled by somebody, and kept so: {', '.join(PAUSED)}." in said.out
    for rule in PAUSED:
        enable = f"aws events enable-rule --region {REGION} --name {rule}"
        assert f"The rule {rule} is still disabled. Enable it: {enable}" in again.out


def test_a_function_that_somebody_stopped_stays_stopped(
    place: Place, updates: tuple[Said, Said]
) -> None:
    """Chalice takes its reserved concurrency of 0 away; a deployment puts it back, and names it."""
    functions, named = place.clients("lambda", REGION), {"FunctionName": STOPPED}
    reserved = functions.get_function_concurrency(**named).get("ReservedConcurrentExecutions")
    functions.delete_function_concurrency(**named)
    start = f"aws lambda delete-function-concurrency --region {REGION} --function-name {STOPPED}"

    assert 0 == reserved
    for said in updates:
        assert f"(reserved concurrency 0), and kept so: {STOPPED}." in said.out
    assert f"The function {STOPPED} is still stopped. Start it: {start}" in updates[1].out


def test_a_deployment_that_failed_half_way_is_repeated(
    place: Place, updates: tuple[Said, Said]
) -> None:
    """Chalice stops at the first refusal, which is shown; the same command goes on once the cause
    is removed.
    """
    failed, again = updates
    levels = {
        function["Environment"]["Variables"]["LOG_LEVEL"]
        for function in place.functions("dev").values()
    }
    expected = "chalice deploy failed. What it did is kept; the same command continues there."

    assert (1, 0, {"DEBUG"}) == (failed.status, again.status, levels)
    assert expected in failed.err
    assert "Traceback" not in failed.err


def test_a_secret_that_somebody_filled_is_left_alone(
    place: Place, updates: tuple[Said, Said]
) -> None:
    """A filled secret stays as it is in each later deployment, which no longer calls it empty."""
    assert 1 == updates[1].out.count("has no value yet")
    assert (
        THEIRS == place.clients("secretsmanager", REGION).get_secret_value(**SECRET)["SecretString"]
    )


@pytest.mark.usefixtures("updates")
def test_a_setting_that_changed_arrives_everywhere(place: Place) -> None:
    """A changed setting arrives in the functions' environment, in their policies, and in the SSM
    parameter.
    """
    environment = place.functions("dev")["delete-rds"]["Environment"]["Variables"]
    policy = json.dumps(place.policy("dev", "delete-rds"))
    parameter = place.clients("ssm", REGION).get_parameter(
        Name="/aurora-restore/dev/target-cluster-id"
    )["Parameter"]

    assert "other-cluster" == environment["TARGET_CLUSTER_ID"]
    assert "other-cluster" == parameter["Value"]
    assert f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:other-cluster" in policy
    assert "dev-cluster" not in policy


def test_the_plan_of_an_update_names_what_changes(updates: tuple[Said, Said]) -> None:
    """The plan of an update lists the resources of a stack and the settings of a function, without
    values.
    """
    changes = {change[2]: change[3] for change in planned(updates[0]) if change[0] == "change"}
    expected = "handler, xray, the variable LOG_LEVEL, the variable TARGET_CLUSTER_ID, policy"

    assert "modify TargetClusterIdParameter" in changes["aurora-restore-dev-foundation"]
    assert expected in changes[HEARTBEAT]
    assert "DEBUG" not in changes[HEARTBEAT]


@pytest.mark.usefixtures("updates")
def test_what_is_not_confirmed_leaves_no_change_set(place: Place, checkout: Path) -> None:
    """A plan that is not confirmed is shown, its change set is deleted, and nothing is changed."""
    place.fill_in(checkout, "dev", {"FRESHNESS_HOURS": "48"})
    before = place.everything()
    refused = place.run("deploy", "dev", checkout)
    place.fill_in(checkout, "dev", {"FRESHNESS_HOURS": None})
    stack = "aurora-restore-dev-foundation"
    sets = place.clients("cloudformation", REGION).list_change_sets(StackName=stack)

    assert (1, [], before) == (refused.status, sets["Summaries"], place.everything())
    (details,) = [change[3] for change in planned(refused) if change[2] == stack]
    assert "modify NoFreshRestore" in details


@pytest.mark.usefixtures("updates")
def test_settings_that_chalice_never_updates_are_corrected(place: Place) -> None:
    """A handler of an earlier name, which Chalice never updates, is corrected."""
    assert "app.heartbeat" == place.functions("dev")["heartbeat"]["Handler"]


@pytest.mark.usefixtures("updates")
def test_tracing_is_on_where_it_is_asked_for(place: Place) -> None:
    """Tracing is on where it is configured, with the permission to send traces."""
    functions = place.functions("dev")

    assert {"Active"} == {function["TracingConfig"]["Mode"] for function in functions.values()}
    assert [] == [
        name
        for name in functions
        if "xray:PutTraceSegments" not in json.dumps(place.policy("dev", name))
    ]


@pytest.mark.usefixtures("updates")
def test_a_function_that_left_the_app_leaves_the_account(place: Place, checkout: Path) -> None:
    """A function that left the app is deleted, even from a machine that never deployed before.

    A function of the operator's own stays, and tracing goes off again.
    """
    other = place.folder / "one-more"
    shutil.copytree(checkout, other, ignore=shutil.ignore_patterns(".build"))
    (other / "app.py").write_text((checkout / "app.py").read_text() + VISITOR)
    config = json.loads((other / ".chalice" / "config.json").read_text())
    config["lambda_functions"]["visitor"] = {"iam_policy_file": "policy-heartbeat.json"}
    (other / ".chalice" / "config.json").write_text(json.dumps(config))
    came = place.deploy("dev", other)
    there = place.functions("dev")
    functions = place.clients("lambda", REGION)
    functions.create_function(
        FunctionName="aurora-restore-dev-ours",
        Runtime=there["visitor"]["Runtime"],
        Role=there["visitor"]["Role"],
        Handler="app.handler",
        Code={"ZipFile": a_package()},
    )
    forget(checkout)
    place.fill_in(checkout, "dev", {"xray": False})
    went = place.deploy("dev", checkout)
    left = place.functions("dev")
    functions.delete_function(FunctionName="aurora-restore-dev-ours")

    assert (0, 0) == (came.status, went.status)
    assert ({"visitor"}, {"ours"}) == (there.keys() - set(FUNCTIONS), left.keys() - set(FUNCTIONS))
    assert "aurora-restore-dev-visitor-event" not in place.rules("dev")
    assert "PassThrough" == left["heartbeat"]["TracingConfig"]["Mode"]
    assert 14 == place.retention("/aws/lambda/aurora-restore-dev-visitor")
    deleted = [change[:3] for change in planned(went) if change[0] == "delete"]
    expected = [
        ["delete", "role", "aurora-restore-dev-visitor"],
        ["delete", "function", "aurora-restore-dev-visitor"],
        ["delete", "rule", "aurora-restore-dev-visitor-event"],
    ]

    assert expected == deleted


def take_away(place: Place, checkout: Path) -> None:
    """Take the stage test away, with its records and secrets."""
    place.destroy("test", checkout)
    place.clients("cloudformation", REGION).delete_stack(StackName="aurora-restore-test-records")
    for table in ("state", "audit"):
        place.clients("dynamodb", REGION).delete_table(TableName=f"aurora-restore-test-{table}")
    for name in ("master", "app"):
        place.clients("secretsmanager", REGION).delete_secret(
            SecretId=f"aurora-restore/test/{name}-db-credentials", ForceDeleteWithoutRecovery=True
        )


@pytest.fixture(scope="module")
def begun(place: Place) -> tuple[Said, set[str], Said]:
    """Deploy another stage for the first time, which a broken policy stops half-way.

    Mend it and repeat.

    Somebody has a log group whose name begins with that of ours, which Chalice takes for ours.
    """
    theirs = "/aws/lambda/aurora-restore-test-heartbeat-of-somebody"
    place.clients("logs", REGION).create_log_group(logGroupName=theirs)
    checkout = place.packaged("begun", test={})
    policy = checkout / ".chalice" / "policy-setup-db-users.json"
    good = policy.read_text()
    policy.write_text(good.replace('"Effect": "Allow"', '"Effect": "Perhaps"'))
    failed = place.deploy("test", checkout)
    there = {*place.functions("test")}
    policy.write_text(good)
    forget(checkout)
    again = place.deploy("test", checkout)
    yielded = (failed, there, again)
    take_away(place, checkout)
    place.clients("logs", REGION).delete_log_group(logGroupName=theirs)
    return yielded


def test_a_first_deployment_that_failed_half_way_is_repeated(
    begun: tuple[Said, set[str], Said],
) -> None:
    """A first deployment that failed half-way is found and finished, though nothing on the machine
    knew of its functions.
    """
    failed, there, again = begun

    assert (1, True) == (failed.status, set() < there < set(FUNCTIONS))
    assert (0, "") == (again.status, again.err)


@pytest.mark.usefixtures("begun")
@pytest.mark.parametrize(
    ("words", "number", "status"),
    [
        ("stack aurora-restore-test-foundation:", signal.SIGINT, 130),
        (
            "Creating lambda function: aurora-restore-test-delete-rds",
            signal.SIGKILL,
            -signal.SIGKILL,
        ),
    ],
    ids=["by Ctrl-C, after the stacks", "by force, within Chalice"],
)
def test_a_deployment_that_was_killed_is_repeated(
    place: Place, words: str, number: signal.Signals, status: int
) -> None:
    """A deployment that was killed anywhere can be repeated; Ctrl-C gets a sentence that says
    so.
    """
    checkout = place.packaged(f"killed-{number}-{len(words)}", test={})
    killed = place.deploy_until(words, number, "test", checkout)
    again = place.deploy("test", checkout)
    whole = place.functions("test")
    take_away(place, checkout)

    assert (status, True) == (killed.status, words in killed.out)
    assert INTERRUPTED * (status > 0) == killed.err
    assert (0, "", sorted(FUNCTIONS)) == (again.status, again.err, sorted(whole))


@pytest.mark.usefixtures("updates")
def test_forwarding_follows_the_sources(place: Place, checkout: Path) -> None:
    """Forwarding follows the sources of all plans; a region that no plan uses is left, also when
    the plan is gone.
    """
    ssm, weekly = place.clients("ssm", REGION), "/aurora-restore/dev/plans/weekly"
    settings = {"source-region": "eu-central-1", "target-cluster-id": "weekly-cluster"}
    for region in ("eu-west-1", "eu-central-1"):
        make_source(place.clients, region)
    for name, value in settings.items():
        ssm.put_parameter(Name=f"{weekly}/{name}", Value=value, Type="String")
    place.fill_in(checkout, "dev", {"SOURCE_REGION": "eu-west-1"})
    moved = place.deploy("dev", checkout)
    regions = [name for name in (SOURCE_REGION, "eu-west-1", "eu-central-1") if place.stacks(name)]
    ssm.delete_parameters(Names=[f"{weekly}/{name}" for name in settings])
    place.fill_in(checkout, "dev", {})
    back = place.deploy("dev", checkout)

    assert (0, ["eu-west-1", "eu-central-1"]) == (moved.status, regions), moved.err
    assert (0, {}, {}) == (back.status, place.stacks("eu-west-1"), place.stacks("eu-central-1"))


@pytest.mark.usefixtures("output")
def test_a_stack_that_is_protected_stops_nothing_half_way(place: Place, checkout: Path) -> None:
    """A protected stack stops neither a removal nor a deployment that would leave its region."""
    forwarding = {"StackName": "aurora-restore-dev-forwarding"}
    cloudformation = place.clients("cloudformation", SOURCE_REGION)
    cloudformation.update_termination_protection(**forwarding, EnableTerminationProtection=True)
    before = place.everything()
    kept = place.destroy("dev", checkout)
    place.fill_in(checkout, "dev", {"SOURCE_REGION": "eu-west-1"})
    refused = place.deploy("dev", checkout)
    place.fill_in(checkout, "dev", {})
    after = place.everything()
    cloudformation.update_termination_protection(**forwarding, EnableTerminationProtection=False)

    assert (1, 1, before) == (kept.status, refused.status, after)
    command = (
        f"--no-enable-termination-protection --region {SOURCE_REGION} --stack-name "
        "aurora-restore-dev-forwarding"
    )
    assert [True, True] == [command in output.err for output in (kept, refused)]


@pytest.mark.usefixtures("output")
def test_a_stage_is_deployed_in_one_region(place: Place, checkout: Path) -> None:
    """A stage lives in one region: its roles belong to the account, so no other region deploys or
    destroys it.
    """
    place.fill_in(checkout, "dev", {"TARGET_REGION": "eu-west-1", "KMS_KEY_ID": None})
    before = place.everything()
    refused = [place.deploy("dev", checkout), place.destroy("dev", checkout)]
    place.fill_in(checkout, "dev", {})

    assert [1, 1] == [output.status for output in refused]
    assert [True, True] == [
        f"Stage dev is deployed in {REGION}, but TARGET_REGION is eu-west-1" in output.err
        for output in refused
    ]
    assert before == place.everything()


def test_a_stage_is_deployed_where_its_forwarding_goes(place: Place) -> None:
    """The forwarding tells where a stage lives, also when its first deployment ended before there
    was a role.
    """
    checkout = place.checkout("elsewhere", test={"TARGET_REGION": "eu-west-1", "KMS_KEY_ID": None})
    template = (checkout / "infra" / "forwarding.yaml").read_text()
    cloudformation = place.clients("cloudformation", SOURCE_REGION)
    cloudformation.create_stack(
        StackName="aurora-restore-test-forwarding",
        TemplateBody=template,
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[
            {"ParameterKey": "Stage", "ParameterValue": "test"},
            {"ParameterKey": "TargetRegion", "ParameterValue": REGION},
        ],
    )
    before = place.everything()
    output = place.destroy("test", checkout)
    after = place.everything()
    cloudformation.delete_stack(StackName="aurora-restore-test-forwarding")

    assert (1, before) == (output.status, after)
    assert f"Stage test is deployed in {REGION}" in output.err


@pytest.mark.usefixtures("output")
def test_an_attached_policy_is_found_before_the_removal(place: Place, checkout: Path) -> None:
    """A policy that people attached stops a removal at its beginning, because IAM deletes no role
    that has one.
    """
    document = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Deny", "Action": "iam:*", "Resource": "*"},
    }
    policy = place.clients("iam", REGION).create_policy(
        PolicyName="guard", PolicyDocument=json.dumps(document)
    )
    attached = {"RoleName": HEARTBEAT, "PolicyArn": policy["Policy"]["Arn"]}
    place.clients("iam", REGION).attach_role_policy(**attached)
    before = place.everything()
    kept = place.destroy("dev", checkout)
    place.clients("iam", REGION).detach_role_policy(**attached)
    place.clients("iam", REGION).delete_policy(PolicyArn=attached["PolicyArn"])

    assert (1, before) == (kept.status, place.everything())
    assert f"aws iam detach-role-policy --role-name {HEARTBEAT}" in kept.err


@pytest.mark.usefixtures("output")
def test_a_function_without_its_tag_stops_a_removal(place: Place, checkout: Path) -> None:
    """A function that lost its tag stops a removal, which would leave it behind; the command that
    tags it is printed.
    """
    functions = place.clients("lambda", REGION)
    arn = functions.get_function_configuration(FunctionName=HEARTBEAT)["FunctionArn"]
    tag = functions.list_tags(Resource=arn)["Tags"]["aws-chalice"]
    functions.untag_resource(Resource=arn, TagKeys=["aws-chalice"])
    before = place.everything()
    kept = place.destroy("dev", checkout)
    functions.tag_resource(Resource=arn, Tags={"aws-chalice": tag})

    assert (1, before) == (kept.status, place.everything())
    command = (
        f"aws lambda tag-resource --region {REGION} --resource {arn} --tags 'aws-chalice=stage=dev"
    )
    assert command in kept.err


@pytest.mark.usefixtures("output")
def test_a_stage_with_an_open_operation_is_not_removed(place: Place, checkout: Path) -> None:
    """An operation under way stops a removal: without its functions it would never finish."""
    operation = {
        "operation_id": {"S": "nightly"},
        "open": {"S": "yes"},
        "due_at": {"S": "2026-01-01T00:00:00Z"},
    }
    place.clients("dynamodb", REGION).put_item(TableName="aurora-restore-dev-state", Item=operation)
    before = place.everything()
    kept = place.destroy("dev", checkout)
    place.clients("dynamodb", REGION).delete_item(
        TableName="aurora-restore-dev-state", Key={"operation_id": {"S": "nightly"}}
    )

    assert (1, before) == (kept.status, place.everything())
    assert "Under way: nightly." in kept.err


@pytest.mark.usefixtures("output")
def test_destroy_leaves_nothing_behind(place: Place, checkout: Path) -> None:
    """A removal takes everything but the records and the secrets, also from a checkout that never
    deployed.

    Forwarding is deleted where it is and not only where the settings say, a missing bucket stops
    nothing, and the stage can be deployed again.
    """
    place.fill_in(checkout, "dev", {"SOURCE_REGION": "eu-west-1"})
    place.clients("s3", REGION).delete_bucket(
        Bucket=f"aurora-restore-dev-deployment-{ACCOUNT}-{REGION}"
    )
    place.clients("ssm", REGION).delete_parameter(Name="/aurora-restore/dev/source-region")
    forget(checkout)
    gone = place.destroy("dev", checkout)
    left = place.everything()
    nothing = place.destroy("dev", checkout)
    place.fill_in(checkout, "dev", {})
    back = place.deploy("dev", checkout)

    assert 0 == gone.status
    assert "" == gone.err
    assert 0 == nothing.status
    assert "" == nothing.err
    assert 0 == back.status
    assert "" == back.err
    assert gone.out.startswith(f"Deleting the stage dev from the account {ACCOUNT}, {REGION}:\n")
    deleted = [line.split() for line in gone.out.splitlines() if line.startswith("  delete ")]
    by_kind = Counter(line[1] for line in deleted)
    assert {"function": 12, "rule": 12, "role": 12, "log": 12, "stack": 2} == by_kind
    assert nothing.out.startswith(
        f"Nothing is left to delete: the account {ACCOUNT}, {REGION} has no functions, "
    )
    assert "Kept: the stack aurora-restore-dev-records" in gone.out
    assert {"aurora-restore-dev-records": "UPDATE_COMPLETE"} == left["stacks"]
    assert {"aurora-restore-dev-state", "aurora-restore-dev-audit"} == left["tables"]
    assert {"/aws/lambda/aurora-restore-dev-visitor"} == left["logs"]  # which expire by themselves
    assert 2 == len(left["secrets"])
    kept = {"stacks", "tables", "logs", "secrets"}
    assert {} == {kind: found for kind, found in left.items() if found and kind not in kept}
    assert sorted(FUNCTIONS) == sorted(place.functions("dev"))
