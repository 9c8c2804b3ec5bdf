"""How pointers are moved: on condition of what was read, and back where that fails."""

import json
from collections import Counter
from collections.abc import Callable

import pytest

from chalicelib.flow.choreography import CANCEL_REQUESTED, State
from simulation.in_memory_services import client_error
from simulation.stage import ACCOUNT, APP, APP_SECRET, TARGET_REGION
from tests.choreography.fault_injection import CrashError, raised, refused
from tests.pointer.pointer_stage import DNS_NAME, FOLDER, TARGET, A, B, PointerStage
from tests.swap.swap_stage import first_and_second

WRITES = (
    "secretsmanager.put_secret_value",
    "secretsmanager.update_secret_version_stage",
    "ssm.put_parameter",
    "route53.change_resource_record_sets",
    "route53.get_change",
)


@pytest.mark.parametrize("call", WRITES)
def test_a_denied_write_puts_the_pointers_back(call: str) -> None:
    """People have the cluster that they had, and the night says what was refused."""
    stage = PointerStage()
    first_and_second(stage)
    stage.run(20 * 3600)
    stage.inject(refused("AccessDenied"), state="TARGET_PROVEN", call=call, times=99)
    ended = stage.run_night()

    assert State.FAILED is ended.state
    assert "AccessDenied" in (ended.reason or "")
    assert f"After the rollback, the pointers name {A}" in (ended.reason or "")
    assert stage.all_name(A) == stage.pointed()
    assert APP.items() <= stage.secret().items()


@pytest.mark.parametrize("call", WRITES)
def test_a_crash_after_a_write_changes_nothing_of_the_end(call: str) -> None:
    """The next invocation reads what was written, and goes on from there."""
    stage = PointerStage()
    first_and_second(stage)
    stage.run(20 * 3600)
    stage.inject(raised(CrashError()), state="TARGET_PROVEN", call=call, after_effect=True)
    ended = stage.run_night()

    assert (State.SUCCEEDED, 1) == (ended.state, stage.crashes), ended.reason
    assert stage.all_name(B) == stage.pointed()


@pytest.mark.parametrize("staging", [True, False])
def test_a_cancelled_first_night_leaves_no_pointer_to_the_new_cluster(*, staging: bool) -> None:
    """Where there was a target they name it; where there was none they are taken away."""
    stage = PointerStage(staging=staging)
    operation = stage.proving()
    stage.deliver_one(stage.queue.popleft())
    named = stage.pointed()
    stage.request(CANCEL_REQUESTED, operation_id=operation.operation_id)
    ended = stage.run_until_ended(1)

    assert A == named["secret"]
    assert State.CANCELLED is ended.state
    assert stage.all_name(TARGET if staging else None) == stage.pointed()
    assert APP.items() <= stage.secret().items()


@pytest.mark.parametrize("call", ["put_secret_value", "update_secret_version_stage"])
def test_a_password_that_somebody_changes_meanwhile_is_kept(call: str) -> None:
    """The version that would have the old one never becomes the current one."""
    stage = PointerStage()
    changed = {**APP, "app_password": "Another-0-password"}

    def change() -> None:
        stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString=json.dumps(changed))

    stage.inject(change, call=f"secretsmanager.{call}")
    ended = stage.run_night()

    assert State.SUCCEEDED is ended.state, ended.reason
    assert changed.items() <= stage.secret().items()
    assert stage.all_name(A) == stage.pointed()


def _by_hand(stage: PointerStage, place: str) -> Callable[[], None]:
    def change() -> None:
        if place == "parameter":
            stage.parameters.put_parameter(Name=f"{FOLDER}endpoint", Value="by-hand")
        else:
            stage.remove_record()
            stage.put_record("by-hand.example")

    return change


@pytest.mark.parametrize(
    ("place", "call"),
    [("parameter", "ssm.put_parameter"), ("record", "route53.change_resource_record_sets")],
)
@pytest.mark.parametrize("nights", [0, 1])
def test_what_somebody_writes_meanwhile_is_read_again(place: str, call: str, nights: int) -> None:
    """Neither a creation nor a change overwrites what was not read."""
    stage = PointerStage()
    for _ in range(nights):
        stage.run_night()
        stage.run(20 * 3600)
    stage.inject(_by_hand(stage, place), state="TARGET_PROVEN", call=call)
    ended = stage.run_night()

    assert State.SUCCEEDED is ended.state, ended.reason
    assert stage.all_name(B if nights else A) == stage.pointed()


