"""Policies are judged by the documented rules, the traps among them."""

from typing import Any

import pytest
from localaws.iam import Policy, PolicyError, evaluate

CLUSTER = "arn:aws:rds:us-west-2:123456789012:cluster:staging"
Context = dict[str, str | tuple[str, ...]]


def policy(*statements: dict[str, Any]) -> Policy:
    """Make a policy of statements that allow everything of RDS unless they say otherwise."""
    plain = {"Effect": "Allow", "Action": "rds:*", "Resource": "*"}
    given = [
        {
            **{key: value for key, value in plain.items() if f"Not{key}" not in statement},
            **statement,
        }
        for statement in statements
    ]
    return Policy.of({"Version": "2012-10-17", "Statement": given})


def allows(
    *statements: dict[str, Any],
    action: str = "rds:StopDBCluster",
    resource: str = CLUSTER,
    context: Context | None = None,
) -> bool:
    """Ask a policy of these statements."""
    return evaluate([policy(*statements)], action, resource, context).allowed


def holds(operator: str, key: str, values: Any, context: Context) -> bool:
    """Tell whether an Allow with this one condition applies in this context."""
    return allows({"Condition": {operator: {key: values}}}, context=context)


def test_what_nobody_allows_is_denied() -> None:
    """An action that no statement allows is denied in AWS's words, and no statement is named."""
    decision = evaluate([policy({"Action": "rds:Describe*"})], "rds:StopDBCluster", CLUSTER)

    assert (False, None) == (decision.allowed, decision.sid)
    assert "because no identity-based policy allows the rds:StopDBCluster action" == decision.why


def test_an_explicit_deny_wins() -> None:
    """An explicit Deny wins in the same policy or another, before the Allow or after it."""
    allow, deny = (
        policy({"Sid": "Yes"}),
        policy({"Sid": "No", "Effect": "Deny", "Action": "rds:Stop*"}),
    )
    decisions = [
        evaluate(order, "rds:StopDBCluster", CLUSTER) for order in ([allow, deny], [deny, allow])
    ]
    found = [(decision.allowed, decision.sid, decision.why) for decision in decisions]

    assert [(False, "No", "with an explicit deny in an identity-based policy")] * 2 == found


def test_the_statement_that_allows_is_named() -> None:
    """The statement that allows is named by its Sid, or by its position where it has none."""
    named = evaluate([policy({"Sid": "Stop"})], "rds:StopDBCluster", CLUSTER)
    unnamed = evaluate([policy({"Action": "s3:*"}, {})], "rds:StopDBCluster", CLUSTER)

    assert ("Stop", "the policy[1]") == (named.sid, unnamed.sid)


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("*", True),
        ("rds:*", True),
        ("RDS:stopdbcluster", True),
        ("rds:Stop*", True),
        ("rds:St?pDBCluster", True),
        ("rds:Stop", False),
        ("rds:StopDBCluster?", False),
        ("dynamodb:*", False),
        ("rds.StopDBCluster", False),
    ],
)
def test_actions_fit_whatever_their_case(pattern: str, fits: bool) -> None:
    """Actions match in any case; `*` stands for any characters, `?` for one."""
    assert fits is allows({"Action": [pattern]})


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        (CLUSTER, True),
        ("*", True),
        ("arn:aws:rds:*:*:cluster:staging", True),
        (CLUSTER[:-1] + "?", True),
        ("arn:aws:rds:us-west-2:123456789012:*", True),
        (CLUSTER.replace("staging", "Staging"), False),
        (CLUSTER + "?", False),
        ("arn:aws:rds:*:*:db:*", False),
        (CLUSTER[:-1], False),
    ],
)
def test_resources_fit_in_their_own_case(pattern: str, fits: bool) -> None:
    """Resources match in their own case and as a whole: `cluster:stagin` is not
    `cluster:staging`.
    """
    assert fits is allows({"Resource": [pattern]})


def test_not_action_speaks_of_all_the_others() -> None:
    """NotAction matches every action of every service but the one it names."""
    reads = {"NotAction": ["rds:Describe*", "rds:List*"]}
    found = [
        allows(reads, action=action)
        for action in ("rds:DescribeDBClusters", "rds:StopDBCluster", "s3:GetObject")
    ]

    assert [False, True, True] == found


