"""Renaming a cluster: who is found under which name, and when."""

from typing import Any

import pytest
from localaws.aurora import Aurora, Choices, Durations, VirtualClock
from tests.aurora.recording import RecordingData
from tests.aurora.scene import ACCOUNT, ENGINE, PASSWORD, SOURCE, Scene, code_of

OLD, NEW = "prod-cluster", "prod-previous"
LAG_SECONDS = Durations().rename_lag
RENAME_SECONDS = Durations().rename
ALREADY = "DBClusterAlreadyExistsFault"
NOT_FOUND = "DBClusterNotFoundFault"
STATE = "InvalidDBClusterStateFault"


def rename(scene: Scene, name: str = OLD, to: str = NEW, **options: Any) -> Any:
    """Rename a cluster at once, without waiting for it; return the answer's cluster."""
    chosen = {"ApplyImmediately": True, **options}
    return scene.rds(SOURCE).modify_db_cluster(
        DBClusterIdentifier=name, NewDBClusterIdentifier=to, **chosen
    )["DBCluster"]


def seen(scene: Scene, name: str) -> str:
    """Return the status that a name shows, or the code with which it is not found."""
    code = code_of(scene.rds(SOURCE).describe_db_clusters, DBClusterIdentifier=name)
    return str(scene.describe(name)["Status"]) if code == "accepted" else code


def test_a_rename_takes_two_minutes_in_which_only_the_old_name_is_found(scene: Scene) -> None:
    """A renamed cluster shows `available` for seconds, then `renaming` under its old name; at the
    end the names change places.
    """
    scene.cluster()
    answer = rename(scene)
    at_once = seen(scene, OLD), seen(scene, NEW)
    scene.pass_time(LAG_SECONDS)
    during = seen(scene, OLD), seen(scene, NEW)
    scene.pass_time(RENAME_SECONDS - 1)
    just_before = seen(scene, OLD), seen(scene, NEW)
    scene.pass_time(1)

    assert ("available", OLD) == (answer["Status"], answer["DBClusterIdentifier"])
    assert ("available", NOT_FOUND) == at_once
    assert ("renaming", NOT_FOUND) == during == just_before
    assert (NOT_FOUND, "available") == (seen(scene, OLD), seen(scene, NEW))


def test_name_arn_and_endpoints_change_and_nothing_else(
    scene: Scene, stored: RecordingData
) -> None:
    """Identifier, ARN and both endpoints are the new name's; every other member is as it was."""
    scene.cluster(Tags=[{"Key": "owner", "Value": "staging"}])
    stored.clusters[scene.describe()["DbClusterResourceId"]].rows = "orders"
    before = scene.describe()
    rename(scene)
    scene.settle()
    after = scene.describe(NEW)
    changed = {name for name in before if before[name] != after[name]} - {"LatestRestorableTime"}

    assert {"DBClusterArn", "DBClusterIdentifier", "Endpoint", "ReaderEndpoint"} == changed
    assert after["DBClusterArn"] == before["DBClusterArn"].replace(OLD, NEW)
    assert after["Endpoint"] == before["Endpoint"].replace(OLD, NEW)
    assert after["ReaderEndpoint"] == before["ReaderEndpoint"].replace(OLD, NEW)
    assert "orders" == stored.clusters[after["DbClusterResourceId"]].rows


def test_instances_keep_their_names_and_endpoints_and_follow_their_cluster(scene: Scene) -> None:
    """An instance shows the new name of its cluster; its own name and endpoint stay."""
    scene.cluster()
    before = scene.describe_instance("prod-cluster-1")
    rename(scene)
    scene.settle()
    after = scene.describe_instance("prod-cluster-1")

    assert {**before, "DBClusterIdentifier": NEW} == after
    assert ["prod-cluster-1"] == [
        member["DBInstanceIdentifier"] for member in scene.describe(NEW)["DBClusterMembers"]
    ]


