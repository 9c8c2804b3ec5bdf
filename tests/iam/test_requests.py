"""What a call asks for, as AWS's tables and guides say: actions, resources, and what stands in the context."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from localaws.aurora import Aurora, AuroraClient, KeyRing, VirtualClock
from localaws.aurora.actions import ACTIONS
from localaws.iam import Ask, Call, NotModelledAskError, Secret, World, asks, lambdas
from localaws.iam.requests import KNOWN

ACCOUNT, HERE, THERE = "123456789012", "us-west-2", "us-east-1"
FUNCTION = f"arn:aws:lambda:{HERE}:{ACCOUNT}:function:f"
TAGS = [{"Key": "aurora-restore", "Value": "test/default"}, {"Key": "aurora-restore-operation", "Value": "o"}]
OURS = [TAGS[0]]


@dataclass
class Scene:
    """A cluster with an instance under a customer's key in one region, its snapshot in the other, and who asks."""

    keys: KeyRing = field(default_factory=KeyRing)

    def __post_init__(self) -> None:
        self.here = self.keys.create(ACCOUNT, HERE, "alias/here").arn
        self.there = self.keys.create(ACCOUNT, THERE, "alias/there").arn
        self.clock = VirtualClock(datetime(2026, 11, 26, tzinfo=UTC))
        self.aurora = Aurora(self.clock, keys=self.keys)
        self.cluster(THERE, "source", "alias/there")
        self.call(THERE, "create_db_cluster_snapshot", DBClusterIdentifier="source", DBClusterSnapshotIdentifier="s")
        self.cluster(HERE, "target", "alias/here", CopyTagsToSnapshot=True, Tags=OURS)
        self.call(
            HERE, "create_db_instance", DBInstanceIdentifier="target-1", DBClusterIdentifier="target", Tags=OURS,
            DBInstanceClass="db.r6g.large", Engine="aurora-postgresql",
        )  # fmt: skip

    def cluster(self, region: str, name: str, key: str, **how: Any) -> None:
        """Make a cluster."""
        self.call(
            region, "create_db_cluster", DBClusterIdentifier=name, Engine="aurora-postgresql", EngineVersion="16.6",
            MasterUsername="master", MasterUserPassword="a-password", StorageEncrypted=True, KmsKeyId=key, **how,
        )  # fmt: skip

    def call(self, region: str, method: str, **parameters: Any) -> None:
        """Call RDS, and wait for what comes of it."""
        getattr(AuroraClient(self.aurora, account=ACCOUNT, region=region), method)(**parameters)
        self.clock.advance(3600)
        self.aurora.tick()

    def asks(self, name: str, region: str = HERE, **parameters: Any) -> list[Ask]:
        """List what a call asks for."""
        service, operation = name.split(":")
        world = World(
            self.aurora.find, self.keys, self.secret, lambda topic: "alias/here" if "closed" in topic else None
        )
        return asks(Call(service, operation, parameters, ACCOUNT, region, FUNCTION), world)

    def secret(self, account: str, region: str, name: str) -> Secret | None:
        """Know two secrets."""
        arn = f"arn:aws:secretsmanager:{region}:{account}:secret:{name}-AbCdEf"
        return {"plain": Secret(arn), "locked": Secret(arn, "alias/here")}.get(name)


@pytest.fixture(scope="module")
def scene() -> Scene:
    """Give the scene: asking changes nothing."""
    return Scene()


def pairs(asked: list[Ask], beginning: str = "") -> list[tuple[str, str]]:
    """Give actions and resources, the latter without what they have in common."""
    return [
        (ask.action, ask.resource.removeprefix("arn:aws:").replace(f":{ACCOUNT}:", "::"))
        for ask in asked if ask.action.startswith(beginning)
    ]  # fmt: skip


def the(asked: list[Ask], action: str, resource: str) -> Ask:
    """Give the first question about an action on a resource that ends so."""
    return next(ask for ask in asked if ask.action == action and ask.resource.endswith(resource))


