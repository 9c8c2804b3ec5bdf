"""What a role may not do is refused over HTTP, as AWS does it.

People are not limited, and every decision is kept.
"""

import json

import pytest
import urllib3
from localaws.iam.decisions import DecisionRecord
from localaws.server import Server
from tests.iam.iam_server import ACCOUNT, REGION, Call, IamServer

QUEUE = f"http://127.0.0.1/{ACCOUNT}/inbox"
SECRETS = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:"
WHO = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/held/held is not authorized to perform: "


@pytest.fixture(scope="module")
def account(server: Server) -> IamServer:
    """Give the account."""
    return IamServer(server)


CALLS: dict[str, tuple[Call, tuple[str, int], str]] = {
    "rds": (
        ("rds", "describe_db_clusters", {"DBClusterIdentifier": "a"}),
        ("AccessDenied", 403),
        f"rds:DescribeDBClusters on resource: arn:aws:rds:{REGION}:{ACCOUNT}:cluster:a",
    ),
    "dynamodb": (
        ("dynamodb", "get_item", {"TableName": "t", "Key": {"k": {"S": "1"}}}),
        ("AccessDeniedException", 400),
        f"dynamodb:GetItem on resource: arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/t",
    ),
    "events": (
        ("events", "put_events", {"Entries": [{"Source": "a", "DetailType": "b", "Detail": "{}"}]}),
        ("AccessDeniedException", 400),
        f"events:PutEvents on resource: arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default",
    ),
    "sns": (
        ("sns", "publish", {"TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:t", "Message": "m"}),
        ("AuthorizationError", 403),
        f"sns:Publish on resource: arn:aws:sns:{REGION}:{ACCOUNT}:t",
    ),
    "sqs": (
        ("sqs", "send_message", {"QueueUrl": QUEUE, "MessageBody": "m"}),
        ("AccessDenied", 403),
        f"sqs:SendMessage on resource: arn:aws:sqs:{REGION}:{ACCOUNT}:inbox",
    ),
    "ssm": (
        ("ssm", "get_parameters_by_path", {"Path": "/a/"}),
        ("AccessDeniedException", 400),
        f"ssm:GetParametersByPath on resource: arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/a/",
    ),
    "secretsmanager": (
        ("secretsmanager", "get_secret_value", {"SecretId": "s"}),
        ("AccessDeniedException", 400),
        (
            "secretsmanager:GetSecretValue on resource: "
            f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:s"
        ),
    ),
    "route53": (
        ("route53", "get_change", {"Id": "/change/C1"}),
        ("AccessDenied", 403),
        "route53:GetChange on resource: arn:aws:route53:::change/C1",
    ),
    "ec2": (
        ("ec2", "describe_security_groups", {"GroupIds": ["sg-1"]}),
        ("UnauthorizedOperation", 403),
        "ec2:DescribeSecurityGroups on resource: *",
    ),
}


@pytest.mark.parametrize("service", CALLS)
def test_each_service_refuses_in_its_own_way(account: IamServer, service: str) -> None:
    """Each service refuses with its own code and status, and with IAM's sentence: who may not do
    what to what, and why.
    """
    account.may_nothing()
    call, (code, status), what = CALLS[service]
    action = what.partition(" ")[0]
    expected = (
        code,
        status,
        f"{WHO}{what} because no identity-based policy allows the {action} action",
    )

    assert expected == (account.refusal(call))


def test_an_explicit_deny_is_said_to_be_one(account: IamServer) -> None:
    """The refusal says when a Deny caused it, so that nobody looks for a missing Allow."""
    account.may({"Action": "rds:*"}, {"Effect": "Deny", "Action": "rds:Describe*"})

    assert account.refusal(CALLS["rds"][0])[2].endswith(
        " with an explicit deny in an identity-based policy"
    )


def pointing(zone: str, name: str, kind: str = "CNAME") -> Call:
    """Give a call that points a name of a zone somewhere."""
    record = {"Name": name, "Type": kind, "TTL": 5, "ResourceRecords": [{"Value": "a.example"}]}
    changes = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    parameters = {"HostedZoneId": zone, "ChangeBatch": changes}
    return "route53", "change_resource_record_sets", parameters