def test_not_resource_speaks_of_all_the_others() -> None:
    """A Deny with NotResource leaves one resource to be changed, if something allows that."""
    only = {"Effect": "Deny", "Action": "rds:Stop*", "NotResource": [CLUSTER]}
    found = [
        allows({}, only, resource=cluster)
        for cluster in (CLUSTER, CLUSTER.replace("staging", "prod"))
    ]

    assert [True, False] == found
    assert not allows(only)


@pytest.mark.parametrize(
    ("operator", "values", "given", "expected"),
    [
        ("StringEquals", "test/a", "test/a", True),
        ("StringEquals", "test/*", "test/a", False),  # no wildcards
        ("StringEquals", ["x", "test/a"], "test/a", True),  # one of several
        ("StringEquals", "TEST/a", "test/a", False),
        ("StringEqualsIgnoreCase", "TEST/a", "test/a", True),
        ("StringNotEquals", ["x", "test/a"], "test/a", False),  # none of several
        ("StringNotEquals", ["x", "y"], "test/a", True),
        ("StringNotEqualsIgnoreCase", "TEST/A", "test/a", False),
        ("StringLike", "test/*", "test/a", True),
        ("StringLike", "test/?", "test/ab", False),
        ("StringNotLike", "test/*", "test/a", False),
        ("StringNotLike", "prod/*", "test/a", True),
        ("Bool", "true", "true", True),
        ("Bool", True, "true", True),
        ("Bool", "false", "true", False),
        ("NumericEquals", "5", "5.0", True),
        ("NumericNotEquals", "5", "6", True),
        ("NumericLessThan", "5", "4", True),
        ("NumericLessThanEquals", 5, "5", True),
        ("NumericGreaterThan", "5", "5", False),
        ("NumericGreaterThanEquals", "5", "many", False),
        (
            "ArnEquals",
            "arn:aws:lambda:*:*:function:f",
            "arn:aws:lambda:us-west-2:1:function:f",
            True,
        ),  # as ArnLike
        (
            "ArnLike",
            "arn:aws:lambda:*:function:f",
            "arn:aws:lambda:us-west-2:1:function:f",
            False,
        ),  # part by part
        (
            "ArnNotLike",
            "arn:aws:lambda:*:*:function:g",
            "arn:aws:lambda:us-west-2:1:function:f",
            True,
        ),
    ],
)
def test_operators(operator: str, values: Any, given: str, expected: bool) -> None:
    """Each operator compares one value of the policy with one value of the request."""
    assert expected is holds(operator, "aws:Key", values, {"aws:Key": given})


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("StringEquals", False),
        ("StringLike", False),
        ("Bool", False),
        ("NumericLessThan", False),
        ("ArnLike", False),
        ("StringNotEquals", True),
        ("StringNotLike", True),
        ("NumericNotEquals", True),
        ("ArnNotEquals", True),
        ("StringEqualsIfExists", True),
        ("BoolIfExists", True),
        ("ForAllValues:StringEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
    ],
)
@pytest.mark.parametrize(
    "context", [{}, {"aws:Key": ()}, {"aws:Key": ""}], ids=["missing", "no values", "empty"]
)
def test_a_key_that_is_not_in_the_request(operator: str, expected: bool, context: Context) -> None:
    """Without the key, a negated operator holds, ForAllValues holds, and ForAnyValue does not."""
    assert expected is holds(operator, "aws:Key", "5", context)