def copy(scene: Scene, **more: Any) -> list[Ask]:
    """Copy the source's snapshot into the other region."""
    source = f"arn:aws:rds:{THERE}:{ACCOUNT}:cluster-snapshot:s"
    return scene.asks(
        "rds:CopyDBClusterSnapshot", SourceDBClusterSnapshotIdentifier=source, TargetDBClusterSnapshotIdentifier="Copy",
        **more,
    )  # fmt: skip


def test_a_copy_asks_for_both_snapshots_and_for_both_keys(scene: Scene) -> None:
    """The target's name is kept in lower case; the source's region is asked as well."""
    asked = copy(scene, KmsKeyId="alias/here", Tags=TAGS)
    regions = [ask.context["aws:RequestedRegion"] for ask in asked if ask.resource.endswith(":s")]

    assert [
        ("rds:CopyDBClusterSnapshot", f"rds:{HERE}::cluster-snapshot:copy"),
        ("rds:CopyDBClusterSnapshot", f"rds:{THERE}::cluster-snapshot:s"),
        ("rds:CopyDBClusterSnapshot", f"rds:{THERE}::cluster-snapshot:s"),
        ("rds:AddTagsToResource", f"rds:{HERE}::cluster-snapshot:copy"),
    ] == pairs(asked, "rds:")
    assert [HERE, THERE] == regions
    assert {
        *((f"kms:{one}", scene.here) for one in ("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey")),
        *((f"kms:{one}", scene.there) for one in ("CreateGrant", "Decrypt", "DescribeKey")),
    } == {(ask.action, ask.resource) for ask in asked if ask.action.startswith("kms:")}


def test_keys_are_used_through_rds_in_their_own_region(scene: Scene) -> None:
    """Grants are for a resource of AWS."""
    asked = copy(scene, KmsKeyId="alias/here")
    grant, decrypt = the(asked, "kms:CreateGrant", scene.here), the(asked, "kms:Decrypt", scene.there)

    assert {"kms:ViaService": f"rds.{HERE}.amazonaws.com", "kms:GrantIsForAWSResource": "true"}.items() <= (
        grant.context.items()
    )
    assert (f"rds.{THERE}.amazonaws.com", THERE) == (
        decrypt.context["kms:ViaService"], decrypt.context["aws:RequestedRegion"]
    )  # fmt: skip
    assert "kms:GrantIsForAWSResource" not in decrypt.context


def test_tags_of_the_request_are_in_the_context(scene: Scene) -> None:
    """With their keys as one key of several values; without tags there is neither, and no tagging is asked for."""
    tagged, plain = copy(scene, Tags=TAGS), copy(scene)
    context = the(tagged, "rds:AddTagsToResource", ":copy").context

    assert ("test/default", "true") == (context["aws:RequestTag/aurora-restore"], context["rds:TagsFromRequest"])
    assert ("aurora-restore", "aurora-restore-operation") == context["aws:TagKeys"]
    assert [] == [key for ask in plain for key in ask.context if "Tag" in key]
    assert [] == pairs(plain, "rds:AddTags")


def test_tags_that_are_copied_are_no_tags_of_the_request(scene: Scene) -> None:
    """AWS tells them apart."""
    context = the(copy(scene, CopyTags=True), "rds:AddTagsToResource", ":copy").context

    assert "false" == context["rds:TagsFromRequest"]
    assert "aws:TagKeys" not in context


