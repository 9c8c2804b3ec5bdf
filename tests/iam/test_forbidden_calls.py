"""What no function may do, whatever happens to its code: the source, other people's things, other
stages' things.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from localaws.iam import (
    Call,
    EncryptedSecret,
    Policy,
    ResourceLookup,
    UnmodelledPermissionError,
    evaluate,
    permission_requests,
)

from aurora_restore.stages import CHECKOUT, FUNCTIONS
from simulation.settings import ENVIRONMENT
from simulation.stage import ACCOUNT, SOURCE_REGION, STAGE, TARGET_REGION
from tests.iam.filled_policies import SUFFIX, arn_of, policies

OURS, THEIRS = {"aurora-restore": f"{STAGE}/default"}, {"aurora-restore": "prod/default"}
TAGS = [{"Key": "aurora-restore", "Value": f"{STAGE}/default"}]
NEAR = {"SOURCE_REGION": TARGET_REGION, "SOURCE_CLUSTER_ID": "near-cluster"}
EVERYTHING = Policy.of(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)


@dataclass
class Thing:
    """Something of RDS, as far as its tags go."""

    tags: dict[str, str] = field(default_factory=dict)


THINGS = {  # in the target's region, beside what is not tagged
    "cluster:staging-cluster": OURS, "db:staging-cluster-1": OURS, "cluster:their-cluster": THEIRS,
    "db:their-cluster-1": THEIRS, "cluster-snapshot:aurora-restore-test-copy": OURS,
    "cluster-snapshot:aurora-restore-test-theirs": THEIRS, "cluster-snapshot:tagged-by-hand": OURS,
    "cluster-endpoint:our-readers": OURS, "cluster-endpoint:their-readers": THEIRS,
    "db:scaled-of-a": {"application-autoscaling:resourceId": "cluster:staging-cluster-a"},
}  # fmt: skip
WORLD = ResourceLookup(
    find=lambda arn: Thing(THINGS.get(":".join(arn.split(":")[5:]), {})),  # type: ignore[arg-type,return-value]
    key=lambda _account, _region, _reference: None,
    secret=lambda account, region, name: EncryptedSecret(
        f"arn:aws:secretsmanager:{region}:{account}:secret:{name}{SUFFIX}"
    ),
    topic_key=lambda _topic: None,
)


@dataclass(frozen=True)
class Deed:
    """Something that is not to be done: a call, or an action on a resource that only AWS's table
    knows.
    """

    call: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    region: str = TARGET_REGION
    near: bool = False

    def __str__(self) -> str:
        """Name it, as tests are named."""
        place = "near" if self.near else self.region
        return f"{place} {self.call} {' '.join(str(value) for value in self.parameters.values())}"[
            :110
        ]

    def decisions(self, policy: Policy, function: str, *beside: Policy) -> list[bool]:
        """Tell which of the questions about it a function's policy allows."""
        service, operation = self.call.split(":")
        call = Call(service, operation, self.parameters, ACCOUNT, self.region, arn_of(function))
        try:
            asked = [
                (ask.action, ask.resource, ask.context) for ask in permission_requests(call, WORLD)
            ]
        except UnmodelledPermissionError:
            asked = [(self.call, str(self.parameters["on"]), self._context(function))]
        return [evaluate([policy, *beside], *call).allowed for call in asked]

    def _context(self, function: str) -> dict[str, str]:
        return {"aws:RequestedRegion": self.region, "lambda:SourceFunctionArn": arn_of(function)}


def rds(region: str, resource: str) -> str:
    """Name a resource of RDS."""
    return f"arn:aws:rds:{region}:{ACCOUNT}:{resource}"


