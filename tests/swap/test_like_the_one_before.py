"""The new cluster is like the old one, unless a setting says otherwise."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.flow.choreography import State
from simulation.stage import ACCOUNT, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.choreography.requests import again, remove_target
from tests.swap.different_target import (
    FAMILY,
    REPLACEMENTS,
    DifferentStage,
    like,
    requests,
    succeeded,
)
from tests.swap.swap_stage import NAMES, SwapStage

TARGET_ARN = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:{NAMES[0]}"
RANGE = {"SERVERLESS_MIN_CAPACITY": "0.5", "SERVERLESS_MAX_CAPACITY": "2"}


@pytest.mark.parametrize("replacement", REPLACEMENTS)
def test_the_new_one_is_like_the_old_one(replacement: str) -> None:
    """A plan that names nothing of it makes the same cluster again, with the same instances."""
    stage = DifferentStage(REPLACEMENT=replacement)
    old = like(stage)
    ended = stage.run_night()

    assert succeeded(ended)
    assert old == like(stage)
    assert ended.facts.target.old
    assert ended.facts.target.old.resource_id != stage.standing()[NAMES[0]]
    stage.run(13 * 3600)
    assert [] == stage.broken_promises()


EXPLICIT = {
    "DB_SUBNET_GROUP_NAME": ("default", "db_subnet_group_name", "default"),
    "VPC_SECURITY_GROUP_IDS": ("sg-staging", "security_group_ids", ("sg-staging",)),
    "PORT": ("5433", "port", 5433),
    "DELETION_PROTECTION": ("false", "deletion_protection", False),
    "DB_CLUSTER_PARAMETER_GROUP_NAME": ("mine", "parameter_group_name", "mine"),
    "LOG_EXPORTS": ("postgresql", "log_exports", ("postgresql",)),
    "BACKUP_RETENTION_DAYS": ("3", "backup_retention_days", 3),
}


@pytest.mark.parametrize("variable", EXPLICIT)
def test_an_explicit_setting_wins(variable: str) -> None:
    """What the plan says is so, and everything else is as it was."""
    value, field, expected = EXPLICIT[variable]
    stage = DifferentStage(staging=True, **{variable: value})
    stage.rds().create_db_cluster_parameter_group(
        DBClusterParameterGroupName="mine", DBParameterGroupFamily=FAMILY, Description="mine"
    )
    old = like(stage)
    assert succeeded(stage.run_night())
    new = like(stage)
    changed: dict[str, Any] = {field: expected}
    if variable == "DB_SUBNET_GROUP_NAME":  # whose zones the old subnet group's need not be
        changed |= {"instances": new.instances, "network_type": "IPV4"}

    assert replace(old, **changed) == new


def test_an_explicit_class_is_that_of_all_instances() -> None:
    """Their number, tiers and groups stay; a zone may not offer another class, and is not named."""
    stage = DifferentStage(INSTANCE_CLASS="db.r6g.large")
    old = like(stage)
    assert succeeded(stage.run_night())
    new = like(stage)

    made = requests(stage, "CreateDBInstance")
    assert [False, False, True] == ["AvailabilityZone" in request for request in made]
    assert {"db.r6g.large"} == {found.instance_class for found in new.instances}
    assert [0, 7, 15] == [found.promotion_tier for found in new.instances]
    assert old.instances[2] == new.instances[2]
    assert (None, None) == (new.capacity_min, new.capacity_max)


def test_a_range_of_the_settings_wins() -> None:
    """It is that of the reader that was serverless before."""
    stage = DifferentStage(SERVERLESS_MIN_CAPACITY="0.5", SERVERLESS_MAX_CAPACITY="2")
    old = like(stage)
    assert succeeded(stage.run_night())

    assert replace(old, capacity_min=0.5, capacity_max=2) == like(stage)


@pytest.mark.parametrize(("setting", "pause"), [({}, 1200), (RANGE, None)])
def test_a_range_that_begins_at_nothing_pauses_as_before(
    setting: dict[str, str], pause: int | None
) -> None:
    """A range that does not has no time until it pauses."""
    stage = DifferentStage(staging=True, **setting)
    stage.rds().modify_db_cluster(
        DBClusterIdentifier="staging-cluster",
        ApplyImmediately=True,
        ServerlessV2ScalingConfiguration={
            "MinCapacity": 0,
            "MaxCapacity": 4,
            "SecondsUntilAutoPause": 1200,
        },
    )
    stage.settle()
    assert succeeded(stage.run_night())

    assert pause == like(stage).capacity_pause_seconds


@pytest.mark.parametrize(("count", "tiers"), [("1", [0]), ("4", [0, 7, 15, 15])])
def test_further_instances_are_like_the_last_one(count: str, tiers: list[int]) -> None:
    """Of fewer instances the writer comes first."""
    stage = DifferentStage(INSTANCE_COUNT=count)
    assert succeeded(stage.run_night())

    assert tiers == [found.promotion_tier for found in like(stage).instances]


def test_what_is_gone_is_made_as_it_was() -> None:
    """The night after somebody deleted the target goes by what the night before captured."""
    stage = DifferentStage(DELETION_PROTECTION="false")
    assert succeeded(stage.run_night())
    made = like(stage)
    stage.run(20 * 3600)
    remove_target(stage)

    assert succeeded(stage.run_night())
    assert made == like(stage)


@pytest.mark.parametrize("state", ["RESTORED", "CLUSTER_RESTORED"])
def test_a_night_after_a_failed_one_is_made_as_it_was(state: str) -> None:
    """The old target is gone, and what stands in its place is half-made."""
    stage = DifferentStage(REPLACEMENT="delete-first")
    old = like(stage)
    fault = stage.inject(refused("AccessDenied", 403), state=state, call="rds.", times=9)
    failed = stage.run_night()
    fault.times = 0
    stage.run(20 * 3600)

    assert State.FAILED is failed.state
    assert succeeded(stage.run_night())
    assert old == like(stage)


def test_a_first_night_names_the_settings_that_are_needed() -> None:
    """Nothing is made, and the notification says what to set."""
    stage = DifferentStage(staging=False)
    ended = stage.run_night()

    assert State.FAILED is ended.state
    assert (
        "DB_SUBNET_GROUP_NAME, VPC_SECURITY_GROUP_IDS, INSTANCE_CLASS are not set, and there was "
        "no target that the new one could be like."
    ) in (ended.reason or "")
    assert "Set INSTANCE_CLASS to an instance class, such as db.r6g.large" in (ended.remedy or "")
    assert [] == stage.calls_of("restore_db_cluster_from_snapshot")


def test_a_first_night_needs_a_range_for_serverless_instances() -> None:
    """Which settings are missing is said before anything is made."""
    stage = SwapStage(staging=False, INSTANCE_CLASS="db.serverless")
    ended = stage.run_night()

    assert "SERVERLESS_MIN_CAPACITY, SERVERLESS_MAX_CAPACITY are not set" in (ended.reason or "")


def test_a_first_night_has_the_defaults() -> None:
    """Without an old target and without settings."""
    stage = SwapStage(staging=False, INSTANCE_COUNT="")
    assert succeeded(stage.run_night())
    new = like(stage)

    assert (5432, ("postgresql",), 1, False, 1) == (
        new.port,
        new.log_exports,
        new.backup_retention_days,
        new.deletion_protection,
        len(new.instances),
    )


def test_protection_that_a_setting_lifts_is_reported() -> None:
    """And protection that is carried over is not, from the second night on."""
    stage = DifferentStage()
    first = stage.run_night()
    stage.run(20 * 3600)
    second = stage.run_night()

    assert (1, 0) == tuple(
        sum("was protected against deletion" in warning for warning in ended.warnings)
        for ended in (first, second)
    )
    assert like(stage).deletion_protection


@pytest.mark.parametrize("replacement", REPLACEMENTS)
@pytest.mark.parametrize("call", ["enable_http_endpoint", "modify_db_cluster"])
def test_what_only_a_ready_cluster_can_be_given_may_be_refused(replacement: str, call: str) -> None:
    """The data is fresh without the Data API and Database Insights: a warning says so."""
    stage = DifferentStage(REPLACEMENT=replacement)
    is_data_api = call == "enable_http_endpoint"
    state = State.TARGET_OPEN if is_data_api else State.USERS_READY
    stage.inject(refused("AccessDenied", 403), state=state, call=f"rds.{call}", times=9)
    ended = stage.run_night()
    what = "Data API" if is_data_api else "Database Insights"

    assert succeeded(ended)
    assert [what in warning for warning in ended.warnings if "could not be enabled" in warning] == [
        True
    ]


@pytest.mark.parametrize("replacement", REPLACEMENTS)
@pytest.mark.parametrize("call", ["enable_http_endpoint", "modify_db_cluster"])
def test_what_a_throttled_call_refuses_is_asked_for_again(replacement: str, call: str) -> None:
    """People need not wait for the next restore."""
    stage = DifferentStage(REPLACEMENT=replacement)
    state = State.TARGET_OPEN if call == "enable_http_endpoint" else State.USERS_READY
    stage.inject(refused("Throttling"), state=state, call=f"rds.{call}", times=2)
    assert succeeded(stage.run_night())

    assert (True, "advanced") == (like(stage).data_api, like(stage).insights_mode)


@pytest.mark.parametrize("call", ["enable_http_endpoint", "modify_db_cluster"])
def test_what_is_throttled_for_ever_is_a_warning_in_the_end(call: str) -> None:
    """The restore does not fail for it."""
    stage = DifferentStage()
    state = State.TARGET_OPEN if call == "enable_http_endpoint" else State.USERS_READY
    stage.inject(refused("Throttling"), state=state, call=f"rds.{call}", times=999)
    ended = stage.run_night()

    assert succeeded(ended)
    (warning,) = (warning for warning in ended.warnings if "could not be enabled" in warning)
    assert "The next restore tries that again." in warning


@pytest.mark.parametrize("replacement", REPLACEMENTS)
@pytest.mark.parametrize("call", ["enable_http_endpoint", "modify_db_cluster"])
def test_what_aws_refused_is_enabled_the_night_after(replacement: str, call: str) -> None:
    """Two nights are refused it; the third has it, as the target before them had."""
    stage = DifferentStage(REPLACEMENT=replacement)
    old = like(stage)
    state = State.TARGET_OPEN if call == "enable_http_endpoint" else State.USERS_READY
    stage.inject(refused("AccessDenied", 403), state=state, call=f"rds.{call}", times=99)
    for _ in range(2):
        ended = stage.run_night()
        assert succeeded(ended)
        assert any("could not be enabled" in warning for warning in ended.warnings)
        stage.run(20 * 3600)
    assert (old.data_api, old.insights_mode) != (like(stage).data_api, like(stage).insights_mode)
    stage.call_faults.clear()

    assert succeeded(stage.run_night())
    assert old == like(stage)


def test_what_people_disable_after_a_night_that_enabled_it_stays_away() -> None:
    """The refusal of the night before that counts no longer."""
    stage = DifferentStage(staging=True)
    trouble = refused("AccessDenied", 403)
    stage.inject(trouble, state=State.TARGET_OPEN, call="rds.enable_http_endpoint", times=9)
    assert succeeded(stage.run_night())
    stage.call_faults.clear()
    stage.run(20 * 3600)
    assert succeeded(stage.run_night())
    assert like(stage).data_api
    stage.rds().disable_http_endpoint(ResourceArn=TARGET_ARN)
    stage.run(20 * 3600)

    assert succeeded(stage.run_night())
    assert not like(stage).data_api


def test_the_data_api_is_enabled_at_the_targets_name() -> None:
    """It does not follow a rename; and production's logins are closed by then."""
    stage = DifferentStage()
    assert succeeded(stage.run_night())
    (call,) = stage.calls_of("enable_http_endpoint")

    assert ("archive-snapshot", State.TARGET_OPEN) == (call.step, call.state)
    assert call.parameters["ResourceArn"].endswith(":staging-cluster")


