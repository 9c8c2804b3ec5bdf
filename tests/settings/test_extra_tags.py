"""EXTRA_TAGS: how they are written, and what is refused before AWS refuses it."""

import pytest

from chalicelib.flow.extra_tags import EXTRA_TAGS_MAX
from tests.settings.test_problems import problems
from tests.settings.test_variables import COMPLETE, plan

FEW, MANY = (",".join(f"k{number}=v" for number in range(EXTRA_TAGS_MAX + more)) for more in (0, 1))


def test_tags_are_pairs_with_commas() -> None:
    """The first = ends the key; a value may be empty, and spaces around a comma do not count."""
    tags = plan({**COMPLETE, "EXTRA_TAGS": "CostCenter=42, team:name=a=b ,empty="}).target.tags

    assert {"CostCenter": "42", "team:name": "a=b", "empty": ""} == tags


def test_without_the_setting_there_are_none() -> None:
    """Nothing but our own tags."""
    assert {} == plan(COMPLETE).target.tags


@pytest.mark.parametrize(
    "text", [FEW, f"{'k' * 128}=v", f"k={'v' * 256}", "Ünï=ä", "aurora=1", "rdsx=1"]
)
def test_all_that_aws_takes_is_taken(text: str) -> None:
    """The bounds themselves are valid."""
    assert plan({**COMPLETE, "EXTRA_TAGS": text}).target.tags


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("CostCenter", "should have 'CostCenter' as key=value"),
        ("=42", "should have keys of 1 to 128 characters"),
        (f"{'k' * 129}=v", "should have keys of 1 to 128 characters"),
        (f"k={'v' * 257}", "should have at most 256 characters in a value"),
        ("aws:cost=1", "should not have the key aws:cost"),
        ("RDS:cost=1", "should not have the key RDS:cost"),
        ("Aurora-Restore=prod/default", "should not have the key Aurora-Restore"),
        ("aurora-restore-operation=x", "should not have the key aurora-restore-operation"),
        ("application-autoscaling:resourceId=x", "should not have the key application-autoscaling"),
        ("k=aws:x", "should not have a value of k that begins with aws: or rds:"),
        ("k=1,k=2", "should have the key k once"),
        ("k=a*", "should have only letters, digits, spaces and _.:/=+-@ in k=a*"),
        (MANY, f"should have at most {EXTRA_TAGS_MAX} tags, and not {EXTRA_TAGS_MAX + 1}"),
    ],
)
def test_what_aws_would_refuse_is_a_problem_of_the_setting(text: str, rule: str) -> None:
    """The sentence names the setting, and the tag where that helps."""
    told = problems(EXTRA_TAGS=text)

    assert "EXTRA_TAGS is '" in told
    assert rule in told