def test_a_role_may_change_one_record_of_a_zone(account: IamServer) -> None:
    """Route 53's condition keys say which names, types and actions of a batch are allowed."""
    people = account.people("route53")
    made = people.create_hosted_zone(Name="db.example", CallerReference="one")["HostedZone"]
    zone = made["Id"].rpartition("/")[2]
    key = "route53:ChangeResourceRecordSets"
    conditions = {
        f"{key}NormalizedRecordNames": ["staging.db.example"],
        f"{key}RecordTypes": ["CNAME"],
        f"{key}Actions": ["UPSERT"],
    }
    account.may(
        {
            "Action": key,
            "Resource": f"arn:aws:route53:::hostedzone/{zone}",
            "Condition": {"ForAllValues:StringEquals": conditions},
        }
    )
    refused = [
        account.refusal(pointing(zone, "other.db.example"))[0],
        account.refusal(pointing(zone, "staging.db.example", "TXT"))[0],
        account.refusal(pointing("ZOTHER", "staging.db.example"))[0],
    ]
    _, call, parameters = pointing(zone, "Staging.db.example.")
    done = getattr(account.function("route53"), call)(**parameters)["ChangeInfo"]

    assert ["AccessDenied"] * 3 == refused
    assert "PENDING" == done["Status"]


def test_what_is_allowed_is_done(account: IamServer) -> None:
    """An allowed call is answered as for anybody: a parameter that people wrote is read."""
    account.people("ssm").put_parameter(Name="/a/b", Value="c", Type="String")
    account.may(
        {
            "Action": "ssm:GetParametersByPath",
            "Resource": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/a/",
        }
    )
    found = account.function("ssm").get_parameters_by_path(Path="/a/")["Parameters"]
    expected = "AccessDeniedException"

    assert ["c"] == [parameter["Value"] for parameter in found]
    assert expected == account.refusal(("ssm", "get_parameters_by_path", {"Path": "/b/"}))[0]


def test_the_policy_counts_as_it_is_now(account: IamServer) -> None:
    """The present policy counts, also for credentials that were made before it was changed."""
    account.may({"Action": "rds:DescribeDBClusters"})
    found = account.function("rds").describe_db_clusters()["DBClusters"]
    account.may_nothing()

    assert [] == found
    assert "AccessDenied" == account.refusal(CALLS["rds"][0])[0]


def test_attached_policies_count_in_their_default_version(account: IamServer) -> None:
    """Attached policies count like inline ones, in their default version; an older version does
    not.
    """
    account.may_nothing()
    iam = account.people("iam")
    documents = [
        json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}],
            }
        )
        for action in ("rds:*", "sns:*")
    ]
    arn = iam.create_policy(PolicyName="attached", PolicyDocument=documents[0])["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="held", PolicyArn=arn)
    found = account.function("rds").describe_db_clusters()["DBClusters"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=documents[1], SetAsDefault=True)
    after = account.refusal(CALLS["rds"][0])[0]
    iam.detach_role_policy(RoleName="held", PolicyArn=arn)

    assert ([], "AccessDenied") == (found, after)


def test_a_key_that_may_not_be_used_is_refused_in_the_services_words(account: IamServer) -> None:
    """A key that the role may not use is reported by RDS as not accessible, and nothing is made."""
    key = account.people("kms").create_key()["KeyMetadata"]["Arn"]
    account.may({"Action": "rds:*"})
    call = {
        "DBClusterIdentifier": "new",
        "SnapshotIdentifier": "s",
        "Engine": "aurora-postgresql",
        "KmsKeyId": key,
    }
    code, status, message = account.refusal(("rds", "restore_db_cluster_from_snapshot", call))

    assert ("KMSKeyNotAccessibleFault", 400) == (code, status)
    assert f"kms:CreateGrant on resource: {key}" in message


def test_the_state_of_the_world_is_asked_for(account: IamServer) -> None:
    """Present resources count: the tags of a cluster decide whether it may be started.

    A key and a secret are found.
    """
    rds, secrets = account.people("rds"), account.people("secretsmanager")
    for name, value in (("ours", "test/default"), ("theirs", "prod/default")):
        rds.create_db_cluster(
            DBClusterIdentifier=name,
            Engine="aurora-postgresql",
            MasterUsername="master",
            MasterUserPassword="a-password",
            Tags=[{"Key": "aurora-restore", "Value": value}],
        )
    secrets.create_secret(Name="mine", SecretString="s")
    key = account.people("kms").create_key()["KeyMetadata"]["Arn"]
    account.people("kms").create_alias(AliasName="alias/mine", TargetKeyId=key)
    account.may(
        {
            "Action": "rds:StartDBCluster",
            "Condition": {"StringLike": {"aws:ResourceTag/aurora-restore": "test/*"}},
        },
        {"Action": "secretsmanager:GetSecretValue", "Resource": f"{SECRETS}mine-??????"},
        {"Action": "kms:DescribeKey", "Resource": key},
    )

    assert [
        "InvalidDBClusterStateFault",
        "AccessDenied",
    ] == [  # ours is not stopped, which is RDS's own answer
        account.refusal(("rds", "start_db_cluster", {"DBClusterIdentifier": name}))[0]
        for name in ("ours", "theirs")
    ]
    assert (
        "s" == account.function("secretsmanager").get_secret_value(SecretId="mine")["SecretString"]
    )
    assert key == account.function("kms").describe_key(KeyId="alias/mine")["KeyMetadata"]["Arn"]


def test_people_are_not_limited(account: IamServer) -> None:
    """People are not limited, nor is a role assumed by STS: only a function's credentials stand for
    its role.
    """
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = account.people("iam").create_role(RoleName="people", AssumeRolePolicyDocument=document)[
        "Role"
    ]["Arn"]
    given = account.people("sts").assume_role(RoleArn=role, RoleSessionName="somebody")[
        "Credentials"
    ]
    keys = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }

    assert given["AccessKeyId"].startswith("ASIA")
    assert [[], []] == [
        account.people("rds", **credentials).describe_db_instances()["DBInstances"]
        for credentials in ({}, keys)
    ]


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("rds", "InvalidClientTokenId"),
        ("dynamodb", "UnrecognizedClientException"),
        ("ec2", "AuthFailure"),
    ],
)
@pytest.mark.parametrize("wrong", ["aws_access_key_id", "aws_session_token"])
def test_temporary_credentials_that_nobody_was_given_are_refused(
    account: IamServer, service: str, code: str, wrong: str
) -> None:
    """Unknown temporary credentials are refused, and so is a key without its token."""
    keys = {
        "aws_access_key_id": account.session.access_key,
        "aws_session_token": account.session.token,
    }
    client = account.people(service, **{**keys, wrong: "ASIAAAAAAAAAAAAAAAAA"})
    found = account.refusal(CALLS[service][0], client)[::2]

    assert (code, "The security token included in the request is invalid.") == found


