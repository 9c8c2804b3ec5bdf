"""Decides by the status of the new cluster or an instance whether a step continues or waits."""

from chalicelib.aws.error_remedies import CAPACITY_REMEDY
from chalicelib.aws.statuses import Health, health
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Wait

EVENTS = "The RDS events of the cluster and its instances tell the cause."
# By the meaning of a status in the user guide (viewing cluster and instance status).
STATUS_REMEDIES = {
    "deleting": "Find out who deletes it.",
    "insufficient-capacity": CAPACITY_REMEDY,
    "inaccessible-encryption-credentials": "Enable the key of the cluster, and let RDS use it.",
    "incompatible-network": (
        "Make room in the subnets of DB_SUBNET_GROUP_NAME, or name another subnet group."
    ),
    "incompatible-parameters": (
        "Correct the parameters in the parameter groups of the target, or name other groups."
    ),
}


def wait_for(operation: Operation, what: str, status: str) -> Wait | None:
    """Give the wait for a status, None where it is ready; `what` begins the sentence.

    Raises RefusedError for a permanent status.
    """
    state = health(status)
    if state is Health.TERMINAL:
        reason = f"{what} is {status}, which does not get better by itself."
        remedy = f"{STATUS_REMEDIES.get(status, 'Correct what made it fail.')} {EVENTS}"
        raise RefusedError(reason, remedy, from_step="delete-rds")
    if state is Health.READY:
        return None
    if state is Health.PROGRESSING:
        return Wait(f"{what} is {status}.")
    return Wait(
        f"{what} is {status}, which may recover.", operation.plan.target.restore_check_interval
    )
