"""The custom endpoints of the old target lead to the new one afterwards, under their names."""

from typing import Any

import pytest

from chalicelib.flow.baseline import EndpointBaseline
from chalicelib.flow.choreography import REQUESTED, State
from chalicelib.messages.commands import step_command
from chalicelib.target.endpoint_plan import with_members
from simulation.stage import ACCOUNT, STAGE, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.choreography.run_night import FaultyStage
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second

TARGET, _, PREVIOUS = NAMES
WRITER, READER = "staging-cluster-1", "staging-cluster-2"
HERE = {"SOURCE_REGION": TARGET_REGION, "SOURCE_CLUSTER_ID": "near-cluster"}
REPLACEMENTS = ("swap", "delete-first")
OWNER = f"{STAGE}/default"


def make_endpoint(
    stage: FaultyStage, name: str, kind: str = "ANY", owner: str = OWNER, **members: list[str]
) -> None:
    """Give the target a custom endpoint, and let the plan own it, as a person does."""
    tags = [{"Key": "aurora-restore", "Value": owner}] if owner else []
    stage.rds().create_db_cluster_endpoint(
        DBClusterEndpointIdentifier=name,
        DBClusterIdentifier=TARGET,
        EndpointType=kind,
        Tags=tags,
        **members,
    )
    stage.settle(600)


def endpoints(stage: FaultyStage, cluster: str = TARGET) -> dict[str, tuple[str, Any, Any]]:
    """Describe the custom endpoints of a cluster: type, members, and exceptions."""
    found = stage.rds().describe_db_cluster_endpoints(DBClusterIdentifier=cluster)
    return {
        endpoint["DBClusterEndpointIdentifier"]: (
            endpoint["CustomEndpointType"],
            endpoint["StaticMembers"],
            endpoint["ExcludedMembers"],
        )
        for endpoint in found["DBClusterEndpoints"]
        if endpoint["EndpointType"] == "CUSTOM"
    }


@pytest.mark.parametrize("replacement", REPLACEMENTS)
def test_the_new_one_has_the_endpoints_of_the_old_one(replacement: str) -> None:
    """Members are those with the same position, the writer first."""
    stage = FaultyStage({"REPLACEMENT": replacement})
    make_endpoint(stage, "analytics", "READER", StaticMembers=[READER])
    make_endpoint(stage, "batch", ExcludedMembers=[WRITER])
    make_endpoint(stage, "everything")
    stage.night()
    stage.run(3600)
    (operation, *_) = stage.all_operations()
    writer, reader = operation.facts.target.instances

    assert (State.SUCCEEDED, ()) == (operation.state, operation.warnings)
    assert {
        "analytics": ("READER", [reader], []),
        "batch": ("ANY", [], [writer]),
        "everything": ("ANY", [], []),
    } == endpoints(stage)
    stage.run(20 * 3600)
    assert 3 == len(endpoints(stage))
    assert [] == stage.broken_promises()


def test_endpoints_are_moved_every_night() -> None:
    """The second night moves what the first one made."""
    stage = SwapStage()
    make_endpoint(stage, "analytics", "READER", StaticMembers=[READER])
    first_and_second(stage)
    stage.run(20 * 3600)
    first_and_second(stage)
    reader = stage.restores()[-1].facts.target.instances[1]

    assert {"analytics": ("READER", [reader], [])} == endpoints(stage)


def test_a_rollback_moves_them_back() -> None:
    """People get their endpoints together with the cluster that they had."""
    stage = SwapStage()
    make_endpoint(stage, "analytics", "READER", StaticMembers=[READER])
    first_and_second(stage)
    stage.ask_back(stage.restores()[0])
    ended = stage.run_until_ended(2)

    assert (State.SUCCEEDED, ()) == (ended.state, ended.warnings)
    assert {"analytics": ("READER", [READER], [])} == endpoints(stage)


def fail_over(stage: FaultyStage) -> None:
    """Let the reader of the target become its writer, as a person does."""
    stage.rds().failover_db_cluster(DBClusterIdentifier=TARGET)
    stage.settle(600)