def test_snapshots_keep_the_name_that_their_cluster_had(scene: Scene) -> None:
    """Snapshots from before keep their identifier and the cluster's name of that time; the next
    automated one has the new name.
    """
    scene.cluster()
    manual, automated = scene.snapshot(), scene.night()
    rename(scene)
    scene.settle()
    kept = [
        scene.describe_snapshot(manual["DBClusterSnapshotIdentifier"]),
        scene.describe_snapshot(automated["DBClusterSnapshotIdentifier"], SnapshotType="automated"),
    ]
    later = scene.night(NEW)

    assert [manual, automated] == kept
    assert later["DBClusterSnapshotIdentifier"].startswith(f"rds:{NEW}-")
    assert later["DbClusterResourceId"] == automated["DbClusterResourceId"]


def certified(scene: Scene, stored: RecordingData, name: str) -> tuple[bool, bool]:
    """Tell whether the server's certificate is for a cluster's endpoint, and for its reader's."""
    found = scene.describe(name)
    names = stored.clusters[found["DbClusterResourceId"]].certified
    return found["Endpoint"] in names, found["ReaderEndpoint"] in names


def test_the_certificate_has_the_old_names_until_a_stop_and_a_start(
    scene: Scene, stored: RecordingData
) -> None:
    """A rename leaves the server's certificate as it was; the next start renews it."""
    scene.cluster()
    before = certified(scene, stored, OLD)
    rename(scene)
    scene.settle()
    renamed = certified(scene, stored, NEW)
    scene.rds(SOURCE).stop_db_cluster(DBClusterIdentifier=NEW)
    scene.settle()
    scene.rds(SOURCE).start_db_cluster(DBClusterIdentifier=NEW)
    scene.settle()

    assert ((True, True), (False, False)) == (before, renamed)
    assert (True, True) == certified(scene, stored, NEW)


def create(scene: Scene, name: str) -> str:
    """Try to create a cluster."""
    return code_of(
        scene.rds(SOURCE).create_db_cluster,
        DBClusterIdentifier=name,
        Engine=ENGINE,
        MasterUsername="postgres",
        MasterUserPassword=PASSWORD,
    )


def restore(scene: Scene, name: str) -> str:
    """Try to restore the snapshot by-hand."""
    return code_of(
        scene.rds(SOURCE).restore_db_cluster_from_snapshot,
        DBClusterIdentifier=name,
        SnapshotIdentifier="by-hand",
        Engine=ENGINE,
        EngineVersion="16.11",
    )


def rename_other(scene: Scene, name: str) -> str:
    """Try to rename the cluster `other`."""
    return code_of(
        scene.rds(SOURCE).modify_db_cluster,
        DBClusterIdentifier="other",
        NewDBClusterIdentifier=name,
        ApplyImmediately=True,
    )


@pytest.mark.parametrize("claim", [create, restore, rename_other])
@pytest.mark.parametrize("seconds", [0, LAG_SECONDS, LAG_SECONDS + RENAME_SECONDS - 1])
def test_both_names_are_taken_while_a_cluster_is_renamed(
    scene: Scene, claim: Any, seconds: float
) -> None:
    """From the accepted call on, nobody else gets the new name, nor yet the old one."""
    scene.cluster()
    scene.cluster("other", instances=0)
    scene.snapshot()
    rename(scene)
    scene.pass_time(seconds)

    assert [ALREADY, ALREADY] == [claim(scene, NEW), claim(scene, OLD)]


@pytest.mark.parametrize("claim", [create, restore, rename_other])
def test_the_old_name_is_free_after_the_rename(scene: Scene, claim: Any) -> None:
    """When the rename is done, the old name is to be had, and the new one is not."""
    scene.cluster()
    scene.cluster("other", instances=0)
    scene.snapshot()
    rename(scene)
    scene.settle()

    assert [ALREADY, "accepted"] == [claim(scene, NEW), claim(scene, OLD)]


@pytest.mark.parametrize("name", ["other", OLD])
def test_a_taken_name_is_refused_and_nothing_begins(scene: Scene, name: str) -> None:
    """A rename onto the name of a cluster, also of the same one, is refused at once."""
    scene.cluster()
    scene.cluster("other", instances=0)
    refused = code_of(rename, scene=scene, to=name)
    scene.settle()

    assert ALREADY == refused
    assert "available" == seen(scene, OLD)


