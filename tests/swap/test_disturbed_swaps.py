"""Swaps that other people disturb: what people are left with, and what is deleted."""

import json

import pytest

from chalicelib.aws.stale_answers import ABSENT_FOR
from chalicelib.database.errors import CertificateNameError
from chalicelib.flow.choreography import CANCEL_REQUESTED, REQUESTED, State
from chalicelib.flow.facts import Deletion
from chalicelib.flow.ownership import OPERATION_TAG, OWNER_TAG
from simulation.stage import ACCOUNT, APP, APP_SECRET, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.pointer.pointer_stage import PointerStage
from tests.refusals.refused_swaps import deployment, integration
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second

TARGET, NEXT, PREVIOUS = NAMES
HOUR = 3600


@pytest.mark.parametrize("seconds", [1, 6])
def test_a_rename_that_does_not_show_yet_is_waited_for_and_taken_back(seconds: int) -> None:
    """At the end of a rollback the old cluster keeps its name, however late it was asked to go."""
    stage = SwapStage()
    old = stage.standing()[TARGET]
    stage.night()
    operation = stage.reach(State.SWAPPING)
    rds = stage.rds()
    rds.modify_db_cluster(
        DBClusterIdentifier=TARGET, NewDBClusterIdentifier=PREVIOUS, ApplyImmediately=True
    )
    stage.pause(seconds)
    stage.request(CANCEL_REQUESTED, operation_id=operation.operation_id)
    ended = stage.run_until_ended(1)
    stage.settle(600)

    assert (State.CANCELLED, old) == (ended.state, stage.standing()[TARGET])


@pytest.mark.parametrize("state", [State.SWAPPING, State.ROLLING_BACK])
def test_what_holds_up_a_swap_is_logged_once_with_its_call_and_code(
    state: State, caplog: pytest.LogCaptureFixture
) -> None:
    """The attempt is repeated every few seconds, and people see why it takes so long."""
    stage = SwapStage()
    stage.night()
    operation = stage.reach(State.SWAPPING)
    if state is State.ROLLING_BACK:
        stage.request(CANCEL_REQUESTED, operation_id=operation.operation_id)
        stage.reach(state)
    stage.inject(refused("Throttling"), state=state, call="rds.describe_db_clusters", times=7)
    caplog.clear()
    stage.run_until_ended(1)
    told = [text for text in caplog.messages if text.startswith("Tried again every 3 seconds: ")]
    (line,) = told

    assert "rds describe_db_clusters in us-west-2 was answered Throttling" in line


def test_each_kind_of_what_holds_up_a_swap_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """After a look that failed, AWS may refuse the rename."""
    stage = SwapStage()
    stage.night()
    stage.reach(State.SWAPPING)
    stage.inject(refused("Throttling"), state="SWAPPING", call="rds.describe_db_clusters", times=2)
    stage.inject(refused("InternalFailure"), state="SWAPPING", call="rds.modify_db_cluster")
    caplog.clear()
    stage.run_until_ended(1)
    told = [text for text in caplog.messages if text.startswith("Tried again every 3 seconds: ")]
    looked, renamed = told

    assert "describe_db_clusters in us-west-2 was answered Throttling" in looked
    assert "modify_db_cluster in us-west-2 was answered InternalFailure" in renamed


def test_a_previous_target_is_kept_while_the_new_one_has_no_instances() -> None:
    """Its time is over, and still it is all that people have."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="1")
    old, _ = first_and_second(stage)
    rds = stage.rds()
    (target,) = rds.describe_db_clusters(DBClusterIdentifier=TARGET)["DBClusters"]
    for member in target["DBClusterMembers"]:
        rds.delete_db_instance(
            DBInstanceIdentifier=member["DBInstanceIdentifier"], SkipFinalSnapshot=True
        )
    stage.run(2 * 3600)
    (retirement,) = stage.retirements()

    assert old == stage.standing()[PREVIOUS]
    assert "with 0 instances" in (retirement.reason or "")
    assert "RollbackRequested" in (retirement.remedy or "")


def test_a_failed_target_keeps_the_previous_one() -> None:
    """A cluster that failed is not what people can use."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="1")
    old, _ = first_and_second(stage)
    stage.aurora._state.region(ACCOUNT, TARGET_REGION).clusters[TARGET].status = "failed"
    stage.run(2 * 3600)

    assert old == stage.standing()[PREVIOUS]