def deeds(region: str, cluster: str, *, near: bool) -> list[Deed]:
    """List what would change a source cluster, an instance of it under any name, or its
    snapshots.
    """
    name, instance = {"DBClusterIdentifier": cluster}, {"DBInstanceIdentifier": "orders-primary"}
    arn, snapshot = (
        rds(region, f"cluster:{cluster}"),
        rds(region, f"cluster-snapshot:rds:{cluster}-2026-11-25-03-00"),
    )
    calls: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("rds:DeleteDBCluster", name),
        ("rds:ModifyDBCluster", name),
        ("rds:StopDBCluster", name),
        ("rds:StartDBCluster", name),
        ("rds:DeleteDBInstance", instance),
        ("rds:ModifyDBInstance", {"on": rds(region, "db:orders-primary")}),
        ("rds:DeleteDBInstance", {"DBInstanceIdentifier": f"{cluster}-1"}),
        ("rds:RebootDBCluster", {"on": arn}),
        ("rds:FailoverDBCluster", {"on": arn}),
        ("rds:BacktrackDBCluster", {"on": arn}),
        ("rds:EnableHttpEndpoint", {"on": arn}),
        ("rds:ApplyPendingMaintenanceAction", {"on": arn}),
        ("rds:PromoteReadReplicaDBCluster", {"on": arn}),
        ("rds:RemoveFromGlobalCluster", {"on": arn}),
        ("rds:AddTagsToResource", {"ResourceName": arn, "Tags": TAGS}),
        ("rds:AddTagsToResource", {"ResourceName": rds(region, "db:orders-primary"), "Tags": TAGS}),
        ("rds:AddTagsToResource", {"ResourceName": snapshot, "Tags": TAGS}),
        ("rds:RemoveTagsFromResource", {"ResourceName": arn, "TagKeys": ["aurora-restore"]}),
        ("rds:CreateDBInstance", {**instance, **name, "Tags": TAGS}),
        ("rds:CreateDBClusterSnapshot", {**name, "DBClusterSnapshotIdentifier": "mine"}),
        ("rds:DeleteDBClusterSnapshot", {"DBClusterSnapshotIdentifier": snapshot}),
        ("rds:ModifyDBClusterSnapshotAttribute", {"DBClusterSnapshotIdentifier": snapshot}),
    )
    return [Deed(call, parameters, region, near) for call, parameters in calls]


