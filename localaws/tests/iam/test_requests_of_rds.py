"""What the calls of RDS ask for, as AWS's tables and guides say: actions, resources, and what
stands in the context.
"""

from typing import Any

import pytest
from localaws.aurora.modelled_actions import ACTIONS
from localaws.iam import PermissionRequest
from localaws.iam.requests import KNOWN
from tests.iam.cluster_with_key import ACCOUNT, HERE, OURS, TAGS, THERE, ClusterWithKey, pairs, the


def copy(scene: ClusterWithKey, **more: Any) -> list[PermissionRequest]:
    """Copy the source's snapshot into the other region."""
    source = f"arn:aws:rds:{THERE}:{ACCOUNT}:cluster-snapshot:s"
    return scene.permission_requests(
        "rds:CopyDBClusterSnapshot",
        SourceDBClusterSnapshotIdentifier=source,
        TargetDBClusterSnapshotIdentifier="Copy",
        **more,
    )


def test_a_copy_asks_for_both_snapshots_and_for_both_keys(scene: ClusterWithKey) -> None:
    """A copy asks for both snapshots and both keys, in the source's region as well; the target's
    name is in lower case.
    """
    asked = copy(scene, KmsKeyId="alias/here", Tags=TAGS)
    regions = [ask.context["aws:RequestedRegion"] for ask in asked if ask.resource.endswith(":s")]
    expected = [
        ("rds:CopyDBClusterSnapshot", f"rds:{HERE}::cluster-snapshot:copy"),
        ("rds:CopyDBClusterSnapshot", f"rds:{THERE}::cluster-snapshot:s"),
        ("rds:CopyDBClusterSnapshot", f"rds:{THERE}::cluster-snapshot:s"),
        ("rds:AddTagsToResource", f"rds:{HERE}::cluster-snapshot:copy"),
    ]

    assert expected == pairs(asked, "rds:")
    assert [HERE, THERE] == regions
    assert {
        *(
            (f"kms:{action}", scene.here)
            for action in ("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey")
        ),
        *((f"kms:{action}", scene.there) for action in ("CreateGrant", "Decrypt", "DescribeKey")),
    } == {(ask.action, ask.resource) for ask in asked if ask.action.startswith("kms:")}


def test_keys_are_used_through_rds_in_their_own_region(scene: ClusterWithKey) -> None:
    """RDS uses keys through itself in their own region, and its grants are for an AWS resource."""
    asked = copy(scene, KmsKeyId="alias/here")
    grant, decrypt = (
        the(asked, "kms:CreateGrant", scene.here),
        the(asked, "kms:Decrypt", scene.there),
    )

    assert {
        "kms:ViaService": f"rds.{HERE}.amazonaws.com",
        "kms:GrantIsForAWSResource": "true",
    }.items() <= (grant.context.items())
    assert f"rds.{THERE}.amazonaws.com" == decrypt.context["kms:ViaService"]
    assert THERE == decrypt.context["aws:RequestedRegion"]
    assert "kms:GrantIsForAWSResource" not in decrypt.context


def test_a_rename_asks_for_both_names(scene: ClusterWithKey) -> None:
    """A rename asks for the cluster with its tags, and for its new name, which has none yet."""
    asked = scene.permission_requests(
        "rds:ModifyDBCluster",
        DBClusterIdentifier="Target",
        NewDBClusterIdentifier="Target-Previous",
        ApplyImmediately=True,
    )
    old = the(asked, "rds:ModifyDBCluster", ":cluster:target")
    new = the(asked, "rds:ModifyDBCluster", ":cluster:target-previous")

    assert "test/default" == old.context["aws:ResourceTag/aurora-restore"]
    assert [] == [key for key in new.context if "Tag" in key or "-tag" in key]


