"""The stage's settings as a whole."""

import re
import shlex

from aurora_restore.findings import Status
from tests.doctor.scene import Scene


def test_all_problems_of_the_settings_are_reported_at_once(scene: Scene) -> None:
    """All problems of the settings are reported at once, with where to set them."""
    scene.set_variables(INSTANCE_CLASS="r6g.large", PORT="80", FRESHNESS_HOURS="soon")
    found = scene.see("settings")

    assert Status.FAILED is found.status
    config = ".chalice/config.json (environment_variables of stage dev)"
    hours, wrong, port = sorted(found.what.splitlines())

    assert (
        f"INSTANCE_CLASS is 'r6g.large' in {config}: it should be an instance class, such as "
        "db.r6g.large." == wrong
    )
    assert f"PORT is '80' in {config}: it should be greater than or equal to 1150." == port
    assert hours.startswith("FRESHNESS_HOURS is 'soon'")
    assert 5 == len(str(found).splitlines())


def test_a_target_that_is_the_source_is_a_contradiction(scene: Scene) -> None:
    """A target that is the source is a contradiction, also when it comes from SSM, which has
    precedence.
    """
    scene.set_parameters({"target-cluster-id": "prod-cluster", "source-region": "us-west-2"})

    assert "the target is the source cluster itself" in scene.see("settings").what


def test_a_parameter_that_overrides_the_configuration_is_reported(scene: Scene) -> None:
    """A parameter that was changed by hand in SSM overrides the configuration and is reported."""
    scene.set_parameters({"target-cluster-id": "other-cluster"})
    found = scene.see("settings")
    expected = "SSM below /aurora-restore/dev/ overrides .chalice/config.json in target-cluster-id."

    assert Status.WARNING is found.status
    assert expected == found.what


def test_an_override_that_no_deployment_writes_is_deleted_by_the_command(scene: Scene) -> None:
    """What the foundation made is written, since its stack would miss it; the rest is deleted."""
    scene.set_parameters(
        {"target-cluster-id": "other-cluster", "replacement": "delete-first", "paused": "true"}
    )
    scene.set_variables(REPLACEMENT="swap", PAUSED="false")
    advice = scene.see("settings").do
    path = "/aurora-restore/dev/"
    put, delete = [shlex.split(command) for command in re.findall("`(.*?)`", advice)]

    assert ["aws", "ssm", "put-parameter", "--region", "us-west-2", "--overwrite"] == put[:6]
    assert f"--name {path}target-cluster-id --value" in " ".join(put)
    assert ["aws", "ssm", "delete-parameters", "--region", "us-west-2", "--names"] == delete[:6]
    assert [f"{path}paused", f"{path}replacement"] == sorted(delete[6:])


def test_a_plan_that_cannot_be_used_stops_no_other(scene: Scene) -> None:
    """A plan with an invalid port does not stop the checks of the other plans."""
    scene.set_parameters(
        {"plans/weekly/target-cluster-id": "weekly-cluster", "plans/weekly/port": "1"}
    )
    found = scene.see("settings")

    assert Status.FAILED is found.status
    assert found.what.startswith(
        "Plan weekly: PORT is '1' in the SSM parameter /aurora-restore/dev/plans/weekly/port:"
    )
    assert 1 == len(found.what.splitlines())
    assert [("target", Status.OK)] == [
        (finding.name, finding.status) for finding in scene.see_each("target")
    ]


def test_every_plan_is_checked(scene: Scene) -> None:
    """Each plan has findings of its own, under its name."""
    scene.set_parameters({"plans/weekly/target-cluster-id": "weekly-cluster"})
    found = [finding.name for finding in scene.see_each("target")]

    assert ["target", "target of plan weekly"] == found


def test_a_plan_of_another_region_is_a_warning(scene: Scene) -> None:
    """RDS events from the target's region do not reach the app."""
    scene.set_parameters({"plans/far/target-region": "eu-west-1"})
    found = scene.see("settings")

    assert Status.WARNING is found.status
    assert "The plan far restores into eu-west-1, but the app is in us-west-2." in found.what


def test_another_account_s_source_is_refused(scene: Scene) -> None:
    """A source in another account is refused: restores between accounts are not built yet."""
    scene.set_variables(SOURCE_ACCOUNT_ID="210987654321")
    found = scene.see("settings")

    assert Status.FAILED is found.status
    assert found.what.startswith("SOURCE_ACCOUNT_ID is 210987654321, another account")


def test_without_a_plan_its_checks_are_skipped_in_one_sentence(scene: Scene) -> None:
    """Without a plan the checks of clusters are skipped, and the checks of the app are made."""
    scene.set_variables(INSTANCE_CLASS="r6g.large")
    findings = scene.see_all()

    assert "snapshot" not in findings
    assert Status.OK is findings["rules"].status
    assert findings["skipped"].what.startswith("forwarding, snapshot, copy, key, secrets, ")


def test_two_plans_with_one_target_and_names_that_nothing_reads_fail(scene: Scene) -> None:
    """Two plans with one target and misspelt names fail, each on a line of its own with the nearest
    name.
    """
    scene.set_variables(INSTANCE_CLAS="db.r6g.large")
    scene.set_parameters(
        {"plans/blue/target-clustr-id": "blue", "plans/eu/port": "5433", "kms-key-di": "alias/x"}
    )
    told = sorted(scene.see("settings").what.splitlines())

    assert 4 == len(told)
    assert told[0].startswith(
        "INSTANCE_CLAS in stages.dev.environment_variables of .chalice/config.json is not a known"
    )
    assert told[0].endswith("did you mean INSTANCE_CLASS?")
    assert told[1].startswith(
        "Plan blue: The SSM parameter /aurora-restore/dev/plans/blue/target-clustr-id is not a "
    )
    assert told[1].endswith("did you mean target-cluster-id?")
    assert told[2].endswith(
        "/aurora-restore/dev/kms-key-di is not a known setting; did you mean kms-key-id?"
    )
    assert told[3].startswith("The plans default and eu have the same target")
