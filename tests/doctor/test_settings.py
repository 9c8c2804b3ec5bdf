"""The stage's settings as a whole."""

from aurora_restore.findings import Status
from tests.doctor.scene import Scene


def test_every_problem_of_the_settings_is_told_at_once(scene: Scene) -> None:
    """All problems of the settings are reported at once, missing and wrong ones, with where to set
    them.
    """
    scene.set_variables(INSTANCE_CLASS="", PORT="80", FRESHNESS_HOURS="soon")
    found = scene.see("settings")

    assert Status.FAILED is found.status
    config = ".chalice/config.json (environment_variables of stage dev)"
    hours, missing, port = sorted(found.what.splitlines())

    assert (
        f"INSTANCE_CLASS is not set in {config} or in SSM below /aurora-restore/dev/: it should be "
        "an " in missing
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


def test_ssm_overrules_the_configuration_and_is_told(scene: Scene) -> None:
    """A parameter that was changed by hand in SSM overrules the configuration and is reported."""
    scene.set_parameters({"target-cluster-id": "other-cluster"})
    found = scene.see("settings")

    assert Status.WARNING is found.status
    assert (
        "SSM below /aurora-restore/dev/ overrules .chalice/config.json in target-cluster-id."
        == found.what
    )


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


def test_every_plan_is_looked_at(scene: Scene) -> None:
    """Each plan has findings of its own, under its name."""
    scene.set_parameters({"plans/weekly/target-cluster-id": "weekly-cluster"})

    assert ["target", "target of plan weekly"] == [
        finding.name for finding in scene.see_each("target")
    ]


def test_a_plan_of_another_region_is_doubted(scene: Scene) -> None:
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


def test_without_a_plan_its_checks_are_left_out_in_one_sentence(scene: Scene) -> None:
    """Without a plan the checks of clusters are skipped, and the checks of the app are made."""
    scene.set_variables(INSTANCE_CLASS="")
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
