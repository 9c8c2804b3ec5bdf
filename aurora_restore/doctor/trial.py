"""Has `setup-db-users` try its network itself, with peerings and firewalls on the way.

It is asked by an event, and its answer stands in the state table. Nothing else is changed.
"""

from collections.abc import Iterator

from aurora_restore.doctor.stage_plan import StagePlan
from aurora_restore.doctor.stage_view import ProbeRequest
from aurora_restore.findings import Finding, failed, ok, warning
from chalicelib.flow.choreography import IN_VPC
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.records.store import Item

ANSWER_SECONDS = 90  # it may meet several time-outs one after the other before it answers
LOOK_SECONDS = 1.0


def trial(view: StagePlan) -> Iterator[Finding]:
    """Report what the function itself reached, or that it does not answer."""
    stage = view.stage_view
    if IN_VPC not in stage.deployed:
        yield warning(
            f"{IN_VPC} is not deployed, so it cannot test its network.",
            "See the check `functions` first.",
        )
        return
    answer = _answer(view, stage.probe)
    if answer is None:
        yield failed(
            f"{IN_VPC} was asked at {iso_timestamp(stage.probe.at)} to test its network, and has "
            f"not answered for {ANSWER_SECONDS} seconds.",
            "It runs in a VPC: usually its subnets have neither a route to a NAT gateway nor an "
            "endpoint for DynamoDB. Read its log: aws logs tail "
            f"/aws/lambda/{stage.stage.function(IN_VPC)} --region {stage.stage.region} --since "
            "1h. See also the checks `rules` and `AWS connectivity`.",
        )
        return
    for reason, remedy in answer["problems"]:
        yield failed(reason, remedy)
    untried = "".join(f" Not tried: {what}." for what in answer["untried"])
    yield ok(f"At {answer['at']} {IN_VPC} reached {', '.join(answer['reached'])}.{untried}")


def _answer(view: StagePlan, asked: ProbeRequest) -> Item | None:
    """Wait for the answer to what was asked; None when there is none in time."""
    stage = view.stage_view
    while True:
        found = view.ports.operations.trial(view.plan.name)
        if found.get("request_id") == asked.request_id:
            return found
        if (stage.now() - asked.at).total_seconds() >= ANSWER_SECONDS:
            return None
        stage.pause(LOOK_SECONDS)