def test_the_data_api_of_a_cluster_that_comes_back_is_enabled_anew() -> None:
    """It was renamed twice, so it is disabled first."""
    stage = DifferentStage()
    restored = stage.run_night()
    stage.ask_back(restored)
    assert succeeded(stage.run_until_ended(2))
    *_, off, on = stage.calls_of("disable_http_endpoint", "enable_http_endpoint")

    assert ("disable_http_endpoint", "enable_http_endpoint") == (off.method, on.method)
    assert [State.TARGET_OPEN, State.TARGET_OPEN] == [off.state, on.state]
    assert like(stage).data_api


def test_tags_of_settings_win_over_those_of_the_old_one() -> None:
    """And those of the old one are on the cluster and on its instances."""
    stage = DifferentStage(EXTRA_TAGS="backup=never,team=data")
    assert succeeded(stage.run_night())
    new = like(stage)

    assert {"backup": "never", "cost centre": "42", "team": "data"} == new.tags
    assert ["1", "2", "3"] == [found.tags["number"] for found in new.instances]


def test_a_zone_without_capacity_is_left_to_aws() -> None:
    """The instance is made in another one, rather than not at all."""
    stage = DifferentStage()
    stage.inject(refused("InsufficientDBInstanceCapacity"), call="rds.create_db_instance")
    assert succeeded(stage.run_night())

    assert 3 == len(like(stage).instances)