def test_a_target_whose_key_is_disabled_is_refused_before_anything_is_made() -> None:
    """AWS renames no cluster whose key it cannot use, so people are told which key that is."""
    stage = SwapStage()
    first_and_second(stage)
    arn = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:{NAMES[0]}"
    stage.aurora.set_status(arn, "inaccessible-encryption-credentials-recoverable")
    failed = stage.run_night()

    assert (State.FAILED, State.SNAPSHOT_READY) == (failed.state, failed.stopped_at)
    assert f"Enable its key, {stage.key_arn()}, and start" in str(failed.remedy)
    assert 1 == len(stage.calls_of("restore_db_cluster_from_snapshot"))


def test_another_cluster_under_the_name_of_the_previous_one_is_named() -> None:
    """The swap waits for that name, and people learn who has it."""
    stage = SwapStage()
    stage.night()
    stage.reach(State.SWAPPING)
    waiting = list(stage.queue)
    stage.make_cluster(PREVIOUS, TARGET_REGION)
    stage.queue.extend(waiting)
    ended = stage.run_until_ended(1)

    assert State.FAILED == ended.state
    assert f"{stage.standing()[PREVIOUS]}, has the name {PREVIOUS}" in (ended.reason or "")


def test_a_new_cluster_that_somebody_changed_is_not_swapped_in() -> None:
    """It is compared with the plan once more before people get it; they keep the old one."""
    stage = SwapStage()
    old = stage.standing()[TARGET]
    stage.night()
    stage.reach(State.USERS_READY)
    stage.rds().modify_db_cluster(
        DBClusterIdentifier=NEXT, DeletionProtection=True, ApplyImmediately=True
    )
    ended = stage.run_until_ended(1)

    assert (State.FAILED, State.USERS_READY) == (ended.state, ended.stopped_at)
    assert old == stage.standing()[TARGET]


def test_an_old_target_that_changes_hands_keeps_its_name() -> None:
    """Another plan took it over during the notice: people keep it where it is."""
    stage = SwapStage(NOTICE_MINUTES="20", DELETE_DEADLINE="7200")
    old = stage.standing()[TARGET]
    arn = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:{TARGET}"
    stage.night()
    stage.reach(State.USERS_READY)
    stage.run(120)
    stage.rds().add_tags_to_resource(
        ResourceName=arn, Tags=[{"Key": OWNER_TAG, "Value": "test/other"}]
    )
    ended = stage.run_until_ended(1)

    assert (State.FAILED, State.USERS_READY) == (ended.state, ended.stopped_at)
    assert "belongs to test/other" in (ended.reason or "")
    assert old == stage.standing()[TARGET]


def test_an_old_target_that_a_deployment_takes_keeps_its_name() -> None:
    """A blue/green deployment appears during the notice: its source is not renamed."""
    stage = SwapStage(NOTICE_MINUTES="20", DELETE_DEADLINE="7200")
    old = stage.standing()[TARGET]
    stage.night()
    stage.reach(State.USERS_READY)
    stage.run(120)
    deployment(TARGET)(stage)
    ended = stage.run_until_ended(1)

    assert (State.FAILED, State.USERS_READY) == (ended.state, ended.stopped_at)
    assert "the source of the blue/green deployment bgd-one" in (ended.reason or "")
    assert old == stage.standing()[TARGET]


def test_a_certificate_of_another_name_does_not_keep_the_new_cluster_from_its_name() -> None:
    """It was renamed and restarted before, and gets the target's name again."""
    stage = SwapStage()
    stage.night()
    stage.reach(State.TARGET_CHOSEN)
    made = stage.restores()[0].facts.target.cluster_resource_id or ""
    server = stage.data.clusters[made]
    server.trouble = CertificateNameError(f"The certificate names {TARGET}.", "")
    stage.reach(State.SWAPPING)
    server.trouble = None

    assert State.SUCCEEDED is stage.run_until_ended(1).state
    assert made == stage.standing()[TARGET]


def test_a_secret_that_changes_during_the_notice_is_met_while_the_old_target_serves() -> None:
    """Its users would be refused at the name, so nothing is renamed; the set-up mends it."""
    stage = SwapStage(NOTICE_MINUTES="20", DELETE_DEADLINE="7200")
    old = stage.standing()[TARGET]
    stage.night()
    stage.reach(State.USERS_READY)
    stage.run(120)
    changed = json.dumps({**APP, "app_password": "changed-by-somebody"})
    stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString=changed)
    failed = stage.run_until_ended(1)
    renames = stage.calls_of("modify_db_cluster")

    assert (State.FAILED, State.TARGET_CHOSEN) == (failed.state, failed.stopped_at)
    assert "refuses app_user" in (failed.reason or "")
    assert [] == [call for call in renames if "NewDBClusterIdentifier" in call.parameters]
    assert old == stage.standing()[TARGET]
    stage.request(REQUESTED, rerun_of=failed.operation_id, from_step="setup-db-users")
    assert State.SUCCEEDED is stage.run_until_ended(2).state