def test_people_are_told_only_when_all_name_servers_know() -> None:
    """The change is waited for until it is INSYNC, a minute in all."""
    stage = PointerStage()
    ended = stage.run_night()
    (proven,) = (lasted for lasted in ended.durations if lasted.state is State.TARGET_PROVEN)

    assert 60 <= proven.seconds < 70


READS = ("describe_db_clusters", "get_secret_value", "get_parameters", "list_resource_record_sets")


def made_in(stage: PointerStage, state: State) -> Counter[str]:
    """Count the calls of a state's steps by their methods."""
    return Counter(call.method for call in stage.made if call.state == state)


def test_a_look_while_route_53_is_at_work_is_one_call() -> None:
    """Everything is read before the change, and once more at the end."""
    stage = PointerStage()
    stage.run_night()
    made = made_in(stage, State.TARGET_PROVEN)

    assert made["get_change"] > 20
    assert dict.fromkeys(READS, 2) == {name: made[name] for name in READS}


def test_so_is_a_look_while_the_pointers_go_back() -> None:
    """The change that is waited for then is the one back, which is made at once."""
    stage = PointerStage()
    stage.inject(refused("AccessDenied"), state="TARGET_PROVEN", call="route53.get_change")
    ended = stage.run_night()
    made = made_in(stage, State.ROLLING_BACK)
    methods = [*made]  # in the order of their first calls

    assert State.FAILED is ended.state
    assert methods.index("change_resource_record_sets") < methods.index("get_change")
    assert made["get_change"] > 20
    assert dict.fromkeys(READS, 2) == {name: made[name] for name in READS}


@pytest.mark.parametrize("place", ["secret", "parameter", "record"])
def test_what_somebody_writes_during_the_wait_is_found_at_its_end(place: str) -> None:
    """A record that is changed once more is waited for once more."""
    stage = PointerStage()

    def change() -> None:
        if place == "secret":
            other = json.dumps({**stage.secret(), "host": "by-hand"})
            stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString=other)
        elif place == "parameter":
            name = f"{FOLDER}endpoint"
            stage.parameters.put_parameter(Name=name, Value="by-hand", Overwrite=True)
        else:
            stage.remove_record()
            stage.put_record("by-hand.example")

    stage.inject(change, state="TARGET_PROVEN", call="route53.get_change")
    ended = stage.run_night()
    (proven,) = (lasted for lasted in ended.durations if lasted.state is State.TARGET_PROVEN)

    assert State.SUCCEEDED is ended.state, ended.reason
    assert stage.all_name(A) == stage.pointed()
    assert (place == "record") is (proven.seconds >= 120)


def test_a_new_cluster_that_fails_meanwhile_loses_its_pointers() -> None:
    """It was proven a moment ago, and is no use now."""
    stage = PointerStage()
    stage.proving()
    stage.deliver_one(stage.queue.popleft())
    stage.fail(A)
    ended = stage.run_until_ended(1)

    assert State.FAILED is ended.state
    assert stage.all_name(TARGET) == stage.pointed()


@pytest.mark.parametrize("is_deleted", [False, True])
def test_the_pointers_of_a_first_night_are_taken_away_though_its_cluster_is_not_found(
    is_deleted: bool,
) -> None:
    """One answer may be a stale one; and where somebody deleted the cluster, none of them stays."""
    stage = PointerStage(staging=False)
    operation = stage.proving()
    stage.deliver_one(stage.queue.popleft())
    assert A == stage.pointed()["secret"]
    clusters = stage.aurora._state.region(ACCOUNT, TARGET_REGION).clusters
    hidden = clusters.pop(A)
    stage.request(CANCEL_REQUESTED, operation_id=operation.operation_id)
    stage.run(60)
    if not is_deleted:
        clusters[A] = hidden
    ended = stage.run_until_ended(1)

    assert State.CANCELLED is ended.state
    assert stage.all_name(None) == stage.pointed()


def test_a_name_that_the_zone_cannot_have_moves_no_pointer() -> None:
    """Route 53 refuses it for good: nobody changed the record, and the notice says what to do."""
    stage = PointerStage(TARGET_DNS_NAME="staging.elsewhere.example")
    ended = stage.run_night()

    assert State.FAILED is ended.state
    assert "is not permitted in zone" in (ended.reason or "")
    assert "TARGET_DNS_NAME" in (ended.remedy or "")
    assert "host" not in stage.secret()
    assert 300 > ended.durations[-1].seconds