def test_the_deletion_of_a_custom_endpoint_is_asked_with_its_tags(scene: ClusterWithKey) -> None:
    """No other condition key belongs to a custom endpoint, and none to its cluster."""
    named = {"DBClusterEndpointIdentifier": "e"}
    scene.call(
        HERE,
        "create_db_cluster_endpoint",
        DBClusterIdentifier="target",
        EndpointType="ANY",
        Tags=OURS,
        **named,
    )
    (asked,) = scene.permission_requests("rds:DeleteDBClusterEndpoint", **named)

    assert "test/default" == asked.context["aws:ResourceTag/aurora-restore"]
    assert "rds:cluster-tag/aurora-restore" not in asked.context


ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        (
            "ModifyDBInstance",
            {"DBInstanceIdentifier": "Target-1", "DBParameterGroupName": "Strict"},
            ["db:target-1", "pg:strict"],
        ),
        ("RebootDBInstance", {"DBInstanceIdentifier": "Target-1"}, ["db:target-1"]),
        (
            "CreateDBClusterEndpoint",
            {"DBClusterEndpointIdentifier": "e", "DBClusterIdentifier": "target"},
            ["cluster-endpoint:e", "cluster:target"],
        ),
        (
            "ModifyDBClusterEndpoint",
            {"DBClusterEndpointIdentifier": "E"},
            ["cluster-endpoint:e"],
        ),
        (
            "DeleteDBClusterEndpoint",
            {"DBClusterEndpointIdentifier": "E"},
            ["cluster-endpoint:e"],
        ),
        ("DescribeDBClusterEndpoints", {}, ["cluster-endpoint:*"]),
        (
            "AddRoleToDBCluster",
            {"DBClusterIdentifier": "target", "RoleArn": ROLE},
            [
                "cluster:target",
            ],
        ),
        (
            "RemoveRoleFromDBCluster",
            {"DBClusterIdentifier": "target", "RoleArn": ROLE},
            [
                "cluster:target",
            ],
        ),
    ],
)
def test_what_lies_around_a_cluster_is_asked_for_by_name(
    scene: ClusterWithKey, name: str, parameters: dict[str, Any], expected: list[str]
) -> None:
    """Instances, their groups, custom endpoints and roles: the resources that the service
    authorization reference lists, as far as a call names them.
    """
    asked = scene.permission_requests(f"rds:{name}", **parameters)

    assert [(f"rds:{name}", f"rds:{HERE}::{resource}") for resource in expected] == pairs(
        asked, "rds:"
    )


@pytest.mark.parametrize(
    ("name", "parameters", "service"),
    [
        (
            "ModifyDBInstance",
            {"DBInstanceIdentifier": "target-1", "MonitoringRoleArn": ROLE},
            "monitoring.rds.amazonaws.com",
        ),
        (
            "CreateDBInstance",
            {
                "DBInstanceIdentifier": "new",
                "DBClusterIdentifier": "target",
                "MonitoringRoleArn": ROLE,
            },
            "monitoring.rds.amazonaws.com",
        ),
        (
            "AddRoleToDBCluster",
            {"DBClusterIdentifier": "target", "RoleArn": ROLE},
            "rds.amazonaws.com",
        ),
        (
            "RestoreDBClusterFromSnapshot",
            {
                "DBClusterIdentifier": "new",
                "SnapshotIdentifier": "s",
                "AssociatedRoles": [{"RoleArn": ROLE}],
            },
            "rds.amazonaws.com",
        ),
    ],
)
def test_a_role_is_handed_over_by_who_may_pass_it(
    scene: ClusterWithKey, name: str, parameters: dict[str, Any], service: str
) -> None:
    """Who gives RDS a role needs iam:PassRole on it, for the service that takes it."""
    asked = scene.permission_requests(f"rds:{name}", **parameters)

    assert service == the(asked, "iam:PassRole", ROLE).context["iam:PassedToService"]


def test_tags_of_the_request_are_in_the_context(scene: ClusterWithKey) -> None:
    """The tags of the request and the list of their keys are in the context.

    Without tags neither is there, and no tagging is asked for.
    """
    tagged, plain = copy(scene, Tags=TAGS), copy(scene)
    context = the(tagged, "rds:AddTagsToResource", ":copy").context
    plain_keys = [key for ask in plain for key in ask.context]

    assert "test/default" == context["aws:RequestTag/aurora-restore"]
    assert "true" == context["rds:TagsFromRequest"]
    assert ("aurora-restore", "aurora-restore-operation") == context["aws:TagKeys"]
    assert [] == [key for key in plain_keys if "Tag" in key]
    assert [] == pairs(plain, "rds:AddTags")


def test_tags_that_are_copied_are_no_tags_of_the_request(scene: ClusterWithKey) -> None:
    """Copied tags are not tags of the request: AWS tells them apart."""
    context = the(copy(scene, CopyTags=True), "rds:AddTagsToResource", ":copy").context

    assert "false" == context["rds:TagsFromRequest"]
    assert "aws:TagKeys" not in context