def test_a_restore_asks_for_all_that_the_cluster_is_made_of(scene: Scene) -> None:
    """Groups that are not named are those of the snapshot's version."""
    asked = scene.asks(
        "rds:RestoreDBClusterFromSnapshot", DBClusterIdentifier="New", SnapshotIdentifier="s", EngineVersion="16.6",
        DBSubnetGroupName="staging", KmsKeyId=scene.here, Tags=TAGS,
    )  # fmt: skip

    assert [
        ("rds:RestoreDBClusterFromSnapshot", f"rds:{HERE}::cluster:new"),
        ("rds:RestoreDBClusterFromSnapshot", f"rds:{HERE}::cluster-snapshot:s"),
        ("rds:RestoreDBClusterFromSnapshot", f"rds:{HERE}::cluster-pg:default.aurora-postgresql16"),
        ("rds:RestoreDBClusterFromSnapshot", f"rds:{HERE}::og:default:aurora-postgresql-16"),
        ("rds:RestoreDBClusterFromSnapshot", f"rds:{HERE}::subgrp:staging"),
        ("rds:AddTagsToResource", f"rds:{HERE}::cluster:new"),
    ] == pairs(asked, "rds:")
    assert 4 == len(pairs(asked, "kms:"))


def test_an_instance_asks_for_its_cluster_with_the_clusters_tags(scene: Scene) -> None:
    """And for the subnet group that it is in by way of the cluster."""
    asked = scene.asks(
        "rds:CreateDBInstance",
        DBInstanceIdentifier="target-2",
        DBClusterIdentifier="target",
        DBParameterGroupName="mine",
    )
    cluster = the(asked, "rds:CreateDBInstance", "cluster:target")

    assert ["db:target-2", "cluster:target", "pg:mine", "og:default:aurora-postgresql-16", "subgrp:default"] == [
        resource.partition("::")[2] for _, resource in pairs(asked, "rds:")
    ]
    assert ("test/default", "test/default") == (
        cluster.context["aws:ResourceTag/aurora-restore"], cluster.context["rds:cluster-tag/aurora-restore"]
    )  # fmt: skip


def test_a_deletion_with_a_final_snapshot_asks_for_the_snapshot_too(scene: Scene) -> None:
    """On the cluster and under its own name, and to hand on the cluster's tags; without one, for the cluster alone."""
    plain = scene.asks("rds:DeleteDBCluster", DBClusterIdentifier="target", SkipFinalSnapshot=True)
    final = scene.asks("rds:DeleteDBCluster", DBClusterIdentifier="target", FinalDBSnapshotIdentifier="last")

    assert [("rds:DeleteDBCluster", f"rds:{HERE}::cluster:target")] == pairs(plain)
    assert [
        ("rds:DeleteDBCluster", f"rds:{HERE}::cluster:target"),
        ("rds:DeleteDBCluster", f"rds:{HERE}::cluster-snapshot:last"),
        ("rds:CreateDBClusterSnapshot", f"rds:{HERE}::cluster:target"),
        ("rds:CreateDBClusterSnapshot", f"rds:{HERE}::cluster-snapshot:last"),
        ("rds:AddTagsToResource", f"rds:{HERE}::cluster-snapshot:last"),
    ] == pairs(final)
    assert "false" == final[-1].context["rds:TagsFromRequest"]


@pytest.mark.parametrize(
    ("name", "parameters", "resource"),
    [
        ("DescribeDBClusters", {"DBClusterIdentifier": "target"}, f"rds:{HERE}::cluster:target"),
        ("DescribeDBClusters", {}, f"rds:{HERE}::cluster:*"),
        ("DescribeDBInstances", {"Filters": []}, f"rds:{HERE}::db:*"),
        ("DescribeDBEngineVersions", {"Engine": "aurora-postgresql"}, "*"),
        ("DeleteDBInstance", {"DBInstanceIdentifier": "target-1"}, f"rds:{HERE}::db:target-1"),
        ("DeleteDBClusterSnapshot", {"DBClusterSnapshotIdentifier": "S"}, f"rds:{HERE}::cluster-snapshot:s"),
        ("ModifyDBCluster", {"DBClusterIdentifier": "target"}, f"rds:{HERE}::cluster:target"),
        ("StartDBCluster", {"DBClusterIdentifier": "target"}, f"rds:{HERE}::cluster:target"),
    ],
)
def test_one_resource(scene: Scene, name: str, parameters: dict[str, Any], resource: str) -> None:
    """The one that is named, or all of its kind where a describing call names none."""
    assert [(f"rds:{name}", resource)] == pairs(scene.asks(f"rds:{name}", **parameters))