def test_a_request_that_was_signed_beforehand_is_held_too(account: IamServer) -> None:
    """A request that was signed beforehand, with the signature in its address, is judged like any
    other.
    """
    account.may_nothing()
    urls = [
        account.function("sts").generate_presigned_url("get_caller_identity"),
        account.function("ec2").generate_presigned_url("describe_security_groups"),
    ]

    assert [200, 403] == [urllib3.request("GET", url).status for url in urls]


@pytest.mark.parametrize(
    "call",
    [
        ("s3", "list_buckets", {}),
        ("iam", "list_roles", {}),
        ("lambda", "list_functions", {}),
        ("sqs", "list_queues", {}),
    ],
    ids=lambda call: call[0],
)
def test_a_call_that_nobody_can_judge_is_refused_not_allowed(
    account: IamServer, call: Call
) -> None:
    """A call whose permissions are not modelled is refused, even if the policy allows
    everything.
    """
    account.may({"Action": "*"})
    code, status, message = account.refusal(call)

    assert ("LocalAwsNotModelled", 501) == (code, status)
    assert message.startswith(f"localaws does not know which permissions {call[0]}:")


def test_a_policy_that_is_not_understood_is_refused_not_allowed(account: IamServer) -> None:
    """A policy with a condition key that localaws does not have is refused, because nobody can
    judge it.
    """
    account.may({"Action": "rds:*", "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}})
    code, status, message = account.refusal(CALLS["rds"][0])

    assert ("LocalAwsNotModelled", 501) == (code, status)
    assert "inline: localaws does not know the condition key aws:SourceVpc." == message


def test_every_decision_is_kept(account: IamServer) -> None:
    """Each decision is kept in memory and as a line of JSON in the data folder: who, what, on what,
    and which statement decided.
    """
    account.may({"Sid": "Look", "Action": "rds:DescribeDBClusters"})
    account.function("rds").describe_db_clusters()
    account.refusal(CALLS["sns"][0])
    allowed = DecisionRecord(
        "held",
        "rds:DescribeDBClusters",
        f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:*",
        "allowed",
        "Look",
    )
    denied = DecisionRecord("held", "sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:t", "denied")
    lines = (account.server.folder / "iam.jsonl").read_text().splitlines()

    assert [allowed, denied] == list(account.server.enforcer.decisions)[-2:]
    assert {
        "function": "held",
        "action": "sns:Publish",
        "resource": denied.resource,
        "decision": "denied",
        "sid": None,
    } == (json.loads(lines[-1]))
    assert list(account.server.enforcer.decisions) == [
        DecisionRecord(**json.loads(line)) for line in lines
    ]


def test_nothing_secret_is_kept(account: IamServer) -> None:
    """Neither the file of decisions nor a session's text shows a key's secret or a token."""
    text = (account.server.folder / "iam.jsonl").read_text() + repr(account.session)
    found = [
        secret for secret in (account.session.secret_key, account.session.token) if secret in text
    ]

    assert [] == found