def test_a_third_cluster_ends_the_swap_at_once() -> None:
    """Nobody waits for the deadline: the sentence says who has the name."""
    stage = SwapStage()
    stage.night()
    stage.reach(State.SWAPPING)
    region = stage.aurora._state.region(ACCOUNT, TARGET_REGION)
    stage.inject(
        lambda: region.clusters.update({TARGET: region.clusters["bystander"]}),
        state="SWAPPING",
        call="rds.modify_db_cluster",
        after_effect=True,
    )
    ended = stage.run_until_ended(1)

    assert State.FAILED == ended.state
    assert "a third cluster" in (ended.reason or "")
    assert (ended.durations[-2].state, ended.durations[-2].seconds < 60) == (
        State.ROLLING_BACK,
        True,
    )


def test_a_previous_target_that_something_replicates_is_kept() -> None:
    """An integration reads from it when its time is over: it is kept, and people are told why."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="1")
    old, _ = first_and_second(stage)
    integration(PREVIOUS)(stage)
    stage.run(2 * 3600)
    (retirement,) = stage.retirements()

    assert (State.CANCELLED, old) == (retirement.state, stage.standing()[PREVIOUS])
    assert "integration:orders reads from arn:" in (retirement.reason or "")
    assert f"Delete the cluster {PREVIOUS} yourself" in (retirement.remedy or "")


def test_what_comes_at_the_last_moment_keeps_the_instances_too() -> None:
    """Between the decision and the first deletion a deployment appears: nothing is deleted."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="1")
    old, _ = first_and_second(stage)

    def deploy() -> None:
        deployment(PREVIOUS)(stage)

    stage.inject(deploy, step="delete-rds", call="events.put_events")  # of its decision
    stage.run(2 * 3600)
    (retirement,) = stage.retirements()
    (cluster,) = stage.rds().describe_db_clusters(DBClusterIdentifier=PREVIOUS)["DBClusters"]

    assert (State.FAILED, old) == (retirement.state, cluster["DbClusterResourceId"])
    assert "the source of the blue/green deployment bgd-one" in (retirement.reason or "")
    assert 2 == len(cluster["DBClusterMembers"])


def test_one_answer_without_a_previous_target_is_not_believed() -> None:
    """AWS's answers may be stale for a while: the cluster is deleted once it is found again."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="1")
    old, new = first_and_second(stage)
    clusters = stage.aurora._state.region(ACCOUNT, TARGET_REGION).clusters
    stage.run(3540)
    hidden = clusters.pop(PREVIOUS)
    stage.run(150)  # its time is over in between
    unsure = stage.retirements()[0].state
    clusters[PREVIOUS] = hidden
    stage.run(2 * 3600)

    assert (State.PREVIOUS_KEPT, State.RETIRED) == (unsure, stage.retirements()[0].state)
    assert {TARGET: new} == stage.standing()
    assert old not in {cluster.resource_id for cluster in clusters.values()}


@pytest.mark.parametrize("make", [SwapStage, PointerStage])
@pytest.mark.parametrize("is_decided", [False, True])
def test_one_answer_without_the_target_ends_no_retirement(
    make: type[SwapStage], is_decided: bool
) -> None:
    """AWS does not find the target's name for two minutes, and the previous one goes in time."""
    stage = make(KEEP_PREVIOUS_HOURS="1")
    _, new = first_and_second(stage)
    clusters = stage.aurora._state.region(ACCOUNT, TARGET_REGION).clusters
    (name,) = (name for name, found in stage.standing().items() if found == new)
    hidden = clusters[name]

    def hide() -> None:
        clusters.pop(name)

    stage.run(3540)
    if is_decided:
        stage.inject(hide, step="delete-rds", call="events.put_events")
    else:
        hide()
    stage.run(150)
    unsure = stage.retirements()[0].state
    clusters[name] = hidden
    stage.run(2 * 3600)

    expected = State.PREVIOUS_DELETING if is_decided else State.PREVIOUS_KEPT
    assert (expected, State.RETIRED) == (unsure, stage.retirements()[0].state)
    assert {name: new} == stage.standing()