def test_tagging_knows_old_tags_and_new_ones(scene: Scene) -> None:
    """So that a policy can ask for both."""
    arn = f"arn:aws:rds:{HERE}:{ACCOUNT}:cluster:target"
    (add,) = scene.asks("rds:AddTagsToResource", ResourceName=arn, Tags=[{"Key": "owner", "Value": "me"}])
    (remove,) = scene.asks("rds:RemoveTagsFromResource", ResourceName=arn, TagKeys=["aurora-restore"])

    assert ("test/default", "me", ("owner",)) == tuple(
        add.context[key] for key in ("aws:ResourceTag/aurora-restore", "aws:RequestTag/owner", "aws:TagKeys")
    )
    assert ("aurora-restore",) == remove.context["aws:TagKeys"]


def test_events_ask_once_for_each_bus_with_all_their_sources(scene: Scene) -> None:
    """One entry of another source is not hidden among ours."""
    asked = scene.asks("events:PutEvents", Entries=[
        {"Source": "a", "DetailType": "x"}, {"Source": "b", "DetailType": "x"},
        {"Source": "a", "DetailType": "y", "EventBusName": f"arn:aws:events:{HERE}:999999999999:event-bus/theirs"},
    ])  # fmt: skip

    assert [
        ("events:PutEvents", f"events:{HERE}::event-bus/default"),
        ("events:PutEvents", f"events:{HERE}:999999999999:event-bus/theirs"),
    ] == pairs(asked)
    assert [(("a", "b"), ("x",)), (("a",), ("y",))] == [
        (ask.context["events:source"], ask.context["events:detail-type"]) for ask in asked
    ]


def test_a_transaction_asks_for_each_of_its_items(scene: Scene) -> None:
    """There is no permission for transactions."""
    items = [{kind: {"TableName": "t"}} for kind in ("Update", "Put", "Delete", "ConditionCheck")]
    asked = scene.asks("dynamodb:TransactWriteItems", TransactItems=items)

    assert ["UpdateItem", "PutItem", "DeleteItem", "ConditionCheckItem"] == [ask.action[9:] for ask in asked]
    assert {("TransactWriteItems", f"arn:aws:dynamodb:{HERE}:{ACCOUNT}:table/t")} == {
        (ask.context["dynamodb:EnclosingOperation"], ask.resource) for ask in asked
    }


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("dynamodb:GetItem", {"TableName": "t"}, ("dynamodb:GetItem", f"dynamodb:{HERE}::table/t")),
        ("dynamodb:Query", {"TableName": "t", "IndexName": "i"}, ("dynamodb:Query", f"dynamodb:{HERE}::table/t/index/i")),
        ("dynamodb:Query", {"TableName": "t"}, ("dynamodb:Query", f"dynamodb:{HERE}::table/t")),
        ("ssm:GetParametersByPath", {"Path": "/a/b/"}, ("ssm:GetParametersByPath", f"ssm:{HERE}::parameter/a/b/")),
        ("ec2:DescribeSecurityGroups", {"GroupIds": ["sg-1"]}, ("ec2:DescribeSecurityGroups", "*")),
        ("sns:GetTopicAttributes", {"TopicArn": "arn:aws:sns:x:1:t"}, ("sns:GetTopicAttributes", "sns:x:1:t")),
        ("sqs:SendMessage", {"QueueUrl": f"http://127.0.0.1/{ACCOUNT}/q"}, ("sqs:SendMessage", f"sqs:{HERE}::q")),
        ("secretsmanager:GetSecretValue", {"SecretId": "none"}, ("secretsmanager:GetSecretValue",
            f"secretsmanager:{HERE}::secret:none")),
    ],
)  # fmt: skip
def test_one_question(scene: Scene, name: str, parameters: dict[str, Any], expected: tuple[str, str]) -> None:
    """A secret that is not there is asked for by the name that was given."""
    assert [expected] == pairs(scene.asks(name, **parameters))