SOURCE = [
    *deeds(SOURCE_REGION, "prod-cluster", near=False),
    *deeds(TARGET_REGION, "near-cluster", near=True),
]
OTHERS = [
    Deed(
        "rds:DownloadDBLogFilePortion",
        {"on": rds(SOURCE_REGION, "db:orders-primary")},
        SOURCE_REGION,
    ),
    Deed("rds:DeleteDBCluster", {"DBClusterIdentifier": "their-cluster"}),
    Deed("rds:DeleteDBInstance", {"DBInstanceIdentifier": "their-cluster-1"}),
    Deed("rds:DeleteDBInstance", {"DBInstanceIdentifier": "of-nobody"}),
    Deed("rds:ModifyDBCluster", {"DBClusterIdentifier": "their-cluster"}),
    Deed("rds:DeleteDBClusterEndpoint", {"DBClusterEndpointIdentifier": "orders-readers"}),
    Deed("rds:DeleteDBClusterEndpoint", {"DBClusterEndpointIdentifier": "their-readers"}),
    Deed("rds:ModifyDBClusterEndpoint", {"DBClusterEndpointIdentifier": "our-readers"}),
    Deed(
        "rds:AddTagsToResource",
        {"ResourceName": rds(TARGET_REGION, "cluster-endpoint:their-readers"), "Tags": TAGS},
    ),
    Deed(
        "rds:AddTagsToResource",
        {"ResourceName": rds(TARGET_REGION, "cluster:their-cluster"), "Tags": TAGS},
    ),
    Deed(
        "rds:AddTagsToResource",
        {"ResourceName": rds(TARGET_REGION, "db:staging-cluster-prod"), "Tags": TAGS},
    ),
    Deed(
        "rds:DeleteDBClusterSnapshot", {"DBClusterSnapshotIdentifier": "aurora-restore-test-theirs"}
    ),
    Deed(
        "rds:DeleteDBClusterSnapshot",
        {"DBClusterSnapshotIdentifier": "aurora-restore-test-untagged"},
    ),
    Deed(
        "rds:DeleteDBClusterSnapshot", {"DBClusterSnapshotIdentifier": "aurora-restore-prod-copy"}
    ),
    Deed("rds:DeleteDBClusterSnapshot", {"DBClusterSnapshotIdentifier": "tagged-by-hand"}),
    Deed(
        "rds:RestoreDBClusterFromSnapshot",
        {"DBClusterIdentifier": "other", "SnapshotIdentifier": "s", "Tags": TAGS},
    ),
    Deed(
        "rds:DeleteDBClusterParameterGroup",
        {"on": rds(TARGET_REGION, "cluster-pg:staging-postgres16")},
    ),
    Deed("rds:DeleteDBSubnetGroup", {"on": rds(TARGET_REGION, "subgrp:default")}),
]
WITHOUT_OUR_TAG = [  # what may be done with it, to our own names
    Deed(
        "rds:RestoreDBClusterFromSnapshot",
        {"DBClusterIdentifier": "staging-cluster", "SnapshotIdentifier": "s"},
    ),
    Deed(
        "rds:RestoreDBClusterFromSnapshot",
        {
            "DBClusterIdentifier": "staging-cluster",
            "SnapshotIdentifier": "s",
            "Tags": [{"Key": "aurora-restore", "Value": "prod/default"}],
        },
    ),
    Deed(
        "rds:CreateDBInstance",
        {"DBInstanceIdentifier": "staging-cluster-1", "DBClusterIdentifier": "staging-cluster"},
    ),
    Deed(
        "rds:CopyDBClusterSnapshot",
        {
            "SourceDBClusterSnapshotIdentifier": rds(SOURCE_REGION, "cluster-snapshot:s"),
            "TargetDBClusterSnapshotIdentifier": "aurora-restore-test-x",
        },
    ),
    Deed(
        "rds:CopyDBClusterSnapshot",
        {
            "SourceDBClusterSnapshotIdentifier": rds(SOURCE_REGION, "cluster-snapshot:s"),
            "TargetDBClusterSnapshotIdentifier": "elsewhere",
            "Tags": TAGS,
        },
    ),
    Deed(
        "rds:AddTagsToResource",
        {
            "ResourceName": rds(TARGET_REGION, "cluster-snapshot:aurora-restore-test-copy"),
            "Tags": [*TAGS, {"Key": "owner", "Value": "me"}],
        },
    ),
    Deed(
        "rds:AddTagsToResource",
        {"ResourceName": rds(TARGET_REGION, "cluster:staging-cluster"), "Tags": []},
    ),
    Deed(
        "rds:AddTagsToResource",
        {
            "ResourceName": rds(TARGET_REGION, "cluster-snapshot:aurora-restore-test-copy"),
            "Tags": [],
        },
    ),
    Deed(
        "rds:AddTagsToResource",
        {
            "ResourceName": rds(TARGET_REGION, "cluster-snapshot:aurora-restore-test-a-final"),
            "Tags": [{"Key": "owner", "Value": "me"}],
        },
    ),
]
STAGES = [
    Deed(
        "events:PutEvents",
        {"Entries": [{"Source": "aurora-restore.prod", "DetailType": "TargetCleared"}]},
    ),
    Deed(
        "events:PutEvents",
        {
            "Entries": [
                {"Source": f"aurora-restore.{STAGE}", "DetailType": "x"},
                {"Source": "aurora-restore.prod", "DetailType": "x"},
            ]
        },
    ),
    Deed("events:PutEvents", {"Entries": [{"DetailType": "x"}]}),
    Deed(
        "events:PutEvents",
        {"Entries": [{"Source": f"aurora-restore.{STAGE}", "EventBusName": "theirs"}]},
    ),
    Deed("events:PutEvents", {"Entries": [{"Source": f"aurora-restore.{STAGE}"}]}, SOURCE_REGION),
    Deed(
        "secretsmanager:GetSecretValue", {"SecretId": "aurora-restore/prod/master-db-credentials"}
    ),
    Deed(
        "secretsmanager:GetSecretValue",
        {"SecretId": "aurora-restore/test/master-db-credentials-of-another"},
    ),
    Deed("secretsmanager:GetSecretValue", {"SecretId": "production/prod-cluster"}),
    Deed("dynamodb:GetItem", {"TableName": "aurora-restore-state"}),
    Deed("dynamodb:UpdateItem", {"TableName": "aurora-restore-dev-audit"}),
    Deed("dynamodb:DeleteItem", {"TableName": "aurora-restore-test-audit"}),
    Deed("dynamodb:GetItem", {"TableName": "aurora-restore-test-audit"}),
    Deed(
        "dynamodb:TransactWriteItems",
        {"TransactItems": [{"Delete": {"TableName": "aurora-restore-test-state"}}]},
    ),
    Deed("ssm:GetParametersByPath", {"Path": "/aurora-restore/"}),
    Deed("ssm:GetParametersByPath", {"Path": "/aurora-restore/test2/"}),
    Deed(
        "sns:Publish",
        {"TopicArn": f"arn:aws:sns:{TARGET_REGION}:{ACCOUNT}:aurora-restore-prod-notifications"},
    ),
    Deed(
        "sqs:SendMessage",
        {"QueueUrl": f"https://queue.amazonaws.com/{ACCOUNT}/aurora-restore-dev-failures"},
    ),
    Deed(
        "logs:PutLogEvents",
        {"on": f"arn:aws:logs:{TARGET_REGION}:{ACCOUNT}:log-group:/aws/lambda/o:log-stream:x"},
    ),
    Deed("kms:Decrypt", {"on": f"arn:aws:kms:{TARGET_REGION}:{ACCOUNT}:key/1"}),
    Deed("kms:CreateGrant", {"on": f"arn:aws:kms:{TARGET_REGION}:{ACCOUNT}:key/1"}),
    Deed("kms:ScheduleKeyDeletion", {"on": f"arn:aws:kms:{TARGET_REGION}:{ACCOUNT}:key/1"}),
    Deed(
        "ec2:CreateNetworkInterface",
        {"on": f"arn:aws:ec2:{TARGET_REGION}:{ACCOUNT}:subnet/subnet-1"},
    ),
    Deed("iam:PassRole", {"on": f"arn:aws:iam::{ACCOUNT}:role/admin"}),
    Deed("iam:PassRole", {"on": f"arn:aws:iam::{ACCOUNT}:role/-"}),
    Deed("sts:AssumeRole", {"on": f"arn:aws:iam::{ACCOUNT}:role/admin"}),
    Deed("lambda:InvokeFunction", {"on": arn_of("delete-rds")}),
]
FAR_POLICIES, NEAR_POLICIES = policies(ENVIRONMENT), policies({**ENVIRONMENT, **NEAR})
CHANGING = [name for name in FUNCTIONS if "NeverOthers" in str(FAR_POLICIES[name])]
DENIALS = [
    (function, statement.sid)
    for function in FUNCTIONS
    for statement in FAR_POLICIES[function].statements
    if statement.effect == "Deny"
]