@pytest.mark.parametrize(
    ("operator", "given", "expected"),
    [
        ("ForAllValues:StringEquals", ("a",), True),
        ("ForAllValues:StringEquals", ("a", "b"), True),
        ("ForAllValues:StringEquals", ("a", "c"), False),
        ("ForAllValues:StringNotEquals", ("c", "d"), True),
        ("ForAllValues:StringNotEquals", ("c", "a"), False),
        ("ForAnyValue:StringEquals", ("c", "a"), True),
        ("ForAnyValue:StringEquals", ("c", "d"), False),
        ("ForAnyValue:StringNotEquals", ("a", "c"), True),
        ("ForAnyValue:StringNotEquals", ("a", "b"), False),
        ("ForAnyValue:StringLike", ("xa", "a"), True),
        ("ForAllValues:StringEqualsIfExists", ("a",), True),
        ("StringEquals", ("c", "a"), True),  # without a set operator one that agrees is enough
        ("StringNotEquals", ("c", "a"), False),  # and for a negated one none may
    ],
)
def test_keys_with_several_values(operator: str, given: tuple[str, ...], expected: bool) -> None:
    """A key with several values is compared with the policy's values a and b."""
    assert expected is holds(operator, "aws:TagKeys", ["a", "b"], {"aws:TagKeys": given})


@pytest.mark.parametrize(
    ("wanted", "context", "expected"),
    [
        ("true", {}, True),
        ("true", {"aws:TagKeys": ("a",)}, False),
        ("false", {}, False),
        ("false", {"aws:TagKeys": ("a",)}, True),
        (False, {"aws:TagKeys": ()}, False),
    ],
)
def test_null_asks_whether_a_key_is_missing(wanted: Any, context: Context, expected: bool) -> None:
    """Null tests whether a key is missing; together with it, ForAllValues needs the key."""
    together = {"Null": {"aws:TagKeys": wanted}, "ForAllValues:StringEquals": {"aws:TagKeys": "a"}}

    assert expected is allows({"Condition": together}, context=context)


def test_keys_are_the_same_in_any_case() -> None:
    """Condition keys match in any case, and so does the name of a tag within a key."""
    assert holds("StringEquals", "AWS:resourcetag/Owner", "a", {"aws:ResourceTag/owner": "a"})


def test_every_condition_has_to_hold() -> None:
    """All operators and keys of a statement have to hold: a Deny that one of them does not meet
    denies nothing.
    """
    both = {"StringEquals": {"aws:A": "1", "aws:B": "2"}, "StringLike": {"aws:C": "3*"}}
    met: Context = {"aws:A": "1", "aws:B": "2", "aws:C": "34"}
    deny = {"Effect": "Deny", "Condition": both}
    found = [
        allows({"Condition": both}, context=context) for context in (met, {**met, "aws:B": "1"})
    ]

    assert [True, False] == found
    assert [False, True] == [
        allows({}, deny, context=context) for context in (met, {**met, "aws:B": "1"})
    ]


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            {"Condition": {"StringMatches": {"a": "b"}}},
            "does not know the condition operator StringMatches",
        ),
        (
            {"Condition": {"DateLessThan": {"aws:CurrentTime": "2026-11-26"}}},
            "operator DateLessThan",
        ),
        (
            {"Condition": {"ForSomeValues:StringEquals": {"a": "b"}}},
            "operator ForSomeValues:StringEquals",
        ),
        ({"Resource": "arn:aws:s3:::bucket/${aws:username}"}, "does not fill in policy variables"),
        ({"Principal": "*"}, "an identity-based policy has no Principal"),
        ({"Effect": "Maybe"}, "Effect is 'Maybe', not Allow or Deny"),
        ({"Action": "rds:*", "NotAction": "s3:*"}, "either Action or NotAction"),
        ({"Resource": "*", "NotResource": CLUSTER}, "either Resource or NotResource"),
    ],
)
def test_what_is_not_understood_is_refused(statement: dict[str, Any], problem: str) -> None:
    """A policy that is not understood is refused: a guess would allow or deny something else than
    AWS.
    """
    with pytest.raises(PolicyError, match=r"^the policy\[0\]: .*\.$") as refused:
        policy(statement)

    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "p is not JSON"),
        ('{"Statement": []}', "p: Version is None"),
        ('{"Version": "1"}', "p: Version is '1'"),
    ],
)
def test_a_document_that_is_none_is_refused(text: str, problem: str) -> None:
    """A document that is no policy is refused with the policy's name."""
    with pytest.raises(PolicyError, match=problem):
        Policy.of_text(text, "p")
