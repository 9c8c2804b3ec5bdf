"""Has `setup-db-users` try its network itself: what descriptions cannot tell, such as peerings and firewalls.

It is asked by an event, and its answer stands in the state table. Nothing else is changed.
"""

from collections.abc import Iterator

from aurora_restore.doctor.observations import Sight, doubtful, fine, wrong
from aurora_restore.doctor.plan_case import Case
from aurora_restore.doctor.stage_view import Asked
from chalicelib.flow.choreography import IN_VPC
from chalicelib.flow.moments import stamp
from chalicelib.records.store import Item

ANSWER_SECONDS = 90  # it may meet several time-outs one after the other before it answers
LOOK_SECONDS = 1.0


def trial(case: Case) -> Iterator[Sight]:
    """Tell what the function itself found, or that it does not answer."""
    patient = case.patient
    if IN_VPC not in patient.deployed:
        yield doubtful(
            f"{IN_VPC} is not deployed, so it cannot try.", "See the check `functions` first."
        )
        return
    asked = patient.asked_to_try
    answer = _answer(case, asked)
    if answer is None:
        yield wrong(
            f"{IN_VPC} was asked at {stamp(asked.at)} to try its network, and has not answered for "
            f"{ANSWER_SECONDS} seconds.",
            "It runs in a VPC: usually its subnets have neither a route to a NAT gateway nor an "
            "endpoint for DynamoDB. Read its log: aws logs tail "
            f"/aws/lambda/{patient.stage.function(IN_VPC)} --region {patient.stage.region} --since "
            "1h. See also the checks `rules` and `way to AWS`.",
        )
        return
    for reason, remedy in answer["problems"]:
        yield wrong(reason, remedy)
    untried = "".join(f" Not tried: {what}." for what in answer["untried"])
    yield fine(f"At {answer['at']} {IN_VPC} reached {', '.join(answer['reached'])}.{untried}")


def _answer(case: Case, asked: Asked) -> Item | None:
    """Wait for the answer to what was asked; None when there is none in time."""
    patient = case.patient
    while True:
        found = case.ports.operations.trial(case.plan.name)
        if found.get("request_id") == asked.request_id:
            return found
        if (patient.now() - asked.at).total_seconds() >= ANSWER_SECONDS:
            return None
        patient.pause(LOOK_SECONDS)
