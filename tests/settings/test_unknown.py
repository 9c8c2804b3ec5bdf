"""Settings that nothing reads, and plans that would share a target: told, with the nearest name."""

import pytest

from chalicelib.flow.errors import SettingsError
from chalicelib.flow.plan import Plan
from chalicelib.settings import Settings, resolve_plans, unknown_parameters
from tests.settings.test_variables import COMPLETE, plan

PATH = "/aurora-restore/dev/"
OWN_TARGET = {"plans/blue/target-cluster-id": "blue-cluster"}


def resolved(parameters: dict[str, str]) -> dict[str, Plan | SettingsError]:
    """Resolve all plans of the stage."""
    settings = Settings.of_environment(COMPLETE)
    return resolve_plans(settings, parameters, account="123456789012", partition="aws")


def unknown(names: list[str], stage: str = "dev") -> list[str]:
    """Say which SSM parameters nothing reads."""
    settings = Settings.of_environment({**COMPLETE, "ENVIRONMENT": stage})
    return unknown_parameters(settings, dict.fromkeys(names, "any"))


def test_a_misspelt_parameter_of_a_plan_makes_it_invalid_and_no_other() -> None:
    """Else the plan would inherit the stage's own target, and replace it."""
    found = resolved({"plans/blue/target-clustr-id": "blue-cluster"})
    expected = (
        (
            f"The SSM parameter {PATH}plans/blue/target-clustr-id is not a known setting; did you "
            "mean target-cluster-id?"
        ),
    )

    assert isinstance(found["default"], Plan)
    assert expected == getattr(found["blue"], "problems", None)


def test_a_misspelt_parameter_is_reported_beside_other_problems() -> None:
    """A misspelt parameter is named together with all other problems."""
    with pytest.raises(SettingsError) as caught:
        plan(COMPLETE, {"plans/blue/prot": "5432", "plans/blue/port": "1"}, "blue")

    assert 2 == len(caught.value.problems)


def test_no_plan_is_used_whose_target_another_plan_has() -> None:
    """Nobody can tell which is meant; a third plan goes on."""
    found = resolved(
        {"plans/blue/port": "5433", **{k.replace("blue", "eu"): v for k, v in OWN_TARGET.items()}}
    )
    told = str(found["blue"])

    assert told == str(found["default"])
    assert told.startswith(
        "The plans default and blue have the same target, arn:aws:rds:us-west-2:123456789012:clus"
    )
    assert told.endswith(
        f"Give each its own target in the SSM parameter {PATH}plans/blue/target-cluster-id."
    )
    assert isinstance(found["eu"], Plan)


def test_targets_of_one_name_in_two_regions_are_two_targets() -> None:
    """Targets of one name in two regions are two targets."""
    assert isinstance(resolved({"plans/eu/target-region": "eu-west-1"})["eu"], Plan)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "kms-key-di",
            (
                "The SSM parameter /aurora-restore/dev/kms-key-di is not a known setting; did you "
                "mean kms"
            ),
        ),
        ("colour", "The SSM parameter /aurora-restore/dev/colour is not a known setting."),
        (
            "plan/blue/port",
            "Nothing reads the SSM parameter /aurora-restore/dev/plan/blue/port: plans are below ",
        ),
        ("plans/blue", "it should be /aurora-restore/dev/plans/<plan>/<setting>."),
        ("plans/a/b/c", "it should be /aurora-restore/dev/plans/<plan>/<setting>."),
        (
            "plans/Blue/port",
            "'Blue' is no name of a plan, which has lower case letters, digits and hyphens.",
        ),
    ],
)
def test_a_parameter_that_nothing_reads_is_reported(name: str, told: str) -> None:
    """A parameter that nothing reads is named, with the nearest name if there is one."""
    (problem,) = unknown([name])

    assert told in problem


def test_parameters_of_the_guide_and_of_plans_are_not_reported() -> None:
    """Also what the guide makes for another account."""
    assert [] == unknown(["port", "kms-key-id", "cross-account-role-arn", "plans/blue/port"])


def test_below_prods_path_are_other_stages_parameters() -> None:
    """A path below prod's is another stage's unless it is almost `plans`."""
    (problem,) = unknown(["dev/port", "test2/plans/blue/prot", "plan/blue/port"], stage="prod")

    assert problem.startswith(
        "Nothing reads the SSM parameter /aurora-restore/plan/blue/port: plans are below"
    )


def test_no_plans_are_used_that_would_write_their_pointers_to_one_place() -> None:
    """Each would tell people another cluster, in the same secret."""
    pointing = {"replacement": "pointer", **OWN_TARGET}
    found = resolved(pointing)
    own = resolved({**pointing, "plans/blue/app-credentials-secret-id": "blue-app"})

    assert "The plans default and blue have the same APP_CREDENTIALS_SECRET_ID" in str(
        found["blue"]
    )
    assert str(found["blue"]) == str(found["default"])
    assert [Plan, Plan] == [type(one) for one in own.values()]


def test_parameters_that_the_app_writes_are_no_settings() -> None:
    """They say where a target is."""
    assert [] == unknown(["pointers/default/port", "pointers/default/endpoint"])
    assert [] == unknown(["pointers/default/port"], stage="prod")


@pytest.mark.parametrize(
    "settings",
    [{"TARGET_DNS_NAME": "staging.db.example"}, {"TARGET_DNS_ZONE_ID": "Z1"}],
)
def test_a_record_needs_its_name_and_its_zone(settings: dict[str, str]) -> None:
    """Neither is anything without the other."""
    with pytest.raises(SettingsError, match="TARGET_DNS_NAME, TARGET_DNS_ZONE_ID: set both"):
        plan({**COMPLETE, **settings})