@pytest.mark.parametrize("seconds", [0, LAG_SECONDS])
def test_nothing_else_can_be_done_to_a_cluster_that_is_renamed(
    scene: Scene, seconds: float
) -> None:
    """A second rename, a change, a deletion, a stop, a new instance or a snapshot: all are
    refused, also while the old status still shows.
    """
    scene.cluster(instances=0)
    rename(scene)
    scene.pass_time(seconds)
    rds = scene.rds(SOURCE)
    named = {"DBClusterIdentifier": OLD}
    member = {"DBInstanceIdentifier": "i", "DBInstanceClass": "db.r6g.large", "Engine": ENGINE}

    assert {STATE} == {
        code_of(rename, scene=scene, to="third"),
        code_of(rds.modify_db_cluster, **named, DeletionProtection=True),
        code_of(rds.modify_db_cluster, **named, MasterUserPassword="a-long-password"),
        code_of(rds.delete_db_cluster, **named, SkipFinalSnapshot=True),
        code_of(rds.stop_db_cluster, **named),
        code_of(rds.create_db_instance, **named, **member),
        code_of(rds.create_db_cluster_snapshot, **named, DBClusterSnapshotIdentifier="s"),
    }


@pytest.mark.parametrize("status", ["stopped", "backing-up", "deleting", "failed"])
def test_only_an_available_cluster_is_renamed(scene: Scene, aurora: Aurora, status: str) -> None:
    """A cluster in any other status is not renamed."""
    aurora.set_status(scene.cluster(instances=0)["DBClusterArn"], status)

    assert STATE == code_of(rename, scene=scene)


def test_without_apply_immediately_a_new_name_is_pending(scene: Scene) -> None:
    """Without ApplyImmediately a new name waits for the maintenance window, other changes go on,
    and the name is not reserved.
    """
    scene.cluster(instances=0)
    answer = rename(scene, ApplyImmediately=False)
    scene.rds(SOURCE).modify_db_cluster(DBClusterIdentifier=OLD, DeletionProtection=True)
    scene.settle()
    later = scene.describe()

    assert {"DBClusterIdentifier": NEW} == answer["PendingModifiedValues"]
    assert ("available", {"DBClusterIdentifier": NEW}, True) == (
        later["Status"],
        later["PendingModifiedValues"],
        later["DeletionProtection"],
    )
    assert (NOT_FOUND, "accepted") == (seen(scene, NEW), create(scene, NEW))


def test_a_pending_name_is_put_in_force_by_asking_again(scene: Scene) -> None:
    """A rename with ApplyImmediately replaces one that waits."""
    scene.cluster(instances=0)
    rename(scene, ApplyImmediately=False)
    rename(scene, to="third")
    scene.settle()

    assert (NOT_FOUND, "available") == (seen(scene, NEW), seen(scene, "third"))
    assert "PendingModifiedValues" not in scene.describe("third")


def test_what_aws_might_put_in_force_together_is_refused(scene: Scene) -> None:
    """A rename beside other changes, and another change at once while a rename waits, are not
    modelled.
    """
    scene.cluster(instances=0)
    together = code_of(rename, scene=scene, DeletionProtection=True)
    rename(scene, ApplyImmediately=False)
    at_once = code_of(
        scene.rds(SOURCE).modify_db_cluster,
        DBClusterIdentifier=OLD,
        DeletionProtection=True,
        ApplyImmediately=True,
    )

    assert {"LocalAwsNotModelled"} == {together, at_once}


@pytest.mark.parametrize("name", ["9lives", "two--hyphens", "end-", "x" * 64, "rds:a"])
def test_a_name_outside_the_rules_is_refused(scene: Scene, name: str) -> None:
    """A new name obeys the same rules as the first one."""
    scene.cluster(instances=0)

    assert "InvalidParameterValue" == code_of(rename, scene=scene, to=name)


def test_a_new_name_is_stored_in_lower_case(scene: Scene) -> None:
    """A new name is found whatever the case it was given in."""
    scene.cluster(instances=0)
    rename(scene, to="Prod-PREVIOUS")
    scene.settle()

    assert NEW == scene.describe("PROD-previous")["DBClusterIdentifier"]


