"""A target of which only the cluster was adopted: no instance says what the new ones are like."""

import re

import pytest

from chalicelib.flow.choreography import State
from tests.swap.different_target import DifferentStage, like, succeeded


class HalfAdoptedStage(DifferentStage):
    """A stage whose old cluster carries the tag, and none or some of its instances do."""

    def disown(self, *numbers: int) -> None:
        """Take our tag from instances of the target."""
        for number in numbers:
            (found,) = self.rds().describe_db_instances(
                DBInstanceIdentifier=f"staging-cluster-{number}"
            )["DBInstances"]
            self.rds().remove_tags_from_resource(
                ResourceName=found["DBInstanceArn"], TagKeys=["aurora-restore"]
            )


@pytest.mark.parametrize("settings", [{}, {"INSTANCE_CLASS": "db.r6g.large"}])
@pytest.mark.parametrize("replacement", ["swap", "pointer"])
def test_a_target_without_an_instance_of_ours_is_refused(
    replacement: str, settings: dict[str, str]
) -> None:
    """Three instances would become one; the command adopts them, and the new ones are like them."""
    stage = HalfAdoptedStage(staging=True, REPLACEMENT=replacement, **settings)
    stage.disown(1, 2, 3)
    failed = stage.run_night()
    (arns,) = re.findall(r"for arn in (.+?);", str(failed.remedy))
    owner = [{"Key": "aurora-restore", "Value": "test/default"}]

    assert (State.FAILED, State.SNAPSHOT_READY) == (failed.state, failed.stopped_at)
    assert "missing on staging-cluster-1, staging-cluster-2, staging-c" in str(failed.reason)
    assert [] == stage.calls_of("restore_db_cluster_from_snapshot")
    for arn in arns.split():
        stage.rds().add_tags_to_resource(ResourceName=arn, Tags=owner)
    ended = stage.run_night()
    assert succeeded(ended)
    assert 3 == len(ended.facts.target.instances)


def test_instances_without_our_tag_beside_one_of_ours_are_named() -> None:
    """Whoever reads the warning learns that the new cluster is smaller."""
    stage = HalfAdoptedStage()
    stage.disown(2, 3)
    ended = stage.run_night()
    (told,) = [found for found in ended.warnings if "lack our tag" in found]

    assert succeeded(ended)
    assert 1 == len(like(stage).instances)
    assert "staging-cluster-2, staging-cluster-3. They stay with the previous target" in told
    assert "the new one has none like them" in told
