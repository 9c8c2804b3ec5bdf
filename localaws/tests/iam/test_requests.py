"""What calls of the other services ask for, and what nobody can be asked."""

from typing import Any

import pytest
from localaws.iam import UnmodelledPermissionError, lambdas
from tests.iam.cluster_with_key import ACCOUNT, FUNCTION, HERE, ClusterWithKey, pairs


def test_events_ask_once_for_each_bus_with_all_their_sources(scene: ClusterWithKey) -> None:
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
    expected = [
        ("events:PutEvents", f"events:{HERE}::event-bus/default"),
        ("events:PutEvents", f"events:{HERE}:999999999999:event-bus/theirs"),
    ]

    assert expected == pairs(asked)
    assert [(("a", "b"), ("x",)), (("a",), ("y",))] == [
        (ask.context["events:source"], ask.context["events:detail-type"]) for ask in asked
    ]


def test_a_transaction_asks_for_each_of_its_items(scene: ClusterWithKey) -> None:
    """A transaction asks for each of its items: there is no permission for transactions."""
    items = [{kind: {"TableName": "t"}} for kind in ("Update", "Put", "Delete", "ConditionCheck")]
    asked = scene.permission_requests("dynamodb:TransactWriteItems", TransactItems=items)
    found = [ask.action[9:] for ask in asked]

    assert ["UpdateItem", "PutItem", "DeleteItem", "ConditionCheckItem"] == found
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
        (
            "route53:ListResourceRecordSets",
            {"HostedZoneId": "/hostedzone/Z1"},
            ("route53:ListResourceRecordSets", "route53:::hostedzone/Z1"),
        ),
        (
            "route53:GetHostedZone",
            {"Id": "Z1"},
            ("route53:GetHostedZone", "route53:::hostedzone/Z1"),
        ),
        ("route53:GetChange", {"Id": "C1"}, ("route53:GetChange", "route53:::change/C1")),
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
            "ssm:PutParameter",
            {"Name": "/a/b", "Type": "String"},
            ("ssm:PutParameter", f"ssm:{HERE}::parameter/a/b"),
        ),
        (
            "secretsmanager:GetSecretValue",
            {"SecretId": "none"},
            ("secretsmanager:GetSecretValue", f"secretsmanager:{HERE}::secret:none"),
        ),
    ],
)
def test_one_question(
    scene: ClusterWithKey, name: str, parameters: dict[str, Any], expected: tuple[str, str]
) -> None:
    """Each call asks for one permission; a missing secret is asked for by the name that was
    given.
    """
    assert [expected] == pairs(scene.permission_requests(name, **parameters))


def test_a_secret_is_asked_for_by_its_whole_name_and_with_its_key(scene: ClusterWithKey) -> None:
    """A secret is asked for by its whole ARN.

    A customer's key is used through Secrets Manager; the account's own key asks nothing.
    """
    plain = scene.permission_requests("secretsmanager:GetSecretValue", SecretId="plain")
    locked = scene.permission_requests("secretsmanager:GetSecretValue", SecretId="locked")
    expected = [("secretsmanager:GetSecretValue", f"secretsmanager:{HERE}::secret:plain-AbCdEf")]

    assert expected == pairs(plain)
    assert "kms:Decrypt" == locked[1].action
    assert f"secretsmanager.{HERE}.amazonaws.com" == locked[1].context["kms:ViaService"]


def test_a_new_version_of_a_secret_asks_for_its_key_to_encrypt_and_to_compare(
    scene: ClusterWithKey,
) -> None:
    """To move a label from one version to another needs no key."""
    arn = f"secretsmanager:{HERE}::secret:locked-AbCdEf"
    put = scene.permission_requests("secretsmanager:PutSecretValue", SecretId="locked")
    moved = scene.permission_requests("secretsmanager:UpdateSecretVersionStage", SecretId="locked")

    assert ("secretsmanager:PutSecretValue", arn) == pairs(put)[0]
    assert ["kms:GenerateDataKey", "kms:Decrypt"] == [ask.action for ask in put[1:]]
    assert [("secretsmanager:UpdateSecretVersionStage", arn)] == pairs(moved)


def test_each_parameter_is_asked_for(scene: ClusterWithKey) -> None:
    """One that may not be read keeps all of them from being read, as on AWS."""
    names = ["/a/b", "/a/c"]
    read = scene.permission_requests("ssm:GetParameters", Names=names)
    gone = scene.permission_requests("ssm:DeleteParameters", Names=names)
    arns = [f"ssm:{HERE}::parameter{name}" for name in names]

    assert [("ssm:GetParameters", arn) for arn in arns] == pairs(read)
    assert [("ssm:DeleteParameters", arn) for arn in arns] == pairs(gone)


def test_a_secure_string_is_not_judged(scene: ClusterWithKey) -> None:
    """Nothing here knows which key it needs."""
    with pytest.raises(UnmodelledPermissionError, match="plain strings"):
        scene.permission_requests("ssm:PutParameter", Name="/a", Type="SecureString")


def test_an_encrypted_topic_asks_for_its_key(scene: ClusterWithKey) -> None:
    """An encrypted topic asks for its key, for that topic and through SNS."""
    topics = [f"arn:aws:sns:{HERE}:{ACCOUNT}:{name}" for name in ("open", "closed")]
    open_, closed = (scene.permission_requests("sns:Publish", TopicArn=topic) for topic in topics)

    assert ["sns:Publish"] == [ask.action for ask in open_]
    assert ["sns:Publish", "kms:GenerateDataKey", "kms:Decrypt"] == [ask.action for ask in closed]
    assert topics[1] == closed[1].context["kms:EncryptionContext:aws:sns:topicArn"]
    assert f"sns.{HERE}.amazonaws.com" == closed[1].context["kms:ViaService"]


def test_a_key_is_asked_for_itself_whatever_it_is_called(scene: ClusterWithKey) -> None:
    """A call of KMS asks for the key by its ARN and through no service.

    A missing key asks nothing, because KMS does not find it.
    """
    (by_alias,) = scene.permission_requests("kms:DescribeKey", KeyId="alias/here")

    assert (scene.here, "alias/here") == (by_alias.resource, by_alias.context["kms:RequestAlias"])
    assert "kms:ViaService" not in by_alias.context
    assert [] == scene.permission_requests("kms:DescribeKey", KeyId="alias/nothing")


def test_who_am_i_needs_no_permission(scene: ClusterWithKey) -> None:
    """GetCallerIdentity needs no permission."""
    assert [] == scene.permission_requests("sts:GetCallerIdentity")


def test_every_question_knows_its_region_and_whose_code_asks(scene: ClusterWithKey) -> None:
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
    scene: ClusterWithKey, name: str, parameters: dict[str, Any]
) -> None:
    """A call that has no entry in the table is refused with a sentence, neither allowed nor
    denied.
    """
    with pytest.raises(UnmodelledPermissionError, match=r"^localaws does not know which .*\.$"):
        scene.permission_requests(name, **parameters)