def test_a_restore_asks_for_all_that_the_cluster_is_made_of(scene: ClusterWithKey) -> None:
    """A restore asks for all that the cluster is made of; groups that are not named are those of
    the snapshot's version.
    """
    asked = scene.permission_requests(
        "rds:RestoreDBClusterFromSnapshot",
        DBClusterIdentifier="New",
        SnapshotIdentifier="s",
        EngineVersion="16.11",
        DBSubnetGroupName="staging",
        KmsKeyId=scene.here,
        Tags=TAGS,
    )
    expected = [
        ("rds:RestoreDBClusterFromSnapshot", f"rds:{HERE}::cluster:new"),
        ("rds:RestoreDBClusterFromSnapshot", f"rds:{HERE}::cluster-snapshot:s"),
        ("rds:RestoreDBClusterFromSnapshot", f"rds:{HERE}::cluster-pg:default.aurora-postgresql16"),
        ("rds:RestoreDBClusterFromSnapshot", f"rds:{HERE}::og:default:aurora-postgresql-16"),
        ("rds:RestoreDBClusterFromSnapshot", f"rds:{HERE}::subgrp:staging"),
        ("rds:AddTagsToResource", f"rds:{HERE}::cluster:new"),
    ]

    assert expected == pairs(asked, "rds:")
    assert 4 == len(pairs(asked, "kms:"))


def test_an_instance_asks_for_its_cluster_with_the_clusters_tags(scene: ClusterWithKey) -> None:
    """A new instance asks for its cluster with the cluster's tags, and for the cluster's subnet
    group.
    """
    asked = scene.permission_requests(
        "rds:CreateDBInstance",
        DBInstanceIdentifier="target-2",
        DBClusterIdentifier="target",
        DBParameterGroupName="mine",
    )
    cluster = the(asked, "rds:CreateDBInstance", "cluster:target")
    expected = [
        "db:target-2",
        "cluster:target",
        "pg:mine",
        "og:default:aurora-postgresql-16",
        "subgrp:default",
    ]

    assert expected == [resource.partition("::")[2] for _, resource in pairs(asked, "rds:")]
    assert "test/default" == cluster.context["aws:ResourceTag/aurora-restore"]
    assert "test/default" == cluster.context["rds:cluster-tag/aurora-restore"]


def test_a_deletion_with_a_final_snapshot_asks_for_the_snapshot_too(scene: ClusterWithKey) -> None:
    """A deletion with a final snapshot asks for the cluster, the snapshot, and the right to hand on
    tags.

    Without one, it asks for the cluster alone.
    """
    plain = scene.permission_requests(
        "rds:DeleteDBCluster", DBClusterIdentifier="target", SkipFinalSnapshot=True
    )
    final = scene.permission_requests(
        "rds:DeleteDBCluster", DBClusterIdentifier="target", FinalDBSnapshotIdentifier="last"
    )
    expected = [
        ("rds:DeleteDBCluster", f"rds:{HERE}::cluster:target"),
        ("rds:DeleteDBCluster", f"rds:{HERE}::cluster-snapshot:last"),
        ("rds:CreateDBClusterSnapshot", f"rds:{HERE}::cluster:target"),
        ("rds:CreateDBClusterSnapshot", f"rds:{HERE}::cluster-snapshot:last"),
        ("rds:AddTagsToResource", f"rds:{HERE}::cluster-snapshot:last"),
    ]

    assert [("rds:DeleteDBCluster", f"rds:{HERE}::cluster:target")] == pairs(plain)
    assert expected == pairs(final, "rds:")
    assert "false" == the(final, "rds:AddTagsToResource", ":last").context["rds:TagsFromRequest"]


def test_a_final_snapshot_needs_the_right_to_use_the_clusters_key(scene: ClusterWithKey) -> None:
    """A final snapshot of a cluster under a customer's key asks for a grant on that, through RDS;
    a deletion without one asks for no key.
    """
    final = scene.permission_requests(
        "rds:DeleteDBCluster", DBClusterIdentifier="target", FinalDBSnapshotIdentifier="last"
    )
    plain = scene.permission_requests(
        "rds:DeleteDBCluster", DBClusterIdentifier="target", SkipFinalSnapshot=True
    )
    grant = the(final, "kms:CreateGrant", scene.here)

    assert {("kms:CreateGrant", scene.here), ("kms:DescribeKey", scene.here)} == {
        (ask.action, ask.resource) for ask in final if ask.action.startswith("kms:")
    }
    assert f"rds.{HERE}.amazonaws.com" == grant.context["kms:ViaService"]
    assert "true" == grant.context["kms:GrantIsForAWSResource"]
    assert [] == pairs(plain, "kms:")