@pytest.mark.parametrize("forth", [False, True])
def test_a_rollback_gives_them_the_members_that_they_had(*, forth: bool) -> None:
    """Whichever instance is the writer by then: the restore has recorded who replaced whom."""
    stage = SwapStage()
    make_endpoint(stage, "analytics", "READER", StaticMembers=[READER])
    make_endpoint(stage, "batch", ExcludedMembers=[WRITER])
    first_and_second(stage)
    writer, reader = stage.restores()[0].facts.target.instances
    fail_over(stage)
    stage.ask_back(stage.restores()[0])
    stage.run_until_ended(2)
    back = {"analytics": ("READER", [READER], []), "batch": ("ANY", [], [WRITER])}
    if forth:
        fail_over(stage)
        stage.ask_back(stage.restores()[1])
        stage.run_until_ended(3)
        back = {"analytics": ("READER", [reader], []), "batch": ("ANY", [], [writer])}

    assert back == endpoints(stage)


def test_a_rollback_restores_members_that_one_instance_stood_for() -> None:
    """With fewer instances than before, one has to stand for two, which are told apart again."""
    stage = SwapStage(INSTANCE_COUNT="1")
    make_endpoint(stage, "analytics", "READER", StaticMembers=[READER])
    make_endpoint(stage, "changed", "READER", StaticMembers=[READER])
    first_and_second(stage)
    rds, (only,) = stage.rds(), stage.restores()[0].facts.target.instances
    stage.settle(600)
    rds.modify_db_cluster_endpoint(
        DBClusterEndpointIdentifier="changed", EndpointType="ANY", StaticMembers=[only]
    )
    stage.settle(600)
    stage.ask_back(stage.restores()[0])
    stage.run_until_ended(2)

    assert {"analytics": ("READER", [READER], []), "changed": ("ANY", [WRITER], [])} == endpoints(
        stage
    )


def test_a_rollback_moves_endpoints_that_people_added_after_the_second_night() -> None:
    """What the night that made the previous target had moved says nothing about them."""
    stage = SwapStage()
    make_endpoint(stage, "analytics", "READER", StaticMembers=[READER])
    first_and_second(stage)
    stage.run(20 * 3600)
    first_and_second(stage)
    make_endpoint(stage, "added")
    stage.ask_back(stage.restores()[1])
    stage.run_until_ended(3)

    assert {"added", "analytics"} == set(endpoints(stage))


@pytest.mark.parametrize("call", ["create_db_cluster_endpoint", "delete_db_cluster_endpoint"])
def test_a_refusal_is_a_warning(call: str) -> None:
    """The data is fresh, whatever becomes of an endpoint."""
    stage = SwapStage()
    make_endpoint(stage, "analytics")
    stage.inject(refused("AccessDenied"), call=f"rds.{call}", times=99)
    ended = stage.run_night()
    (warning,) = ended.warnings

    assert State.SUCCEEDED is ended.state
    assert warning.startswith("The custom endpoint analytics is not moved: ")


def test_trouble_ends_with_the_deadline() -> None:
    """An endpoint that is never moved must not hold up the end for ever."""
    stage = SwapStage(ARCHIVE_DEADLINE="900")
    make_endpoint(stage, "analytics")
    trouble = refused("InvalidDBClusterStateFault", 400)
    stage.inject(trouble, call="rds.create_db_cluster_endpoint", times=999)
    ended = stage.run_night()
    (warning,) = ended.warnings

    assert State.SUCCEEDED is ended.state
    assert "The custom endpoint analytics is not moved yet" in warning
    assert "The deadline of TARGET_OPEN has passed." in warning


def test_an_endpoint_of_another_cluster_is_left_alone() -> None:
    """Somebody deleted it meanwhile and made another of its name elsewhere."""
    stage = SwapStage()
    make_endpoint(stage, "analytics")
    stage.night()
    stage.reach(State.SWAPPING)
    waiting = list(stage.queue)
    stage.queue.clear()
    rds = stage.rds()
    rds.delete_db_cluster_endpoint(DBClusterEndpointIdentifier="analytics")
    stage.settle(600)
    rds.create_db_cluster_endpoint(
        DBClusterEndpointIdentifier="analytics", DBClusterIdentifier="bystander", EndpointType="ANY"
    )
    stage.settle(600)
    stage.queue.extend(waiting)
    (warning,) = stage.run_until_ended(1).warnings

    assert "is left alone: it now belongs to the cluster bystander." in warning
    assert {"analytics"} == set(endpoints(stage, "bystander"))


