"""What our calls may touch: never the source, and of what exists only what is ours."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.flow.choreography import State
from simulation.checker import Checker
from simulation.history import Called
from tests.simulation.trace_builder import (
    BOUNDS,
    COPY_ARN,
    SNAPSHOT,
    SOURCE,
    START,
    VICTIM,
    TraceBuilder,
    broken,
    names,
)

EAST = "us-east-1"
FOREIGN = [{"Key": "aurora-restore", "Value": "dev/other"}]


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("DeleteDBCluster", {"DBClusterIdentifier": "prod-cluster", "region": EAST}),
        (
            "DeleteDBCluster",
            {"DBClusterIdentifier": "Prod-Cluster", "region": EAST, "error": "AccessDenied"},
        ),
        ("ModifyDBCluster", {"DBClusterIdentifier": SOURCE}),
        (
            "ModifyDBCluster",
            {"DBClusterIdentifier": "x", "NewDBClusterIdentifier": "prod-cluster", "region": EAST},
        ),
        (
            "CreateDBInstance",
            {"DBInstanceIdentifier": "new", "DBClusterIdentifier": "prod-cluster", "region": EAST},
        ),
        ("AddTagsToResource", {"ResourceName": SOURCE, "Tags": []}),
        ("RemoveTagsFromResource", {"ResourceName": SNAPSHOT, "TagKeys": ["x"]}),
        (
            "DeleteDBClusterSnapshot",
            {"DBClusterSnapshotIdentifier": "rds:prod-cluster-2026-02-28", "region": EAST},
        ),
        ("ModifyDBClusterSnapshotAttribute", {"DBClusterSnapshotIdentifier": SNAPSHOT}),
    ],
)
def test_a_change_that_names_the_source_is_seen(action: str, parameters: dict[str, Any]) -> None:
    """A change of the source is found by identifier or ARN, even if AWS refused it."""
    found = broken(TraceBuilder().call(action, **parameters).fail())

    assert any(
        violation.startswith(f"source: night-1 called {action} on the source's ")
        for violation in found
    )


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("DescribeDBClusters", {"DBClusterIdentifier": SOURCE}),
        (
            "CopyDBClusterSnapshot",
            {
                "SourceDBClusterSnapshotIdentifier": SNAPSHOT,
                "TargetDBClusterSnapshotIdentifier": "x",
            },
        ),
        (
            "RestoreDBClusterFromSnapshot",
            {"DBClusterIdentifier": "prod-cluster", "SnapshotIdentifier": SNAPSHOT},
        ),
    ],
)
def test_reading_the_source_is_no_change(action: str, parameters: dict[str, Any]) -> None:
    """Reads of the source and changes of a cluster of its name in another region are allowed."""
    assert "source" not in names(broken(TraceBuilder().call(action, **parameters).fail()))


@pytest.mark.parametrize(
    ("answer", "action", "named"),
    [
        (
            {
                "DBClusters": [
                    {
                        "DBClusterArn": SOURCE,
                        "DBClusterMembers": [{"DBInstanceIdentifier": "writer"}],
                    }
                ]
            },
            "DeleteDBInstance",
            {"DBInstanceIdentifier": "writer"},
        ),
        (
            {
                "DBInstances": [
                    {"DBInstanceIdentifier": "reader", "DBClusterIdentifier": "prod-cluster"}
                ]
            },
            "DeleteDBInstance",
            {"DBInstanceIdentifier": "reader"},
        ),
        (
            {
                "DBClusterSnapshots": [
                    {
                        "DBClusterSnapshotIdentifier": "by-hand",
                        "DBClusterIdentifier": "prod-cluster",
                        "TagList": [],
                    }
                ]
            },
            "DeleteDBClusterSnapshot",
            {"DBClusterSnapshotIdentifier": "by-hand"},
        ),
    ],
)
def test_what_an_answer_showed_of_the_source_is_known(
    answer: dict[str, Any], action: str, named: dict[str, Any]
) -> None:
    """The source's members, instances and snapshots are known from AWS's answers."""
    trace = (
        TraceBuilder().call("DescribeAll", answer, region=EAST).call(action, **named, region=EAST)
    )

    assert "source" in names(broken(trace.fail()))


def test_the_source_under_another_name_is_seen() -> None:
    """A renamed source is recognized by its immutable id."""
    found = broken(
        TraceBuilder()
        .copy()
        .go(State.TARGET_DELETING, facts={"target": {"old": VICTIM}})
        .delete_cluster("cluster-SOURCE")
    )

    assert "source: night-1 called DeleteDBCluster on cluster-SOURCE, the source itself." in found


def test_what_people_do_is_not_judged() -> None:
    """People may change the source: only calls of our functions are judged."""
    parameters = {"DBClusterIdentifier": "prod-cluster"}
    by_hand = Called(START, "arn:aws:iam::1:user/dba", "rds", "DeleteDBCluster", EAST, parameters)

    assert [] == broken(TraceBuilder().fail(), extra=[by_hand])


@pytest.mark.parametrize(
    "tags", [[], FOREIGN, [{"Key": "aurora-restore", "Value": "prod/default"}]]
)
def test_a_deletion_of_what_is_not_ours_is_seen(tags: list[dict[str, str]]) -> None:
    """A deletion is found when the tag is missing, another plan's or another stage's."""
    found = broken(
        TraceBuilder()
        .copy()
        .go(State.TARGET_DELETING, facts={"target": {"old": VICTIM}})
        .delete_cluster(tags=tags)
        .fail()
    )

    assert {"only-owned"} == names(found)
    assert any(
        "on the cluster staging-cluster in us-west-2, whose owner is" in violation
        for violation in found
    )


def test_a_tag_of_an_earlier_answer_counts() -> None:
    """An earlier answer's tag counts if a later one has none; a tag set by the call does not."""
    ours = [{"Key": "aurora-restore", "Value": "dev/default"}]
    shown = {"DBClusterSnapshots": [{"DBClusterSnapshotArn": COPY_ARN, "TagList": ours}]}
    told = (
        TraceBuilder()
        .call("DescribeDBClusterSnapshots", shown)
        .call("AddTagsToResource", ResourceName=COPY_ARN, Tags=[])
    )
    foreign = {"DBClusterSnapshots": [{"DBClusterSnapshotArn": COPY_ARN, "TagList": []}]}
    taken = (
        TraceBuilder()
        .call("DescribeDBClusterSnapshots", foreign)
        .call("AddTagsToResource", ResourceName=COPY_ARN, Tags=ours)
    )

    assert (set(), {"only-owned"}) == (names(broken(told.fail())), names(broken(taken.fail())))


