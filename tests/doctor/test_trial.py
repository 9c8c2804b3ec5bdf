"""setup-db-users tries its network when the doctor asks, and the doctor reports the result."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

from aurora_restore.doctor.runner import plan_views
from aurora_restore.doctor.trial import ANSWER_SECONDS, trial
from aurora_restore.findings import Status, combine
from chalicelib.flow.plan import Plan
from tests.deployment.place import REGION
from tests.doctor.scene import Scene

FUNCTION = "aurora-restore-dev-setup-db-users"


def test_the_deployed_function_reports_what_it_reaches(scene: Scene) -> None:
    """The deployed function calls each service and reports what it reached and what it could not
    try.
    """
    found = scene.see("network")

    assert Status.OK is found.status, str(found)
    assert "setup-db-users reached DynamoDB, EventBridge, Secrets Manager, RDS." in found.what
    assert "Not tried: the target's port, because there is no target yet." in found.what


def test_an_unreachable_service_is_reported(scene: Scene) -> None:
    """A deployed function without a certificate authority for the target's region reports that."""
    view = scene.view()
    known, plans = view.plans["default"], cast("dict[str, Plan]", view.plans)
    assert isinstance(known, Plan)
    plans["default"] = replace(known, target=replace(known.target, region="mx-central-1"))
    (plan_view,) = plan_views(view)
    found = combine("network", trial(plan_view))

    assert Status.FAILED is found.status
    assert "has no certificate authority of mx-central-1" in found.what
    assert "make refresh-roots" in found.do


def test_a_function_that_does_not_answer_is_reported(scene: Scene) -> None:
    """A function that does not answer in time is reported with the usual cause, and an older answer
    does not count.
    """
    scene.see("network")
    events, rule = scene.client("events"), f"{FUNCTION}-event"
    events.disable_rule(Name=rule)
    scene.afterwards(events.enable_rule, Name=rule)
    paused: list[float] = []
    view = scene.view(pause=paused.append)
    view = replace(view, now=lambda: datetime.now(UTC) + timedelta(seconds=sum(paused)))
    (plan_view,) = plan_views(view)
    found = combine("network", trial(plan_view))

    assert Status.FAILED is found.status
    assert f"and has not answered for {ANSWER_SECONDS} seconds." in found.what
    assert "neither a route to a NAT gateway nor an endpoint for DynamoDB" in found.do
    assert f"aws logs tail /aws/lambda/{FUNCTION} --region {REGION}" in found.do


def test_a_stage_that_was_never_deployed_gets_no_probe(scene: Scene) -> None:
    """A function that was never deployed is not invoked, because nobody would answer."""
    found = scene.see("network", stage="test")

    assert Status.WARNING == found.status
    assert "setup-db-users is not deployed, so it cannot test its network." == found.what