def test_a_previous_target_that_is_not_found_for_minutes_is_gone() -> None:
    """Somebody deleted it, before its time or while that was being done."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="1")
    first_and_second(stage)
    stage.aurora._state.region(ACCOUNT, TARGET_REGION).clusters.pop(PREVIOUS)
    stage.run(2 * 3600)
    (retirement,) = stage.retirements()

    assert State.RETIRED is retirement.state
    assert ABSENT_FOR.total_seconds() <= retirement.durations[0].seconds


@pytest.mark.parametrize(("make", "name"), [(SwapStage, PREVIOUS), (PointerStage, TARGET)])
@pytest.mark.parametrize("is_accepted", [False, True])
def test_a_cluster_that_takes_the_name_of_a_deleted_one_is_left_alone(
    make: type[SwapStage], name: str, is_accepted: bool
) -> None:
    """The previous target is gone, by this deletion or by somebody else's: its retirement ends
    well, and others may use the name.
    """
    stage = make(KEEP_PREVIOUS_HOURS="1")
    old, new = first_and_second(stage)
    region = stage.aurora._state.region(ACCOUNT, TARGET_REGION)

    def remove() -> None:
        gone = region.clusters.pop(name)
        for member in [one for one, found in region.instances.items() if found.cluster is gone]:
            del region.instances[member]

    if not is_accepted:
        stage.run(HOUR - 60)
        stage.inject(remove, step="delete-rds", call="events.put_events")
    deletion = Deletion.ACCEPTED if is_accepted else None
    for _ in range(99):
        if progress(stage) == (State.PREVIOUS_DELETING, deletion):
            break
        stage.step_time()
    stage.settle(HOUR)
    stage.make_cluster(name, TARGET_REGION)
    stage.settle(HOUR)
    third, changed = stage.standing()[name], len(stage.calls_of("delete_db_cluster"))
    stage.run(2 * HOUR)
    (retirement,) = stage.retirements()
    (found,) = stage.rds().describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]

    assert State.RETIRED is retirement.state, retirement.reason
    assert (third, 1) == (stage.standing()[name], len(found["DBClusterMembers"]))
    assert old not in stage.standing().values()
    assert new in stage.standing().values()
    assert changed == len(stage.calls_of("delete_db_cluster"))


def progress(stage: SwapStage) -> tuple[State, Deletion | None]:
    """Give how far the retirement has come."""
    (retirement,) = stage.retirements()
    return retirement.state, retirement.facts.target.deletion


def test_what_fails_after_the_proof_is_a_warning_and_the_old_target_goes() -> None:
    """With KEEP_PREVIOUS_HOURS=0 it goes as soon as the new one is proven at its name, whatever
    becomes of the archive.
    """
    stage = SwapStage(KEEP_PREVIOUS_HOURS="0")
    denied = refused("AccessDenied", 403)
    for call in ("rds.describe_db_cluster_snapshots", "rds.add_tags_to_resource"):
        stage.inject(denied, step="archive-snapshot", call=call, times=99)
    _, new = first_and_second(stage)
    (night,) = stage.restores()
    stage.run(3600)

    assert night.warnings
    assert State.RETIRED is stage.retirements()[0].state
    assert {TARGET: new} == stage.standing()


@pytest.mark.parametrize("made_by_us", [False, True])
def test_a_previous_target_whose_last_snapshot_has_no_room_is_kept(made_by_us: bool) -> None:
    """An adopted target's last state is kept as a snapshot: until there is room for it, nothing of
    the cluster is deleted, and people are told.
    """
    skip = "false" if made_by_us else "true"
    stage = SwapStage(KEEP_PREVIOUS_HOURS="1", SKIP_FINAL_SNAPSHOT=skip)
    if not made_by_us:
        region = stage.aurora._state.region(ACCOUNT, TARGET_REGION)
        region.clusters[TARGET].tags.pop(OPERATION_TAG)
    old, new = first_and_second(stage)
    quotas = stage.aurora.quotas(account=ACCOUNT, region=TARGET_REGION)
    room, quotas.manual_cluster_snapshots = quotas.manual_cluster_snapshots, 1
    stage.run(3600 + 300)
    waiting = stage.retirements()[0]
    kept = stage.standing()
    quotas.manual_cluster_snapshots = room
    stage.run(3600)

    assert (State.PREVIOUS_KEPT, {TARGET: new, PREVIOUS: old}) == (waiting.state, kept)
    assert "The quota ManualClusterSnapshots of us-west-2 is 1" in str(waiting.waiting_for)
    assert State.RETIRED is stage.retirements()[0].state
    assert {TARGET: new} == stage.standing()