@pytest.mark.parametrize("replacement", REPLACEMENTS)
def test_a_zone_that_the_subnet_group_has_lost_is_left_to_aws(replacement: str) -> None:
    """The writer was in a zone without a subnet by now; the first reader is where it was."""
    stage = DifferentStage(REPLACEMENT=replacement)
    subnets = stage.aurora._state.region(ACCOUNT, TARGET_REGION).subnet_groups["odd"].subnets
    (lost,) = [subnet for subnet, zone in subnets.items() if zone == f"{TARGET_REGION}c"]
    subnets.pop(lost)
    ended = stage.run_night()
    zones = [found.availability_zone for found in like(stage).instances]

    assert succeeded(ended), ended.reason
    assert (3, f"{TARGET_REGION}a") == (len(zones), zones[1])
    assert f"{TARGET_REGION}c" not in zones


@pytest.mark.parametrize("replacement", REPLACEMENTS)
def test_a_network_type_that_the_subnet_group_has_lost_leaves_the_old_target(
    replacement: str,
) -> None:
    """Its clients may need IPv6: people decide, while the old target still serves."""
    stage = DifferentStage(REPLACEMENT=replacement)
    group = stage.aurora._state.region(ACCOUNT, TARGET_REGION).subnet_groups["odd"]
    group.network_types = ("IPV4",)
    old = stage.standing()
    failed = stage.run_night()

    assert State.FAILED is failed.state
    assert "The subnet group odd supports IPV4, and the old target has the network type DUAL" in (
        failed.reason or ""
    )
    assert old == stage.standing()