def test_event_0172_alone_tells_the_end(scene: Scene, emitted: list[dict[str, Any]]) -> None:
    """The end of a rename has one event, under the new name unless the model is told otherwise."""
    scene.cluster()
    begun = len(emitted)
    rename(scene)
    at_once = len(emitted)
    scene.settle()
    (event,) = emitted[begun:]

    assert begun == at_once
    assert ("RDS-EVENT-0172", ["notification"], f"Renamed cluster from {OLD} to {NEW}") == (
        event["detail"]["EventID"],
        event["detail"]["EventCategories"],
        event["detail"]["Message"],
    )
    assert NEW == event["detail"]["SourceIdentifier"]
    assert [scene.describe(NEW)["DBClusterArn"]] == event["resources"]


class TestOldName:
    """A model that files the event under the old name: AWS does not say under which it is."""

    @pytest.fixture
    def aurora(self, clock: VirtualClock, emitted: list[dict[str, Any]]) -> Aurora:
        """Return a model of that choice."""
        return Aurora(clock, emit=emitted.append, choices=Choices("old"))

    def test_event_0172_may_be_filed_under_the_old_name(
        self, scene: Scene, emitted: list[dict[str, Any]]
    ) -> None:
        """The event's source and resource are the cluster as it was called before."""
        arn = scene.cluster()["DBClusterArn"]
        rename(scene)
        scene.settle()
        listed = scene.rds(SOURCE).describe_events(SourceType="db-cluster", SourceIdentifier=OLD)

        assert OLD == emitted[-1]["detail"]["SourceIdentifier"]
        assert [arn] == emitted[-1]["resources"]
        assert f"Renamed cluster from {OLD} to {NEW}" == listed["Events"][-1]["Message"]


def test_two_clusters_swap_through_a_third_name(scene: Scene, aurora: Aurora) -> None:
    """The name goes from one cluster to another by two renames, and then a third gets the place
    that became free.
    """
    old = scene.cluster()["DbClusterResourceId"]
    new = scene.cluster("prod-next")["DbClusterResourceId"]
    rename(scene)
    scene.settle()
    rename(scene, "prod-next", OLD)
    scene.settle()

    assert [new, old] == [scene.describe(name)["DbClusterResourceId"] for name in (OLD, NEW)]
    assert {SOURCE: [OLD, NEW]} == aurora.clusters_of(ACCOUNT)


def test_a_rename_that_a_test_lets_fail_ends_under_the_old_name(
    scene: Scene, aurora: Aurora, emitted: list[dict[str, Any]]
) -> None:
    """After its whole time the cluster is available as before, no event says so, and the next
    rename succeeds.
    """
    aurora.fail_rename(scene.cluster()["DBClusterArn"])
    begun = len(emitted)
    rename(scene)
    scene.pass_time(LAG_SECONDS + RENAME_SECONDS - 1)
    just_before = seen(scene, OLD)
    scene.settle()
    failed = seen(scene, OLD), seen(scene, NEW), len(emitted)
    rename(scene)
    scene.settle()

    assert "renaming" == just_before
    assert ("available", NOT_FOUND, begun) == failed
    assert (NOT_FOUND, "available") == (seen(scene, OLD), seen(scene, NEW))


class Unmovable(RecordingData):
    """A data plane that has no place for a new name."""

    def rename(self, resource_id: str, *, name: str) -> None:
        """Refuse."""
        raise RuntimeError(f"There is no room for {name} of {resource_id}.")


class TestFailing:
    """A rename whose endpoint cannot move."""

    @pytest.fixture
    def stored(self) -> RecordingData:
        """Return a data plane that moves nothing."""
        return Unmovable()

    def test_a_rename_that_fails_leaves_the_old_name_and_no_event(
        self, scene: Scene, emitted: list[dict[str, Any]]
    ) -> None:
        """A rename that fails ends under the old name, frees the new one, and no event says so."""
        scene.cluster()
        begun = len(emitted)
        rename(scene)
        scene.settle()

        assert ("available", NOT_FOUND) == (seen(scene, OLD), seen(scene, NEW))
        assert begun == len(emitted)
        assert "accepted" == create(scene, NEW)