def test_in_the_sources_region_an_endpoint_stays_with_the_previous_target() -> None:
    """Nothing keeps the endpoints of the source apart there, so none is deleted."""
    stage = SwapStage(SOURCE_REGION=TARGET_REGION, SOURCE_CLUSTER_ID="near-cluster")
    stage.make_cluster("near-cluster", TARGET_REGION, encrypted=True)
    make_endpoint(stage, "analytics")
    stage.aurora.take_automated_snapshot("near-cluster", account=ACCOUNT, region=TARGET_REGION)
    (warning,) = stage.run_until_ended(1).warnings

    assert f"stays with {PREVIOUS}, because none is deleted in the source's region." in warning
    assert {"analytics"} == set(endpoints(stage, PREVIOUS))


@pytest.mark.parametrize("owner", ["", "prod/default"])
def test_an_endpoint_without_our_tag_is_never_deleted(owner: str) -> None:
    """Whoever made it decides; IAM knows no condition for its cluster."""
    stage = SwapStage()
    make_endpoint(stage, "analytics", owner=owner)
    (warning,) = stage.run_night().warnings
    stage.run(20 * 3600)

    assert f"The custom endpoint analytics stays with {PREVIOUS}, because it " in warning
    assert f"create it again on {TARGET}" in warning
    assert bool(owner) is ("add-tags-to-resource" not in warning)
    assert [] == stage.calls_of("delete_db_cluster_endpoint")
    assert {"analytics"} == set(endpoints(stage, PREVIOUS))


def test_an_adopted_endpoint_is_moved_when_the_archive_is_repeated() -> None:
    """As the warning says."""
    stage = SwapStage()
    make_endpoint(stage, "analytics", "READER", owner="", StaticMembers=[READER])
    night = stage.run_night()
    (warning,) = night.warnings
    arn = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster-endpoint:analytics"
    tag = f"--resource-name {arn} --tags Key=aurora-restore,Value={OWNER}, and then"
    tags = [{"Key": "aurora-restore", "Value": OWNER}]
    stage.rds().add_tags_to_resource(ResourceName=arn, Tags=tags)
    again = {"rerun_of": night.operation_id, "from_step": "archive-snapshot"}
    stage.request(REQUESTED, request_id="again", **again)
    ended = stage.run_until_ended(2)

    assert tag in warning
    assert step_command(night, "archive-snapshot") in warning
    assert (State.SUCCEEDED, ()) == (ended.state, ended.warnings)
    assert {"analytics": ("READER", [night.facts.target.instances[1]], [])} == endpoints(stage)


def test_without_endpoints_nothing_is_asked() -> None:
    """A night of a target that has none is as it was."""
    stage = SwapStage()
    stage.run_night()
    asked = [call.step for call in stage.calls_of("describe_db_cluster_endpoints")]

    assert "archive-snapshot" not in asked


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ((["w"], []), (("W",), ())),
        ((["r2", "r1"], []), (("R1",), ())),
        ((["gone"], []), (("R1",), ())),
        (([], ["w", "gone"]), ((), ("W",))),
        (([], []), ((), ())),
    ],
)
def test_members_are_mapped_by_their_positions(
    members: tuple[list[str], list[str]], expected: tuple[Any, Any]
) -> None:
    """The last instance stands for one that the new cluster has not; exceptions are left out."""
    static, excluded = map(tuple, members)
    endpoint = EndpointBaseline(
        identifier="e", kind="ANY", static_members=static, excluded_members=excluded
    )
    found = with_members(endpoint, ["w", "r1", "r2"], ["W", "R1"])

    assert expected == (found.static_members, found.excluded_members)