def test_an_authority_that_is_withdrawn_is_left_to_aws() -> None:
    """An old target may have had one whose time is over."""
    stage = DifferentStage()
    writer = "staging-cluster-1"
    region = stage.aurora._state.region(ACCOUNT, TARGET_REGION)
    region.instances[writer].ca_certificate = "rds-ca-2019"
    assert succeeded(stage.run_night())

    assert "rds-ca-rsa2048-g1" == like(stage).instances[0].certificate_authority


def test_a_parameter_group_of_an_older_major_version_leaves_the_old_target() -> None:
    """Production was upgraded: the refusal names the setting, and nothing is lost."""
    stage = DifferentStage(REPLACEMENT="delete-first")
    region = stage.aurora._state.region(ACCOUNT, TARGET_REGION)
    region.cluster_parameter_groups["odd"].family = "aurora-postgresql15"
    old = stage.standing()
    failed = stage.run_night()

    assert State.FAILED is failed.state
    assert "The parameter group odd is of the family aurora-postgresql15" in (failed.reason or "")
    assert "name it in DB_CLUSTER_PARAMETER_GROUP_NAME" in (failed.remedy or "")
    assert old == stage.standing()


def test_no_capacity_in_any_zone_is_waited_for() -> None:
    """As before."""
    stage = DifferentStage()
    stage.inject(refused("InsufficientDBInstanceCapacity"), call="rds.create_db_instance", times=3)

    assert succeeded(stage.run_night())


def test_aws_own_parameter_groups_are_not_carried_over() -> None:
    """They are one for each major version, and production may have a later one by now."""
    stage = SwapStage()
    assert succeeded(stage.run_night())
    (restored,) = requests(stage, "RestoreDBClusterFromSnapshot")

    assert "DBClusterParameterGroupName" not in restored


def test_a_rerun_does_not_take_the_old_ones_place_for_a_changed_setting() -> None:
    """A setting that is left to the old target is no change of the plan."""
    stage = DifferentStage(REPLACEMENT="delete-first")
    old = like(stage)
    stage.inject(refused("AccessDenied", 403), state="RESTORED", call="rds.modify_db_cluster")
    first = stage.run_night()
    made = stage.standing()[NAMES[0]]
    again(stage, first.operation_id)

    assert succeeded(stage.restores()[-1])
    assert made == stage.standing()[NAMES[0]]
    assert old == like(stage)
