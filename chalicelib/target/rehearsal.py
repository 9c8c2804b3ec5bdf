"""Asks AWS, before the old target is deleted, for the calls that come after its deletion.

Each is asked for by the function whose role will have to be allowed it.

Their names are still taken, so each has to be answered "already exists". Whatever else AWS answers
(no permission, a wrong combination, a member that the packed SDK does not know) is met while the
old target still serves. Which of two objections RDS tells first is not documented; either way
nothing is lost.
"""

from botocore.exceptions import ParamValidationError

from chalicelib.aws.client import AwsError, NotFoundError
from chalicelib.aws.rds import Cluster
from chalicelib.flow.errors import RefusedError, Retry
from chalicelib.flow.operation import Operation
from chalicelib.flow.untrusted_text import one_line
from chalicelib.target.cluster import INSTANCE_TAKEN, TAKEN, TargetCluster

LEFT = "The old target was left as it is"


def rehearse(operation: Operation, target: TargetCluster) -> Cluster | None:
    """Try the restore and the writer; raises RefusedError, or TransientError.

    Returns the new cluster where the old one has vanished, so that the restore began in earnest.
    """
    facts = operation.facts
    try:
        return target.begin_restore(facts.copies.arn or "")
    except ParamValidationError as error:
        raise RefusedError(
            f"{LEFT}, because the AWS SDK of this function refuses the restore: {one_line(error)}.",
            "Deploy the stage again, with the packed SDK.",
            retry=Retry.RERUN,
        ) from error
    except AwsError as error:
        if error.code != TAKEN:
            raise _left(error) from error
    _rehearse_instance(operation, target, operation.instance_ids[0])
    return None


def rehearse_readers(operation: Operation, target: TargetCluster) -> None:
    """Try the readers, which setup-db-users creates; raises RefusedError, or TransientError."""
    for reader in operation.instance_ids[1:]:
        _rehearse_instance(operation, target, reader)


def _rehearse_instance(operation: Operation, target: TargetCluster, identifier: str) -> None:
    """Try to create an instance, if the old target has one of that name."""
    old = operation.facts.target.old
    if old is None or identifier not in old.members:
        return  # it would be created
    try:
        target.create_instance(identifier)
    except NotFoundError as error:
        raise _left(error) from error
    except AwsError as error:
        if error.code != INSTANCE_TAKEN:
            raise _left(error) from error


def _left(error: RefusedError) -> RefusedError:
    """Say that the refusal cost nothing."""
    return RefusedError(
        f"{LEFT}, because the restore would fail: {error.reason}",
        error.remedy,
        from_step=error.from_step or "delete-rds",
        retry=error.retry,
    )
