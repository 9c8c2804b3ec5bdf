"""What calls of the other services ask for, and what nobody can be asked."""

from typing import Any

import pytest
from localaws.iam import UnmodelledPermissionError, lambdas
from tests.iam.asking import ACCOUNT, FUNCTION, HERE, Scene, pairs


def test_events_ask_once_for_each_bus_with_all_their_sources(scene: Scene) -> None:
    """PutEvents asks once for each bus with all sources: one entry of another source is not
    hidden.
    """
    asked = scene.permission_requests(
        "events:PutEvents",
        Entries=[
            {"Source": "a", "DetailType": "x"},
            {"Source": "b", "DetailType": "x"},
            {
                "Source": "a",
                "DetailType": "y",
                "EventBusName": f"arn:aws:events:{HERE}:999999999999:event-bus/theirs",
            },
        ],
    )

    assert [
        ("events:PutEvents", f"events:{HERE}::event-bus/default"),
        ("events:PutEvents", f"events:{HERE}:999999999999:event-bus/theirs"),
    ] == pairs(asked)
    assert [(("a", "b"), ("x",)), (("a",), ("y",))] == [
        (ask.context["events:source"], ask.context["events:detail-type"]) for ask in asked
    ]


def test_a_transaction_asks_for_each_of_its_items(scene: Scene) -> None:
    """A transaction asks for each of its items: there is no permission for transactions."""
    items = [{kind: {"TableName": "t"}} for kind in ("Update", "Put", "Delete", "ConditionCheck")]
    asked = scene.permission_requests("dynamodb:TransactWriteItems", TransactItems=items)

    assert ["UpdateItem", "PutItem", "DeleteItem", "ConditionCheckItem"] == [
        ask.action[9:] for ask in asked
    ]
    assert {("TransactWriteItems", f"arn:aws:dynamodb:{HERE}:{ACCOUNT}:table/t")} == {
        (ask.context["dynamodb:EnclosingOperation"], ask.resource) for ask in asked
    }


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("dynamodb:GetItem", {"TableName": "t"}, ("dynamodb:GetItem", f"dynamodb:{HERE}::table/t")),
        (
            "dynamodb:Query",
            {"TableName": "t", "IndexName": "i"},
            ("dynamodb:Query", f"dynamodb:{HERE}::table/t/index/i"),
        ),
        ("dynamodb:Query", {"TableName": "t"}, ("dynamodb:Query", f"dynamodb:{HERE}::table/t")),
        (
            "ssm:GetParametersByPath",
            {"Path": "/a/b/"},
            ("ssm:GetParametersByPath", f"ssm:{HERE}::parameter/a/b/"),
        ),
        ("ec2:DescribeSecurityGroups", {"GroupIds": ["sg-1"]}, ("ec2:DescribeSecurityGroups", "*")),
        (
            "sns:GetTopicAttributes",
            {"TopicArn": "arn:aws:sns:x:1:t"},
            ("sns:GetTopicAttributes", "sns:x:1:t"),
        ),
        (
            "sqs:SendMessage",
            {"QueueUrl": f"http://127.0.0.1/{ACCOUNT}/q"},
            ("sqs:SendMessage", f"sqs:{HERE}::q"),
        ),
        (
            "secretsmanager:GetSecretValue",
            {"SecretId": "none"},
            ("secretsmanager:GetSecretValue", f"secretsmanager:{HERE}::secret:none"),
        ),
    ],
)
def test_one_question(
    scene: Scene, name: str, parameters: dict[str, Any], expected: tuple[str, str]
) -> None:
    """Each call asks for one permission; a missing secret is asked for by the name that was
    given.
    """
    assert [expected] == pairs(scene.permission_requests(name, **parameters))


def test_a_secret_is_asked_for_by_its_whole_name_and_with_its_key(scene: Scene) -> None:
    """A secret is asked for by its whole ARN.

    A customer's key is used through Secrets Manager; the account's own key asks nothing.
    """
    plain = scene.permission_requests("secretsmanager:GetSecretValue", SecretId="plain")
    locked = scene.permission_requests("secretsmanager:GetSecretValue", SecretId="locked")

    assert [
        ("secretsmanager:GetSecretValue", f"secretsmanager:{HERE}::secret:plain-AbCdEf")
    ] == pairs(plain)
    assert "kms:Decrypt" == locked[1].action
    assert f"secretsmanager.{HERE}.amazonaws.com" == locked[1].context["kms:ViaService"]


def test_an_encrypted_topic_asks_for_its_key(scene: Scene) -> None:
    """An encrypted topic asks for its key, for that topic and through SNS."""
    topics = [f"arn:aws:sns:{HERE}:{ACCOUNT}:{name}" for name in ("open", "closed")]
    open_, closed = (scene.permission_requests("sns:Publish", TopicArn=topic) for topic in topics)

    assert ["sns:Publish"] == [ask.action for ask in open_]
    assert ["sns:Publish", "kms:GenerateDataKey", "kms:Decrypt"] == [ask.action for ask in closed]
    assert topics[1] == closed[1].context["kms:EncryptionContext:aws:sns:topicArn"]
    assert f"sns.{HERE}.amazonaws.com" == closed[1].context["kms:ViaService"]


def test_a_key_is_asked_for_itself_whatever_it_is_called(scene: Scene) -> None:
    """A call of KMS asks for the key by its ARN and through no service.

    A missing key asks nothing, because KMS does not find it.
    """
    (by_alias,) = scene.permission_requests("kms:DescribeKey", KeyId="alias/here")

    assert (scene.here, "alias/here") == (by_alias.resource, by_alias.context["kms:RequestAlias"])
    assert "kms:ViaService" not in by_alias.context
    assert [] == scene.permission_requests("kms:DescribeKey", KeyId="alias/nothing")


def test_who_am_i_needs_no_permission(scene: Scene) -> None:
    """GetCallerIdentity needs no permission."""
    assert [] == scene.permission_requests("sts:GetCallerIdentity")


def test_every_question_knows_its_region_and_whose_code_asks(scene: Scene) -> None:
    """Each request knows its region and whose code makes it; Lambda's own calls come from no
    code.
    """
    (ask,) = scene.permission_requests("dynamodb:GetItem", TableName="t")
    own = [
        *lambdas.logging(FUNCTION, "s"),
        *lambdas.delivering(f"arn:aws:sqs:{HERE}:{ACCOUNT}:q"),
        *lambdas.placing(FUNCTION, ["subnet-1"], ["sg-1"]),
    ]

    assert HERE == ask.context["aws:RequestedRegion"]
    assert FUNCTION == ask.context["lambda:SourceFunctionArn"]
    assert {(HERE, False)} == {
        (request.context["aws:RequestedRegion"], "lambda:SourceFunctionArn" in request.context)
        for request in own
    }


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("s3:GetObject", {}),
        ("rds:DeleteDBProxy", {}),
        ("ssm:GetParametersByPath", {"Path": "/", "WithDecryption": True}),
        ("rds:DeleteDBCluster", {}),
    ],
)
def test_what_nobody_has_written_down_is_refused(
    scene: Scene, name: str, parameters: dict[str, Any]
) -> None:
    """A call that has no entry in the table is refused with a sentence, neither allowed nor
    denied.
    """
    with pytest.raises(UnmodelledPermissionError, match=r"^localaws does not know which .*\.$"):
        scene.permission_requests(name, **parameters)