@pytest.mark.parametrize(
    ("name", "parameters", "resource"),
    [
        ("DescribeDBClusters", {"DBClusterIdentifier": "target"}, f"rds:{HERE}::cluster:target"),
        ("DescribeDBClusters", {}, f"rds:{HERE}::cluster:*"),
        ("CancelExportTask", {"ExportTaskIdentifier": "monthly"}, "*"),
        ("DescribeExportTasks", {}, "*"),
        ("DescribeDBInstances", {"Filters": []}, f"rds:{HERE}::db:*"),
        ("DescribeDBEngineVersions", {"Engine": "aurora-postgresql"}, "*"),
        ("DeleteDBInstance", {"DBInstanceIdentifier": "target-1"}, f"rds:{HERE}::db:target-1"),
        (
            "DeleteDBClusterSnapshot",
            {"DBClusterSnapshotIdentifier": "S"},
            f"rds:{HERE}::cluster-snapshot:s",
        ),
        ("StartDBCluster", {"DBClusterIdentifier": "target"}, f"rds:{HERE}::cluster:target"),
    ],
)
def test_one_resource(
    scene: ClusterWithKey, name: str, parameters: dict[str, Any], resource: str
) -> None:
    """A call asks for the resource that it names; a describing call that names none asks for
    all.
    """
    found = pairs(scene.permission_requests(f"rds:{name}", **parameters))

    assert [(f"rds:{name}", resource)] == found


def test_an_export_asks_for_snapshot_role_and_key(scene: ClusterWithKey) -> None:
    """An export asks for the snapshot, to pass the role to RDS's exports, and to use the key
    through RDS.
    """
    source = f"arn:aws:rds:{THERE}:{ACCOUNT}:cluster-snapshot:s"
    role = f"arn:aws:iam::{ACCOUNT}:role/exporter"
    asked = scene.permission_requests(
        "rds:StartExportTask",
        ExportTaskIdentifier="monthly",
        SourceArn=source,
        S3BucketName="exports",
        IamRoleArn=role,
        KmsKeyId=scene.here,
    )
    expected = [
        ("rds:StartExportTask", source),
        ("iam:PassRole", role),
        ("kms:CreateGrant", scene.here),
        ("kms:DescribeKey", scene.here),
    ]

    assert expected == [(ask.action, ask.resource) for ask in asked]
    assert "export.rds.amazonaws.com" == asked[1].context["iam:PassedToService"]


@pytest.mark.parametrize("arn", ["arn:", "arn:x", "arn:aws:kms:x", "no-arn"])
def test_what_is_no_arn_is_asked_for_as_it_is(scene: ClusterWithKey, arn: str) -> None:
    """A name that is no ARN is asked for as it is: whether it names something is for RDS to say."""
    named = {"SourceArn": arn, "IamRoleArn": arn, "KmsKeyId": arn}
    asked = [
        scene.permission_requests("rds:StartExportTask", **named),
        scene.permission_requests("rds:ListTagsForResource", ResourceName=arn),
    ]

    assert [arn, arn] == [permission_requests[0].resource for permission_requests in asked]


def test_a_change_of_a_cluster_asks_for_its_groups(scene: ClusterWithKey) -> None:
    """A change of a cluster asks for its groups.

    AWS does not document whether it asks for those that the call leaves out, so they count.
    """
    kinds = [
        resource.split(":")[3]
        for _, resource in pairs(
            scene.permission_requests("rds:ModifyDBCluster", DBClusterIdentifier="target")
        )
    ]

    assert ["cluster", "cluster-pg", "og", "pg"] == kinds


def test_tagging_knows_old_tags_and_new_ones(scene: ClusterWithKey) -> None:
    """Tagging has the old and the new tags in the context, so that a policy can ask for both."""
    arn = f"arn:aws:rds:{HERE}:{ACCOUNT}:cluster:target"
    (add,) = scene.permission_requests(
        "rds:AddTagsToResource", ResourceName=arn, Tags=[{"Key": "owner", "Value": "me"}]
    )
    (remove,) = scene.permission_requests(
        "rds:RemoveTagsFromResource", ResourceName=arn, TagKeys=["aurora-restore"]
    )
    found = tuple(
        add.context[key]
        for key in ("aws:ResourceTag/aurora-restore", "aws:RequestTag/owner", "aws:TagKeys")
    )

    assert ("test/default", "me", ("owner",)) == found
    assert ("aurora-restore",) == remove.context["aws:TagKeys"]


def test_what_is_known_of_rds_is_modelled_there() -> None:
    """Each action of RDS in the table is one that localaws models."""
    assert set() == KNOWN["rds"] - ACTIONS.keys()
