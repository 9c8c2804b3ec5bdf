"""Which cluster an event of RDS is about: told by its ARN alone, so that a hint costs one look at
one item.
"""

import pytest

from chalicelib.messages.events import RdsNotice

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
    assert f"{HOME}:cluster:staging" == RdsNotice.of({"detail": {"SourceArn": arn}}).cluster_arn


def test_a_name_that_only_begins_alike_is_another() -> None:
    """`staging-eu` is no instance of ours, and its instances are those of another cluster."""
    found = [
        RdsNotice.of({"resources": [f"{HOME}:{name}"]}).cluster_arn
        for name in ("cluster:staging-1", "db:a-b-1")
    ]

    assert [f"{HOME}:cluster:staging-1", f"{HOME}:cluster:a-b"] == found


@pytest.mark.parametrize("arn", ["", "nonsense", f"{HOME}:db:nameless"])
def test_what_names_no_cluster_leads_to_none(arn: str) -> None:
    """An event that is malformed, or about an instance that cannot be ours, is about no target."""
    assert RdsNotice.of({"detail": {"SourceArn": arn}}).cluster_arn.endswith(
        ":cluster:"
    ) or not arn.startswith("arn:")
