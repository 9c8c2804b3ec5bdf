"""ADOPT_READERS lets delete-rds tag readers whose names nobody knows, and nothing of a source."""

from collections.abc import Mapping
from typing import Any

import pytest

from simulation.settings import ENVIRONMENT
from simulation.stage import TARGET_REGION
from tests.iam.filled_policies import policies
from tests.iam.test_forbidden_calls import EVERYTHING, NEAR, TAGS, Deed, rds

FUNCTION, ADOPTS = "delete-rds", {"ADOPT_READERS": "true"}
FAR = policies({**ENVIRONMENT, **ADOPTS})[FUNCTION]
NEARBY = policies({**ENVIRONMENT, **NEAR, **ADOPTS})[FUNCTION]
NOT_ADOPTING = policies(ENVIRONMENT)[FUNCTION]


def tagging(instance: str, tags: list[Mapping[str, Any]] | None = None) -> Deed:
    """Give the call that tags an instance of the target's region."""
    arn = rds(TARGET_REGION, f"db:{instance}")
    return Deed("rds:AddTagsToResource", {"ResourceName": arn, "Tags": tags or TAGS})


def test_a_reader_of_any_name_may_be_tagged() -> None:
    """In another region than the source's, and only with the setting."""
    deed = tagging("analytics-reader")

    assert [True] == deed.decisions(FAR, FUNCTION)
    assert [False] == deed.decisions(NOT_ADOPTING, FUNCTION)


@pytest.mark.parametrize(
    "tags",
    [
        [{"Key": "aurora-restore", "Value": "prod/default"}],
        [*TAGS, {"Key": "owner", "Value": "me"}],
        [{"Key": "owner", "Value": "me"}],
    ],
)
def test_no_other_tag_may_be_given(tags: list[Mapping[str, Any]]) -> None:
    """The one tag is the stage's own."""
    assert [False] == tagging("analytics-reader", tags).decisions(FAR, FUNCTION)


def test_an_instance_of_another_stage_is_denied() -> None:
    """Whatever else the role is allowed."""
    assert [False] == tagging("their-cluster-1").decisions(FAR, FUNCTION, EVERYTHING)


def test_beside_the_source_an_instance_of_any_name_is_denied() -> None:
    """Nothing but the tag of auto scaling keeps the source's instances apart there."""
    assert [False] == tagging("orders-primary").decisions(NEARBY, FUNCTION, EVERYTHING)


def test_an_untagged_instance_may_not_be_deleted() -> None:
    """The tag comes first, and the trail with it."""
    deed = Deed("rds:DeleteDBInstance", {"DBInstanceIdentifier": "analytics-reader"})

    assert [False] == deed.decisions(FAR, FUNCTION, EVERYTHING)


@pytest.mark.parametrize("replacement", ["swap", "pointer"])
def test_a_scaled_reader_of_a_pointed_target_may_be_tagged_whatever_replaces_it(
    replacement: str,
) -> None:
    """A previous target of before a change of REPLACEMENT is deleted with its readers."""
    adopting = policies({**ENVIRONMENT, **NEAR, **ADOPTS, "REPLACEMENT": replacement})[FUNCTION]

    assert [True] == tagging("scaled-of-a").decisions(adopting, FUNCTION)
    assert [False] == tagging("scaled-of-a").decisions(NOT_ADOPTING, FUNCTION)


def test_a_scaled_reader_of_a_source_is_denied_under_one_of_the_targets_names() -> None:
    """A source may be called as the other cluster of a target would be."""
    near = {"SOURCE_REGION": TARGET_REGION, "SOURCE_CLUSTER_ID": "staging-cluster-a"}
    beside = policies({**ENVIRONMENT, **near, **ADOPTS, "REPLACEMENT": "swap"})[FUNCTION]

    assert [False] == tagging("scaled-of-a").decisions(beside, FUNCTION, EVERYTHING)


ARCHIVE = "archive-snapshot"
ELSEWHERE, BESIDE = (policies({**ENVIRONMENT, **near})[ARCHIVE] for near in ({}, NEAR))


def deletion(endpoint: str) -> Deed:
    """Give the call that deletes a custom endpoint of the target's region."""
    return Deed("rds:DeleteDBClusterEndpoint", {"DBClusterEndpointIdentifier": endpoint})


def test_our_endpoints_may_be_deleted_only_where_no_source_is() -> None:
    """Their names are people's, so only our tag tells them apart."""
    deed = deletion("our-readers")

    assert [True] == deed.decisions(ELSEWHERE, ARCHIVE)
    assert [False] == deed.decisions(BESIDE, ARCHIVE, EVERYTHING)


@pytest.mark.parametrize("endpoint", ["orders-readers", "their-readers"])
def test_no_other_endpoint_may_be_deleted(endpoint: str) -> None:
    """Neither one without a tag nor another stage's, whatever else the role is allowed."""
    assert [False] == deletion(endpoint).decisions(ELSEWHERE, ARCHIVE, EVERYTHING)


def test_an_endpoint_of_another_stage_may_not_be_tagged() -> None:
    """It would be ours, and deleted."""
    arn = rds(TARGET_REGION, "cluster-endpoint:their-readers")
    deed = Deed("rds:AddTagsToResource", {"ResourceName": arn, "Tags": TAGS})

    assert [False] == deed.decisions(ELSEWHERE, ARCHIVE)
