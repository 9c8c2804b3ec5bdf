"""Refuses a request to work on a cluster that is no longer the target, with what to ask for."""

from dataclasses import replace

from chalicelib.flow.errors import RefusedError
from chalicelib.flow.operation import Kind, Operation
from chalicelib.messages.advice import next_command
from chalicelib.ports import Ports
from chalicelib.target.restored_cluster import refuse_replaced


def refuse_replaced_of(operation: Operation, step: str | None, ports: Ports) -> None:
    """Raise RefusedError where the cluster of a new operation is no longer the target.

    `step` is the one that a person asked for. The remedy ends with the command.
    """
    try:
        refuse_replaced(operation, ports)
    except RefusedError as error:
        told = replace(operation, region=ports.region, retry=error.retry, rerun_from=step)
        raise RefusedError(error.reason, f"{error.remedy} {next_command(told)}") from None


def refuse_unknown(before: Operation) -> None:
    """Raise RefusedError for a rollback to a cluster that no known operation restored.

    Its logins are people's own: none is closed, and no password is set.
    """
    if before.kind is Kind.ROLLBACK and before.facts.snapshot.arn is None:
        raise RefusedError(
            f"The last success is the rollback {before.operation_id}, to a cluster that no "
            "known operation restored: there is no step to repeat on it.",
            "Change its users yourself, or ask for a restore.",
        )