def test_a_secret_is_asked_for_by_its_whole_name_and_with_its_key(scene: Scene) -> None:
    """A key of the customer's is used through Secrets Manager; the account's own asks nothing."""
    plain = scene.asks("secretsmanager:GetSecretValue", SecretId="plain")
    locked = scene.asks("secretsmanager:GetSecretValue", SecretId="locked")

    assert [("secretsmanager:GetSecretValue", f"secretsmanager:{HERE}::secret:plain-AbCdEf")] == pairs(plain)
    assert ("kms:Decrypt", f"secretsmanager.{HERE}.amazonaws.com") == (
        locked[1].action, locked[1].context["kms:ViaService"]
    )  # fmt: skip


def test_an_encrypted_topic_asks_for_its_key(scene: Scene) -> None:
    """For that topic, through SNS."""
    topics = [f"arn:aws:sns:{HERE}:{ACCOUNT}:{name}" for name in ("open", "closed")]
    open_, closed = (scene.asks("sns:Publish", TopicArn=topic) for topic in topics)

    assert ["sns:Publish"] == [ask.action for ask in open_]
    assert ["sns:Publish", "kms:GenerateDataKey", "kms:Decrypt"] == [ask.action for ask in closed]
    assert (topics[1], f"sns.{HERE}.amazonaws.com") == (
        closed[1].context["kms:EncryptionContext:aws:sns:topicArn"], closed[1].context["kms:ViaService"]
    )  # fmt: skip


def test_a_key_is_asked_for_itself_whatever_it_is_called(scene: Scene) -> None:
    """By its ARN, and not through a service; one that is not there asks nothing, for KMS does not find it."""
    (by_alias,) = scene.asks("kms:DescribeKey", KeyId="alias/here")

    assert (scene.here, "alias/here") == (by_alias.resource, by_alias.context["kms:RequestAlias"])
    assert "kms:ViaService" not in by_alias.context
    assert [] == scene.asks("kms:DescribeKey", KeyId="alias/nothing")


def test_who_am_i_needs_no_permission(scene: Scene) -> None:
    """Everybody may ask that."""
    assert [] == scene.asks("sts:GetCallerIdentity")


def test_every_question_knows_its_region_and_whose_code_asks(scene: Scene) -> None:
    """Lambda's own doings have no code."""
    (ask,) = scene.asks("dynamodb:GetItem", TableName="t")
    own = [*lambdas.logging(FUNCTION, "s"), *lambdas.delivering(f"arn:aws:sqs:{HERE}:{ACCOUNT}:q"),
           *lambdas.placing(FUNCTION, ["subnet-1"], ["sg-1"])]  # fmt: skip

    assert (HERE, FUNCTION) == (ask.context["aws:RequestedRegion"], ask.context["lambda:SourceFunctionArn"])
    assert {(HERE, False)} == {
        (one.context["aws:RequestedRegion"], "lambda:SourceFunctionArn" in one.context) for one in own
    }


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("s3:GetObject", {}),
        ("rds:DeleteDBProxy", {}),
        ("ssm:GetParametersByPath", {"Path": "/", "WithDecryption": True}),
    ],
)
def test_what_nobody_has_written_down_is_refused(scene: Scene, name: str, parameters: dict[str, Any]) -> None:
    """With a sentence, and neither allowed nor denied."""
    with pytest.raises(NotModelledAskError, match=r"^localaws does not know which .*\.$"):
        scene.asks(name, **parameters)


def test_what_is_known_of_rds_is_modelled_there() -> None:
    """No line of the table speaks of an action that localaws does not have."""
    assert set() == KNOWN["rds"] - ACTIONS.keys()