def test_an_old_target_that_is_gone_gets_no_pointer_back() -> None:
    """The new cluster was proven: it keeps them, and the next night knows that people use it."""
    stage = PointerStage()
    stage.proving()
    stage.inject(refused("AccessDenied"), state="TARGET_PROVEN", call="ssm.put_parameter", times=9)
    stage.remove(TARGET)
    ended = stage.run_until_ended(1)
    stage.call_faults.clear()
    used = stage.standing()[A]

    assert State.FAILED is ended.state
    assert stage.all_name(A) == stage.pointed()
    stage.run(20 * 3600)
    last = stage.run_night()
    assert State.SUCCEEDED is last.state, last.reason
    assert {A: used, B: last.facts.target.cluster_resource_id} == stage.standing()


def test_a_previous_target_that_pointers_still_name_is_not_deleted() -> None:
    """Somebody pointed people back by hand: the deletion ends and says so."""
    stage = PointerStage()
    first_and_second(stage)
    host = stage.endpoint(TARGET)
    value = {**stage.secret(), "host": host, "cluster_id": TARGET}
    stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString=json.dumps(value))
    stage.run(20 * 3600)
    (retirement,) = stage.retirements()

    assert State.CANCELLED is retirement.state
    assert "pointers still name it" in (retirement.reason or "")
    assert TARGET in stage.standing()


@pytest.mark.parametrize(
    ("value", "record_type", "said"),
    [
        ("other.example", "CNAME", f"The record {DNS_NAME} leads to other.example"),
        ("192.0.2.1", "A", "is no simple CNAME, but A"),
    ],
)
def test_a_record_of_something_else_is_refused_before_anything_is_made(
    value: str, record_type: str, said: str
) -> None:
    """TARGET_DNS_NAME may be wrong, and another service needs that record."""
    stage = PointerStage()
    stage.put_record(value, record_type)
    ended = stage.run_night()

    assert State.FAILED is ended.state
    assert said in (ended.reason or "")
    assert [TARGET] == [*stage.standing()]


OF_RDS = "cab16bcf4674.us-west-2.rds.amazonaws.com"


@pytest.mark.parametrize(
    "host",
    [
        f"{TARGET}.proxy-{OF_RDS}",
        f"{TARGET}.cluster-ro-{OF_RDS}",
        f"{TARGET}.cluster-custom-{OF_RDS}",
        f"{TARGET}.internal.example",
    ],
)
def test_what_has_the_name_of_the_target_and_is_not_its_writer_is_left_alone(host: str) -> None:
    """Clients need that proxy or endpoint, whatever names it: the record or the secret."""
    for place in ("record", "secret"):
        stage = PointerStage()
        if place == "record":
            stage.put_record(host)
        else:
            value = json.dumps({**APP, "host": host, "port": 6432})
            stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString=value)
        ended = stage.run_night()

        assert State.FAILED is ended.state
        assert f"{host}, which is none of the target's clusters." in (ended.reason or "")
        assert [TARGET] == [*stage.standing()]


def test_a_record_that_leads_to_the_target_is_taken_over() -> None:
    """It may have another time to live than ours."""
    stage = PointerStage()
    stage.put_record(stage.endpoint(TARGET))
    ended = stage.run_night()

    assert State.SUCCEEDED is ended.state, ended.reason
    assert stage.all_name(A) == stage.pointed()


def test_the_previous_target_outlives_the_time_to_live_of_the_record_that_led_to_it() -> None:
    """A name server may give clients the former host for a day."""
    stage = PointerStage(KEEP_PREVIOUS_HOURS="0")
    stage.put_record(stage.endpoint(TARGET), ttl=86_400)
    ended = stage.run_night()
    stage.run(23 * 3600)

    assert State.SUCCEEDED is ended.state
    assert {TARGET, A} == {*stage.standing()}
    stage.run(2 * 3600)
    assert {A} == {*stage.standing()}


def test_a_zone_that_does_not_exist_is_refused_before_anything_is_made() -> None:
    """The sentence names the setting."""
    stage = PointerStage(TARGET_DNS_ZONE_ID="ZNONE")
    ended = stage.run_night()

    assert (State.FAILED, "Correct TARGET_DNS_ZONE_ID.") == (ended.state, ended.remedy)


def test_a_throttled_change_is_asked_for_again() -> None:
    """Route 53 makes one change of a zone after the other."""
    stage = PointerStage()
    busy = client_error("PriorRequestNotComplete", "Busy.", "ChangeResourceRecordSets")

    def happens() -> None:
        raise busy

    stage.inject(happens, call="route53.change_resource_record_sets")
    ended = stage.run_night()

    assert State.SUCCEEDED is ended.state, ended.reason
    assert stage.all_name(A) == stage.pointed()
