"""What stops a deployment is found before anything is changed, all at once, with advice."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from localaws.clients import EndpointClients

from aurora_restore.deployment import config_checks
from aurora_restore.packaging.platforms import RUNTIME
from aurora_restore.stages import CHECKOUT, make_command
from tests.deployment.forked_commands import run_forked
from tests.deployment.place import ACCOUNT, REGION, SOURCE_REGION, Place, Said, a_package

LAMBDA = "lambda.amazonaws.com"
LOOK = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "rds:DescribeDBClusters", "Resource": "*"}],
}


def refused(
    place: Place,
    name: str,
    *,
    stage: str = "dev",
    given: dict[str, Any] | None = None,
    **environment: str,
) -> Said:
    """Try to deploy a stage with other settings; see that nothing came of it."""
    before = place.everything()
    checkout = place.checkout(name, **{stage: given or {}})
    output = place.deploy(stage, checkout, **environment)

    assert (1, before) == (output.status, place.everything())
    assert "Traceback" not in output.err
    return output


def test_a_stage_that_does_not_exist(place: Place) -> None:
    """A stage that does not exist is refused with the names of those that do."""
    output = place.deploy("staging", place.checkout("no-stage"))
    expected = (
        "There is no stage 'staging': .chalice/config.json has dev, local, prod, test. Name one of "
        "them, or add yours there.\n"
    )

    assert (2, "") == (output.status, output.out)
    assert output.err == expected


def test_a_misspelt_stage_names_the_nearest(place: Place) -> None:
    """A misspelt stage gets the nearest name beside the list."""
    output = place.deploy("prd", place.checkout("misspelt-stage"))

    assert "Did you mean 'prod'?" in output.err


@pytest.mark.parametrize("target", ["deploy", "destroy", "package", "doctor"])
def test_a_missing_stage_is_reported_with_the_command_to_type(target: str) -> None:
    """Each make target that takes STAGE says what to type when it is missing."""
    done = run_forked([target, "--stage", ""], CHECKOUT, os.environ)

    assert 2 == done.returncode
    assert done.stderr == (
        "The stage is missing: .chalice/config.json has dev, local, prod, test. Name one of them, "
        f"for example: aurora-restore {target} --stage dev, or make {target} STAGE=dev\n"
    )


def test_a_stage_without_a_region_cannot_be_destroyed_until_it_is_set() -> None:
    """The sentence says where people set the region."""
    program = [sys.executable, "-m", "aurora_restore", "destroy", "--stage", "dev"]
    done = subprocess.run(program, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    expected = (
        "TARGET_REGION of stage dev is not set, so it is not known where the stage is deployed. "
        "Set it in .chalice/config.json (environment_variables of stage dev).\n"
    )

    assert (1, "") == (done.returncode, done.stdout)
    assert done.stderr == expected


@pytest.mark.parametrize("checkout", [CHECKOUT, CHECKOUT / "a copy"], ids=["this", "another"])
@pytest.mark.parametrize("stage", ["dev", "local"])
def test_a_printed_command_works_when_it_is_pasted(stage: str, checkout: Path) -> None:
    """A printed make command, pasted into a shell, passes the same stage and checkout, also with a
    blank in it.
    """
    line = make_command("deploy", stage, checkout)
    pasted = ["sh", "-c", f"{line} -n --no-print-directory"]
    done = subprocess.run(pasted, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    command = shlex.split(done.stdout.splitlines()[-1])
    options = dict(pairwise(command))

    assert stage == options["--stage"]
    assert checkout == (CHECKOUT / options["--checkout"]).resolve()


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ('{"stages": {"dev": ', "cannot be read: Expecting value"),
        ("[]", "has no stages: an object `stages` with an object for each."),
        ('{"stages": ["dev"]}', "has no stages"),
        (
            '{"stages": {"dev": {"environment_variables": []}}}',
            "environment_variables is no object of names and texts.",
        ),
        (
            '{"stages": {"dev": {"environment_variables": {"INSTANCE_COUNT": 2}}}}',
            "INSTANCE_COUNT of stage 'dev' is 2, and variables are text: write it in quotes in",
        ),
    ],
    ids=["no JSON", "a list", "a list of stages", "a list of variables", "a number"],
)
@pytest.mark.parametrize("command", ["deploy", "destroy"])
def test_a_configuration_that_nobody_can_read(
    place: Place, command: str, written: str, sentence: str
) -> None:
    """A configuration that cannot be read is one sentence with the file, and no traceback."""
    checkout = place.folder / "unreadable"
    (checkout / ".chalice").mkdir(parents=True, exist_ok=True)
    (checkout / ".chalice" / "config.json").write_text(written)
    output = place.run(command, "dev", checkout)

    assert (2, True) == (output.status, sentence in output.err)
    assert str(checkout / ".chalice" / "config.json") in output.err
    assert "Traceback" not in output.err


def test_credentials_that_aws_does_not_know(place: Place) -> None:
    """Without credentials the problems of the settings are reported nevertheless."""
    keys = {
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    output = refused(place, "no-credentials", given={"SOURCE_CLUSTER_ID": None}, **keys)

    assert "credentials: FAILED (No valid AWS credentials" in output.err
    assert "SOURCE_CLUSTER_ID is not set" in output.err


def test_another_account(place: Place) -> None:
    """ACCOUNT_ID of the stage must be the account of the credentials."""
    output = refused(place, "other-account", given={"ACCOUNT_ID": "999999999999"})
    expected = f"These are credentials of {ACCOUNT}, and stage dev belongs to 999999999999."

    assert expected in output.err


def test_another_region(place: Place) -> None:
    """A region of the shell that is not the stage's is neither obeyed nor overruled: the deployment
    stops.
    """
    output = refused(place, "other-region", AWS_DEFAULT_REGION="eu-west-1")
    expected = (
        f"AWS_DEFAULT_REGION says eu-west-1, and stage dev lives where its target is: {REGION}."
    )

    assert expected in output.err


WRONG: dict[
    str, tuple[dict[str, Any], tuple[str, ...]]
] = {  # together what lets the rest be looked at
    "of the deployment": (
        {
            "INSTANCE_CLAS": "db.r6g.large",
            "FRESHNESS_HOURS": "a day",
            "NOTIFICATION_EMAIL": "dba",
            "PROTECT_TABLES": "yes",
            "FORWARDING_ALARM_TOPIC_ARN": "pager",
            "STATE_TABLE_NAME": "mine",
            "ACCOUNT_ID": "12345",
            "manage_iam_role": False,
            "subnet_ids": [],
        },
        (
            (
                "of .chalice/config.json is not a known setting; did you mean INSTANCE_CLASS? "
                "Rename or remove it.)"
            ),
            "FRESHNESS_HOURS is 'a day', not 1 to 720 hours.",
            "NOTIFICATION_EMAIL is 'dba', which is no address.",
            "PROTECT_TABLES is 'yes', and neither true nor false.",
            "FORWARDING_ALARM_TOPIC_ARN is 'pager'",
            "STATE_TABLE_NAME is mine, and the stage's is aurora-restore-dev-state.",
            "ACCOUNT_ID is '12345', not twelve digits.",
            "manage_iam_role is set, and every function here has a role of its own.",
            "setup-db-users has no subnet_ids",
        ),
    ),
    "of what is not there": (
        {
            "ACCOUNT_ID": None,
            "subnet_ids": ["subnet-00000000"],
            "security_group_ids": ["sg-00000000"],
            "FORWARDING_ALARM_TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:pager",
            "MASTER_CREDENTIALS_SECRET_ID": "nobody/made-it",
        },
        (
            "ACCOUNT_ID is not set.",
            "subnet-00000000",
            "sg-00000000",
            "where the stage has its own",
            "names nobody/made-it, which is not there",
        ),
    ),
    "of the plan": (
        {"KMS_KEY_ID": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/x", "INSTANCE_CLASS": "large"},
        ("KMS_KEY_ID is a key of us-east-1", "INSTANCE_CLASS is 'large'"),
    ),
    "of the target": (
        {
            "TARGET_CLUSTER_ID": "prod-cluster",
            "SOURCE_REGION": REGION,
            "subnet_ids": "subnet-12345678",
        },
        (
            "the target is the source cluster itself",
            (
                'network: FAILED (subnet_ids of setup-db-users is "subnet-12345678": it should be '
                "a list of ids. Write "
            ),
        ),
    ),
    "of another account": (
        {"SOURCE_ACCOUNT_ID": "999999999999"},
        ("another account, and CROSS_ACCOUNT_ROLE_ARN is not set",),
    ),
    "of another account, with a role": (
        {
            "SOURCE_ACCOUNT_ID": "999999999999",
            "CROSS_ACCOUNT_ROLE_ARN": "arn:aws:iam::999999999999:role/x",
        },
        ("restores between accounts are not built yet",),
    ),
    "of a region": (
        {"SOURCE_REGION": "us-esat-1"},
        ("SOURCE_REGION is 'us-esat-1', and this boto3 knows no such region. Was us-",),
    ),
}


@pytest.mark.parametrize("which", WRONG)
def test_settings_that_do_not_hold_together(place: Place, which: str) -> None:
    """Contradicting settings are reported all at once, each by name."""
    given, sentences = WRONG[which]
    output = refused(place, which, given=given)

    assert [] == [sentence for sentence in sentences if sentence not in output.err], output.err
    assert "Nothing was changed." == output.complaints[-1]


def test_everything_at_once(place: Place) -> None:
    """A stage as it comes is told at once of everything that it lacks."""
    nothing = dict.fromkeys(
        ("SOURCE_REGION", "SOURCE_CLUSTER_ID", "TARGET_REGION", "TARGET_CLUSTER_ID")
    )
    output = refused(
        place, "as-it-comes", given={**nothing, "subnet_ids": [], "security_group_ids": []}
    )

    unset = r"^settings: FAILED \((\w+) is not set in \.chalice/config\.json"
    reported = re.findall(unset, output.err, re.MULTILINE)
    assert sorted(nothing) == sorted(name for name in reported if name in nothing)
    assert 2 == output.err.count("network: FAILED")


TAKEN_BUCKET = f"aurora-restore-test-deployment-{ACCOUNT}-{REGION}"


def take_names_of_records_and_forwarding(place: Place) -> None:
    """Make a table, a queue and a rule of the names that the stacks of stage test would use."""
    place.clients("dynamodb", REGION).create_table(
        TableName="aurora-restore-test-state",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "operation_id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "operation_id", "KeyType": "HASH"}],
    )
    place.clients("sqs", SOURCE_REGION).create_queue(
        QueueName="aurora-restore-test-forwarding-failures"
    )
    place.clients("events", SOURCE_REGION).put_rule(
        Name="aurora-restore-test-forwarding", ScheduleExpression="rate(1 day)"
    )


def take_names_of_the_foundation(place: Place) -> None:
    """Make what the foundation of stage test would make, under the same names."""
    kms, cloudwatch = place.clients("kms", REGION), place.clients("cloudwatch", REGION)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/aurora-restore-test-notifications", TargetKeyId=key)
    place.clients("sns", REGION).create_topic(Name="aurora-restore-test-notifications")
    place.clients("sqs", REGION).create_queue(QueueName="aurora-restore-test-failures")
    place.clients("s3", REGION).create_bucket(
        Bucket=TAKEN_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    place.clients("ssm", REGION).put_parameter(
        Name="/aurora-restore/test/kms-key-id", Value="mine", Type="String"
    )
    cloudwatch.put_metric_alarm(
        AlarmName="aurora-restore-test-heartbeat-silent",
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
        Threshold=1.0,
        Namespace="Mine",
        MetricName="mine",
        Period=60,
        Statistic="Sum",
    )
    cloudwatch.put_dashboard(
        DashboardName="aurora-restore-test-dashboard", DashboardBody='{"widgets": []}'
    )


def test_names_that_are_somebody_elses(place: Place) -> None:
    """Each name that a stack would create and that exists already is reported, with what frees
    it.
    """
    take_names_of_records_and_forwarding(place)
    take_names_of_the_foundation(place)
    output = refused(place, "taken", stage="test")

    expected = (
        f"The table aurora-restore-test-state in {REGION}",
        f"The topic aurora-restore-test-notifications in {REGION}",
        f"The queue aurora-restore-test-failures in {REGION}",
        f"The bucket {TAKEN_BUCKET}",
        "The SSM parameter /aurora-restore/test/kms-key-id = mine",
        f"The key's alias alias/aurora-restore-test-notifications in {REGION}",
        f"The alarm aurora-restore-test-heartbeat-silent in {REGION}",
        "The dashboard aurora-restore-test-dashboard",
        f"The queue aurora-restore-test-forwarding-failures in {SOURCE_REGION}",
        f"The rule aurora-restore-test-forwarding in {SOURCE_REGION}",
    )
    assert [] == [what for what in expected if f"{what} is there already" not in output.err]
    assert f"aws s3 rb --force s3://{TAKEN_BUCKET}" in output.err


def test_a_plan_whose_target_is_the_source_of_another(place: Place) -> None:
    """A plan whose target is the source of another stops the deployment, before any policy allows
    its deletion.
    """
    path = "/aurora-restore/dev/plans/weekly/"
    wrong = {
        "source-cluster-id": "analytics",
        "target-cluster-id": "prod-cluster",
        "target-region": SOURCE_REGION,
    }
    for name, value in wrong.items():
        place.clients("ssm", REGION).put_parameter(Name=path + name, Value=value, Type="String")
    output = refused(place, "plan-over-source")
    place.clients("ssm", REGION).delete_parameters(Names=[path + name for name in wrong])
    expected = (
        "plans: FAILED (The target of plan weekly, "
        "arn:aws:rds:us-east-1:123456789012:cluster:prod-cluster, is the "
    )

    assert expected in output.err


def test_a_bucket_of_another_account(place: Place) -> None:
    """A bucket of another account takes the name, because bucket names are global and nobody may
    look into it.
    """
    theirs = EndpointClients(place.endpoint).of_account("s3", REGION, "222222222222")
    bucket = f"aurora-restore-dev-deployment-{ACCOUNT}-{REGION}"
    theirs.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    output = refused(place, "their-bucket")
    theirs.delete_bucket(Bucket=bucket)

    assert (
        f"The bucket {bucket}, which belongs to another account (403), is there already"
        in output.err
    )


def trust(principal: dict[str, str]) -> str:
    """Write a policy that lets a principal assume a role."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def other_roles(place: Place) -> Iterator[str]:
    """Give prod's names to three roles of people's own, and the ARN of one that Lambda may use."""
    iam = place.clients("iam", REGION)
    trusted = {
        "delete-rds": {"AWS": ACCOUNT},
        "heartbeat": {"Service": LAMBDA},
        "restore-snapshot": {"Service": LAMBDA},
    }
    made = {
        name: iam.create_role(
            RoleName=f"aurora-restore-prod-{name}", AssumeRolePolicyDocument=trust(principal)
        )["Role"]["Arn"]
        for name, principal in trusted.items()
    }
    inline = {"RoleName": "aurora-restore-prod-heartbeat", "PolicyName": "of-mine"}
    iam.put_role_policy(**inline, PolicyDocument=json.dumps(LOOK))
    policy = iam.create_policy(PolicyName="mine", PolicyDocument=json.dumps(LOOK))["Policy"]["Arn"]
    attached = {"RoleName": "aurora-restore-prod-restore-snapshot", "PolicyArn": policy}
    iam.attach_role_policy(**attached)
    yield made["heartbeat"]
    iam.delete_role_policy(**inline)
    iam.detach_role_policy(**attached)
    iam.delete_policy(PolicyArn=policy)
    for name in made:
        iam.delete_role(RoleName=f"aurora-restore-prod-{name}")