@pytest.mark.parametrize("deed", [*SOURCE, *OTHERS, *WITHOUT_OUR_TAG, *STAGES], ids=str)
def test_no_function_may(deed: Deed) -> None:
    """No function may do this, neither with its policy for a distant source, nor with that for a
    nearby one.
    """
    allowed = [
        function
        for function in FUNCTIONS
        if all(deed.decisions((NEAR_POLICIES if deed.near else FAR_POLICIES)[function], function))
    ]

    assert [] == allowed


@pytest.mark.parametrize(
    ("thing", "functions"),
    [
        ("cluster:staging-cluster", ["restore-snapshot"]),
        ("db:staging-cluster-1", ["restore-snapshot", "setup-db-users"]),
        ("db:staging-cluster-2", ["setup-db-users"]),
    ],
)
def test_tags_of_any_key_are_for_what_makes_the_target(thing: str, functions: list[str]) -> None:
    """The old target's own tags are carried over, whose keys no deployment knows."""
    tags = [*TAGS, {"Key": "owner", "Value": "me"}]
    named = {"ResourceName": rds(TARGET_REGION, thing), "Tags": tags}
    deed = Deed("rds:AddTagsToResource", named)

    assert functions == sorted(
        name for name in FUNCTIONS if all(deed.decisions(FAR_POLICIES[name], name))
    )


@pytest.mark.parametrize("deed", SOURCE, ids=str)
def test_the_source_is_denied_in_so_many_words(deed: Deed) -> None:
    """The source is denied explicitly, in each function that may change RDS, even if all else is
    allowed.
    """
    chosen = NEAR_POLICIES if deed.near else FAR_POLICIES
    allowed = [
        function
        for function in CHANGING
        if all(deed.decisions(chosen[function], function, EVERYTHING))
    ]

    assert [] == allowed


@pytest.mark.parametrize(("function", "sid"), DENIALS, ids=" ".join)
def test_every_denial_denies_something(function: str, sid: str) -> None:
    """Each Deny counts: without it, a role that is allowed everything could do one more of these
    calls.
    """
    more = [
        deed
        for deed in [*SOURCE, *OTHERS, *WITHOUT_OUR_TAG, *STAGES]
        if (policy := (NEAR_POLICIES if deed.near else FAR_POLICIES)[function])
        and all(deed.decisions(policy.without(sid), function, EVERYTHING))
        and not all(deed.decisions(policy, function, EVERYTHING))
    ]

    assert more


def test_the_network_is_lambdas_not_the_codes() -> None:
    """The role may make network interfaces, because AWS wants that, but the function's own code may
    not.
    """
    policy, region = FAR_POLICIES["setup-db-users"], {"aws:RequestedRegion": TARGET_REGION}
    code = {**region, "lambda:SourceFunctionArn": arn_of("setup-db-users")}
    interface = f"arn:aws:ec2:{TARGET_REGION}:{ACCOUNT}:network-interface/*"
    found = [
        evaluate([policy], "ec2:CreateNetworkInterface", interface, context).allowed
        for context in (region, code)
    ]

    assert [True, False] == found


def test_no_template_names_a_stage_or_a_cluster() -> None:
    """No template names a stage, a cluster, an account or a region."""
    texts = [file.read_text() for file in (CHECKOUT / ".chalice").glob("policy-*.json")]
    named = [
        "prod-cluster",
        "staging-cluster",
        "us-west-2",
        "us-east-1",
        "local",
        "-dev-",
        "/dev/",
        "123456789012",
    ]
    everything = "\n".join(texts)

    assert len(FUNCTIONS) == len(texts)
    assert [] == [name for name in named if name in everything]
    assert [2] * len(texts) == [len(json.loads(text)) for text in texts]