def test_what_is_unknown_is_not_judged() -> None:
    """A deletion of an unknown owner is reported as not judged, not as broken."""
    checker = Checker(BOUNDS)
    found = [
        violation
        for entry in TraceBuilder().call("AddTagsToResource", ResourceName=COPY_ARN).entries
        for violation in checker.see(entry)
    ]

    assert [] == found
    assert any("nothing tells whose the" in doubt.sentence for doubt in checker.unchecked)


def test_the_deletion_of_another_cluster_is_seen() -> None:
    """A deletion is compared by immutable id with the cluster that the deciding row names."""
    found = broken(
        TraceBuilder()
        .copy()
        .go(State.TARGET_DELETING, facts={"target": {"old": VICTIM}})
        .delete_cluster("cluster-NEW")
        .fail()
    )
    expected = [
        "only-owned: night-1 deleted the cluster cluster-NEW, and its victim was cluster-OLD."
    ]

    assert expected == found


def test_a_deletion_without_a_recorded_target_is_seen() -> None:
    """A deletion that no row decided is found."""
    found = broken(TraceBuilder().copy().delete_cluster().fail())

    assert {"only-owned"} == names(found)
    assert found[0].endswith(
        "on the cluster staging-cluster in us-west-2, and its trail names no victim."
    )


def test_the_deletion_of_another_clusters_instance_is_seen() -> None:
    """The deletion of an instance outside the old target is found, even if it carries our tag."""
    found = broken(
        TraceBuilder()
        .copy()
        .go(State.TARGET_DELETING, facts={"target": {"old": VICTIM}})
        .delete_instance("other")
        .fail()
    )
    expected = [
        "only-owned: night-1 deleted the db other in us-west-2, which was no member of its victim."
    ]

    assert expected == found


def test_an_answer_without_the_clusters_id_is_not_judged() -> None:
    """A deletion whose answer lacks the cluster's id, as in CloudTrail, is not judged."""
    trace = (
        TraceBuilder()
        .copy()
        .go(State.TARGET_DELETING, facts={"target": {"old": VICTIM}})
        .delete_cluster()
    )
    deletion = trace.entries[-1]
    assert isinstance(deletion, Called)
    trace.entries[-1] = replace(
        deletion, answer={"DBCluster": {"DBClusterIdentifier": "staging-cluster"}}
    )
    checker = Checker(BOUNDS)
    found = [violation for entry in trace.entries for violation in checker.see(entry)]

    assert [] == found
    assert any("does not tell the cluster's id" in doubt.sentence for doubt in checker.unchecked)
