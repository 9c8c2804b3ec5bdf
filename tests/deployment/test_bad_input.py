"""What stops a deployment is found before anything is changed, all of it at once, with what to do."""

import json
from typing import Any

import pytest

from tests.deployment.place import ACCOUNT, REGION, Place, Said


def refused(
    place: Place, name: str, *, stage: str = "dev", given: dict[str, Any] | None = None, **environment: str
) -> Said:
    """Try to deploy a stage with other settings; see that nothing came of it."""
    before = place.everything()
    checkout = place.checkout(name, **{stage: given or {}})
    said = place.deploy(stage, checkout, **environment)

    assert (1, before) == (said.status, place.everything())
    assert "Traceback" not in said.err
    return said


def test_a_stage_that_does_not_exist(place: Place) -> None:
    """The sentence names those that do."""
    said = place.deploy("staging", place.checkout("no-stage"))

    assert (1, "") == (said.status, said.out)
    assert said.err == (
        "There is no stage 'staging': .chalice/config.json has dev, local, prod, test. Name one of them, or add yours "
        "there.\n"
    )


def test_nobody_who_is_known(place: Place) -> None:
    """Without credentials everything that can be said of the settings is said nevertheless."""
    keys = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}
    said = refused(place, "no-credentials", given={"SOURCE_CLUSTER_ID": None}, **keys)

    assert "credentials: FAILED (AWS does not know who asks" in said.err
    assert "SOURCE_CLUSTER_ID is not set" in said.err


def test_another_account(place: Place) -> None:
    """ACCOUNT_ID of the stage is compared with whoever asks."""
    said = refused(place, "other-account", given={"ACCOUNT_ID": "999999999999"})

    assert f"These are credentials of {ACCOUNT}, and stage dev belongs into 999999999999." in said.err


def test_another_region(place: Place) -> None:
    """A shell that is about another region is not obeyed, and not overruled either."""
    said = refused(place, "other-region", AWS_DEFAULT_REGION="eu-west-1")

    assert f"AWS_DEFAULT_REGION says eu-west-1, and stage dev lives where its target is: {REGION}." in said.err


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"TARGET_CLUSTER_ID": "prod-cluster", "SOURCE_REGION": REGION}, "the target is the source cluster itself"),
        ({"SOURCE_ACCOUNT_ID": "999999999999"}, "another account, and CROSS_ACCOUNT_ROLE_ARN is not set"),
        (
            {"SOURCE_ACCOUNT_ID": "999999999999", "CROSS_ACCOUNT_ROLE_ARN": "arn:aws:iam::999999999999:role/x"},
            "restores between accounts are not built yet",
        ),
        ({"KMS_KEY_ID": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/x"}, "KMS_KEY_ID is a key of us-east-1"),
        ({"STATE_TABLE_NAME": "mine"}, "STATE_TABLE_NAME is mine, and the stage's is aurora-restore-dev-state."),
        ({"subnet_ids": []}, "setup-db-users has no subnet_ids"),
        ({"subnet_ids": ["subnet-00000000"]}, "subnet-00000000"),
        ({"security_group_ids": ["sg-00000000"]}, "sg-00000000"),
        ({"INSTANCE_CLASS": "large"}, "INSTANCE_CLASS is 'large'"),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(value),
)
def test_settings_that_do_not_hold_together(
    place: Place, request: pytest.FixtureRequest, given: dict[str, Any], sentence: str
) -> None:
    """Each in a sentence that names it."""
    said = refused(place, request.node.name.replace("/", "-"), given=given)

    assert sentence in said.err
    assert "Nothing was changed." == said.complaints[-1]


def test_everything_at_once(place: Place) -> None:
    """A stage as it comes is told all that it lacks in one go."""
    nothing = dict.fromkeys(("SOURCE_REGION", "SOURCE_CLUSTER_ID", "TARGET_REGION", "TARGET_CLUSTER_ID"))
    said = refused(place, "as-it-comes", given={**nothing, "subnet_ids": [], "security_group_ids": []})

    assert [] == [name for name in nothing if f"{name} is not set" not in said.err]
    assert 2 == said.err.count("network: FAILED")


def test_names_that_are_somebody_elses(place: Place) -> None:
    """Table, topic, queue, bucket, parameter and function are each told with the command that frees the name."""
    place.clients("dynamodb", REGION).create_table(
        TableName="aurora-restore-test-state", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "operation_id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "operation_id", "KeyType": "HASH"}],
    )  # fmt: skip
    bucket = f"aurora-restore-test-deployment-{ACCOUNT}-{REGION}"
    place.clients("sns", REGION).create_topic(Name="aurora-restore-test-notifications")
    place.clients("sqs", REGION).create_queue(QueueName="aurora-restore-test-failures")
    place.clients("s3", REGION).create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    place.clients("ssm", REGION).put_parameter(Name="/aurora-restore/test/kms-key-id", Value="mine", Type="String")
    said = refused(place, "taken", stage="test")

    expected = (
        f"The table aurora-restore-test-state in {REGION}", f"The topic aurora-restore-test-notifications in {REGION}",
        f"The queue aurora-restore-test-failures in {REGION}", f"The bucket {bucket}",
        "The SSM parameter /aurora-restore/test/kms-key-id = mine",
    )  # fmt: skip
    assert [] == [what for what in expected if f"{what} is there already" not in said.err]
    assert f"aws s3 rb --force s3://{bucket}" in said.err


def test_a_stack_that_rolled_back(place: Place) -> None:
    """It can only be deleted, and the sentence says how."""
    place.clients("sqs", REGION).create_queue(QueueName="mine")
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "mine"}}
    place.clients("cloudformation", REGION).create_stack(
        StackName="aurora-restore-foundation", TemplateBody=json.dumps({"Resources": {"Queue": queue}})
    )
    said = refused(place, "rolled-back", stage="prod")

    assert "The stack aurora-restore-foundation in us-west-2 is ROLLBACK_COMPLETE" in said.err
    assert "aws cloudformation delete-stack --region us-west-2 --stack-name aurora-restore-foundation" in said.err
