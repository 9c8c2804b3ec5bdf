"""The keys of Performance Insights, which a key that can no longer be used must not prevent."""

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.aws.kms import usable_key_arn
from chalicelib.aws.rds import Instance
from chalicelib.flow.baseline import Baseline
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.operation import Kind, Operation
from chalicelib.ports import Ports
from chalicelib.target.deletion import of_own_account


def with_usable_keys(operation: Operation, ports: Ports) -> tuple[Baseline | None, tuple[str, ...]]:
    """Give the baseline without the keys that the new instances could not be made with.

    Each comes with a warning: AWS takes its own key then.
    """
    baseline = operation.facts.target.baseline
    if baseline is None:
        return None, ()
    kms = ports.service("kms", operation.plan.target.region)
    keys = {found.insights_key_arn: "" for found in baseline.instances if found.insights_key_arn}
    unusable, warnings = set[str](), list[str]()
    for key in of_own_account(keys, operation.plan):
        try:
            usable_key_arn(kms, key)
        except RefusedError as error:
            unusable.add(key)
            warnings.append(f"{_without(key)} {error.reason}")
    kept = [
        replace(found, insights_key_arn=None) if found.insights_key_arn in unusable else found
        for found in baseline.instances
    ]
    return replace(baseline, instances=tuple(kept)), tuple(warnings)


def warnings_of_keys(operation: Operation, instances: Sequence[Instance]) -> tuple[str, ...]:
    """Warn of keys that could not be used any more when the instances were made."""
    if operation.kind is not Kind.RESTORE or operation.keeps_cluster:
        return ()
    planned = {one.identifier: one.insights_key_arn for one in operation.target_spec.instances}
    lost = {
        key
        for found in instances
        if found.insights and (key := planned.get(found.identifier)) != found.insights_key_arn
    }
    return tuple(f"{_without(key)} AWS refused it." for key in sorted(filter(None, lost)))


def _without(key: str) -> str:
    return (
        "Performance Insights of the new instances is encrypted with AWS's own key instead of "
        f"{key}, which the old target had:"
    )
