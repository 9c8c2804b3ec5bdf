"""Which cluster an event of RDS is about: told by its ARN alone, so that a hint costs one look at
one item.
"""

import pytest

from chalicelib.messages.rds_events import RdsNotice

HOME = "arn:aws:rds:us-west-2:123456789012"


@pytest.mark.parametrize(
    "arn",
    [
        f"{HOME}:cluster:staging",
        f"{HOME}:cluster:rds:staging",
        f"{HOME}:cluster:Staging",
        f"{HOME}:db:staging-1",
        f"{HOME}:db:rds:staging-12",
        f"{HOME}:db:STAGING-1",
    ],
)
def test_a_cluster_is_found_by_its_own_name_and_by_its_instances(arn: str) -> None:
    """Whatever the case, and with the prefix that official samples have."""
    assert (f"{HOME}:cluster:staging",) == targets(arn)


@pytest.mark.parametrize(
    "name",
    [
        "cluster:staging-next",
        "cluster:rds:staging-previous",
        "cluster:staging-a",
        "cluster:staging-b",
    ],
)
def test_a_cluster_beside_the_target_is_found_by_the_name_that_it_has(name: str) -> None:
    """A target may be called so itself, so its own name comes first."""
    itself = name.rpartition(":")[2]

    assert (f"{HOME}:cluster:{itself}", f"{HOME}:cluster:staging") == targets(f"{HOME}:{name}")


def test_an_instance_of_a_swapped_cluster_is_found_by_the_name_before_the_digits() -> None:
    """Six digits of the operation and a number follow the target's name."""
    found = targets(f"{HOME}:db:staging-7692c3-2")

    assert (f"{HOME}:cluster:staging-7692c3", f"{HOME}:cluster:staging") == found


@pytest.mark.parametrize(
    ("name", "cluster"),
    [("cluster:staging-1", "staging-1"), ("db:a-b-1", "a-b"), ("db:a-7692c-1", "a-7692c")],
)
def test_a_name_that_only_begins_alike_is_another(name: str, cluster: str) -> None:
    """`staging-eu` is no instance of ours, and its instances are those of another cluster."""
    assert (f"{HOME}:cluster:{cluster}",) == targets(f"{HOME}:{name}")


@pytest.mark.parametrize("arn", ["", "nonsense", f"{HOME}:db:nameless", f"{HOME}:db:a-reader"])
def test_an_event_without_a_cluster_matches_none(arn: str) -> None:
    """An event that is malformed, or about an instance that cannot be ours, is about no target."""
    assert () == targets(arn)


def targets(arn: str) -> tuple[str, ...]:
    """List the clusters that an event about a resource may be of."""
    return RdsNotice.of({"detail": {"SourceArn": arn}}).target_arns