@pytest.fixture
def other_rules(place: Place) -> Iterator[None]:
    """Give prod's names to three rules of people's own, two of them with targets."""
    events = place.clients("events", REGION)
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:aurora-restore-prod-check-copy-status"
    mine = {"Id": "mine", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:mine"}
    targets: dict[str, list[dict[str, str]]] = {
        "aurora-restore-prod-cancel-restore-event": [mine],
        "aurora-restore-prod-archive-snapshot-event": [],
        "aurora-restore-prod-check-copy-status-event": [
            {"Id": name, "Arn": function} for name in ("1", "mine")
        ],
    }
    for rule, put in targets.items():
        events.put_rule(Name=rule, ScheduleExpression="rate(1 day)")
        if put:
            events.put_targets(Rule=rule, Targets=put)
    yield
    for rule, put in targets.items():
        if put:
            events.remove_targets(Rule=rule, Ids=[target["Id"] for target in put])
        events.delete_rule(Name=rule)


@pytest.fixture
def other_functions(place: Place, other_roles: str) -> Iterator[None]:
    """Give prod's names to a function of people's own and to one of a stack."""
    functions = place.clients("lambda", REGION)
    tagged: dict[str, dict[str, str]] = {
        "copy-snapshot": {},
        "setup-db-users": {"aws:cloudformation:stack-name": "pipeline"},
    }
    for name, tags in tagged.items():
        functions.create_function(
            FunctionName=f"aurora-restore-prod-{name}",
            Runtime=RUNTIME,
            Role=other_roles,
            Handler="app.handler",
            Code={"ZipFile": a_package()},
            Tags=tags,
        )
    yield
    for name in tagged:
        functions.delete_function(FunctionName=f"aurora-restore-prod-{name}")


@pytest.mark.usefixtures("other_roles", "other_rules", "other_functions")
def test_resources_that_chalice_would_overwrite(place: Place) -> None:
    """Roles, rules and functions of Chalice's names that somebody else made are not adopted."""
    output = refused(place, "not-chalices", stage="prod")

    expected = (
        "The role aurora-restore-prod-delete-rds is not for Lambda alone",
        "The role aurora-restore-prod-heartbeat has the policy of-mine",
        "The role aurora-restore-prod-restore-snapshot has attached policies only",
        (
            "The rule aurora-restore-prod-cancel-restore-event has a target of somebody's: mine "
            "(arn:aws:sqs"
        ),
        (
            "The rule aurora-restore-prod-check-copy-status-event has a target of somebody's: mine "
            "(arn:aws:lambda"
        ),
        (
            "The rule aurora-restore-prod-archive-snapshot-event has an event pattern that no "
            "function here has."
        ),
        (
            "The function aurora-restore-prod-copy-snapshot was not made by Chalice for this app, "
            "or lost the tag"
        ),
        (
            "The function aurora-restore-prod-setup-db-users belongs to the CloudFormation stack "
            "pipeline."
        ),
    )
    assert [] == [what for what in expected if what not in output.err]
    assert (
        "aws iam delete-role-policy --role-name aurora-restore-prod-heartbeat --policy-name of-mine"
        in output.err
    )


@pytest.mark.usefixtures("other_roles", "other_rules", "other_functions")
def test_resources_that_are_not_chalices_are_not_deleted(place: Place) -> None:
    """A removal deletes neither a stage that a pipeline deployed, which goes by its stack, nor what
    people made.
    """
    before = place.everything()
    output = place.destroy("prod", place.checkout("not-ours", prod={}))

    assert (1, before) == (output.status, place.everything())
    assert "aws cloudformation delete-stack --region us-west-2 --stack-name pipeline" in output.err


def test_a_stage_is_taken_only_out_of_its_own_account(place: Place) -> None:
    """A removal is refused with credentials of another account, or without ACCOUNT_ID."""
    other = place.destroy(
        "dev", place.checkout("destroy-elsewhere", dev={"ACCOUNT_ID": "999999999999"})
    )
    unsaid = place.destroy("dev", place.checkout("destroy-anywhere", dev={"ACCOUNT_ID": None}))
    expected = f"These are credentials of {ACCOUNT}, and stage dev belongs to 999999999999."

    assert expected in other.err
    assert "ACCOUNT_ID is not set." in unsaid.err
    assert (1, 1) == (other.status, unsaid.status)


def test_a_secret_that_waits_for_its_deletion(place: Place) -> None:
    """A secret that is scheduled for deletion blocks its name until then, and the deployment says
    so.
    """
    secrets = place.clients("secretsmanager", REGION)
    secrets.create_secret(Name="aurora-restore/dev/app-db-credentials", SecretString="{}")
    secrets.delete_secret(SecretId="aurora-restore/dev/app-db-credentials")
    output = refused(place, "deleted-secret")
    secrets.delete_secret(
        SecretId="aurora-restore/dev/app-db-credentials", ForceDeleteWithoutRecovery=True
    )
    expected = f"restore-secret --region {REGION} --secret-id aurora-restore/dev/app-db-credentials"

    assert "The secret aurora-restore/dev/app-db-credentials waits for its deletion." in output.err
    assert expected in output.err


def test_plans_that_share_a_target(place: Place) -> None:
    """Plans must not share a target: a plan without one inherits the stage's, and a misspelt
    setting is none.
    """
    values = {
        "plans/eu/port": "5433",
        "plans/blue/target-clustr-id": "blue-cluster",
        "kms-key-di": "alias/mine",
    }
    names = {f"/aurora-restore/dev/{name}": value for name, value in values.items()}
    for name, value in names.items():
        place.clients("ssm", REGION).put_parameter(Name=name, Value=value, Type="String")
    output = refused(place, "shared-target")
    place.clients("ssm", REGION).delete_parameters(Names=list(names))
    expected = (
        "plans: FAILED (The plans default and eu have the same target, arn:aws:rds:us-west-2:"
    )

    assert expected in output.err
    assert (
        "dev/plans/blue/target-clustr-id is not a known setting; did you mean target-cluster-id?"
        in output.err
    )
    assert "The SSM parameter /aurora-restore/dev/kms-key-di is not a known setting" in output.err


@pytest.mark.parametrize(
    "name", ["POWERTOOLS_LOG_EVENT", "AWS_LAMBDA_EXEC_WRAPPER", "LOG_LEVEL", "PYTHONWARNINGS"]
)
def test_variables_of_others_are_let_be(place: Place, name: str) -> None:
    """Variables that Lambda, Powertools and layers read are no misspelt settings."""
    stage = place.stage("dev", place.checkout(f"others-{name}", dev={name: "INFO"}))

    assert [] == [*config_checks.of_variables(stage)]


def test_a_plan_that_only_ssm_knows(place: Place) -> None:
    """The settings of a plan that stands only in SSM are checked before anything is changed."""
    name = "/aurora-restore/dev/plans/weekly/instance-class"
    place.clients("ssm", REGION).put_parameter(Name=name, Value="large", Type="String")
    output = refused(place, "bad-plan")
    place.clients("ssm", REGION).delete_parameter(Name=name)

    assert "plans: FAILED" in output.err
    assert "'large'" in output.err


def test_a_stack_that_rolled_back(place: Place) -> None:
    """A stack that is ROLLBACK_COMPLETE can only be deleted, and the sentence has the command."""
    place.clients("sqs", REGION).create_queue(QueueName="mine")
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "mine"}}
    place.clients("cloudformation", REGION).create_stack(
        StackName="aurora-restore-foundation",
        Parameters=[{"ParameterKey": "Stage", "ParameterValue": "prod"}],
        TemplateBody=json.dumps(
            {"Parameters": {"Stage": {"Type": "String"}}, "Resources": {"Queue": queue}}
        ),
    )
    output = refused(place, "rolled-back", stage="prod")
    expected = (
        "aws cloudformation delete-stack --region us-west-2 --stack-name aurora-restore-foundation"
    )

    assert "The stack aurora-restore-foundation in us-west-2 is ROLLBACK_COMPLETE" in output.err
    assert expected in output.err


@pytest.mark.parametrize(
    ("name", "region"),
    [("aurora-restore-test-foundation", REGION), ("aurora-restore-test-forwarding", SOURCE_REGION)],
)
def test_a_stack_of_somebodys_is_neither_changed_nor_deleted(
    place: Place, name: str, region: str
) -> None:
    """A stack of our name without our templates' parameter Stage is neither changed nor deleted."""
    cloudformation = place.clients("cloudformation", region)
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "theirs"}}
    cloudformation.create_stack(
        StackName=name, TemplateBody=json.dumps({"Resources": {"Queue": queue}})
    )
    output = refused(place, f"{name}-theirs", stage="test")
    before = place.everything()
    gone = place.destroy("test", place.checkout(f"{name}-destroyed", test={}))
    after = place.everything()
    cloudformation.delete_stack(StackName=name)

    assert f"The stack {name} in {region} was not created by this stage." in output.err
    assert (0, before) == (gone.status, after)


def test_a_secret_deleted_outside_its_stack(place: Place) -> None:
    """A secret deleted outside its stack has to be made again: CloudFormation still counts on
    it.
    """
    secret = {
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {"Name": "aurora-restore/test/master-db-credentials"},
    }
    place.clients("cloudformation", REGION).create_stack(
        StackName="aurora-restore-test-records",
        Parameters=[{"ParameterKey": "Stage", "ParameterValue": "test"}],
        TemplateBody=json.dumps(
            {"Parameters": {"Stage": {"Type": "String"}}, "Resources": {"Secret": secret}}
        ),
    )
    place.clients("secretsmanager", REGION).delete_secret(
        SecretId="aurora-restore/test/master-db-credentials", ForceDeleteWithoutRecovery=True
    )
    output = refused(place, "secret-gone", stage="test")
    place.clients("cloudformation", REGION).delete_stack(StackName="aurora-restore-test-records")
    expected = (
        "The secret aurora-restore/test/master-db-credentials of the stack "
        "aurora-restore-test-records is gone."
    )

    assert expected in output.err
    assert (
        f"create-secret --region {REGION} --name aurora-restore/test/master-db-credentials"
        in output.err
    )
