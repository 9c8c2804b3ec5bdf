"""Event patterns match as EventBridge matches them, and what it does not know is refused."""

import json
from typing import Any

import pytest
from localaws.patterns import InvalidPatternError, matches, parse

EVENT = {
    "source": "aws.rds",
    "detail-type": "RDS DB Cluster Snapshot Event",
    "resources": ["arn:aws:rds:us-east-1:123456789012:cluster-snapshot:rds:prod-1"],
    "detail": {
        "EventID": "RDS-EVENT-0169",
        "Message": "Automated cluster snapshot created",
        "count": 5,
        "flag": True,
        "nothing": None,
        "address": "10.0.0.7",
        "parts": [{"kind": "a", "size": 1}, {"kind": "b", "size": 2}],
        "none": [],
        "empty": "",
        "share": 300.0,
        "disk": {"free": {"bytes": 7}},
        "disk.used": 8,
    },
}

MATCHING = [
    {"source": ["aws.rds"]},
    {"source": ["aws.ec2", "aws.rds"], "detail": {"EventID": ["RDS-EVENT-0169"]}},
    {"resources": [{"prefix": "arn:aws:rds:us-east-1:"}]},
    {"detail": {"Message": [{"suffix": " created"}]}},
    {"detail": {"Message": [{"prefix": {"equals-ignore-case": "AUTOMATED"}}]}},
    {"detail": {"EventID": [{"equals-ignore-case": "rds-event-0169"}]}},
    {"detail": {"EventID": [{"wildcard": "RDS-*-0169"}]}},
    {"detail": {"EventID": [{"anything-but": ["RDS-EVENT-0168"]}]}},
    {"detail": {"EventID": [{"anything-but": {"prefix": "EC2"}}]}},
    {"detail": {"count": [{"numeric": [">", 4, "<=", 5]}]}},
    {"detail": {"count": [5]}},
    {"detail": {"nothing": [None]}},
    {"detail": {"nothing": [{"exists": True}], "absent": [{"exists": False}]}},
    {"detail": {"absent": {"deeper": [{"exists": False}]}}},
    {"detail": {"address": [{"cidr": "10.0.0.0/24"}]}},
    {"detail": {"parts": {"kind": ["b"], "size": [2]}}},
    {"detail": {"none": [{"exists": False}]}},
    {"$or": [{"source": ["mine"]}, {"detail": {"count": [5]}}]},
    {"source": [{"prefix": ""}]},
    {"source": [{"suffix": ""}]},
    {"detail": {"empty": [{"equals-ignore-case": ""}]}},
    {"detail": {"empty": [{"wildcard": ""}]}},
    {"source": [{"anything-but": {"wildcard": ""}}]},
    {"detail": {"share": [300], "count": [5.0]}},
    {"detail": {"share": [{"anything-but": 5}]}},
    {"detail.disk.free.bytes": [7]},
    {"detail": {"disk": {"used": [8], "free.bytes": [7]}}},
    {"$or": [{"source": ["mine"]}, {"detail.count": [5]}]},
    {"source": [{"wildcard": "*a*w*s*r*"}]},
    {"source": [{"wildcard": r"*a*w*s*r*d\*\*"}, "aws.rds"]},
]

OTHER = [
    {"source": ["aws"]},
    {"detail": {"count": [5.5]}},
    {"detail": {"Message": [{"wildcard": ""}]}},
    {"detail": {"Message": [{"equals-ignore-case": ""}]}},
    {"detail": {"share": ["300"]}},
    {"detail": {"share": [{"anything-but": [300]}]}},
    {"detail.disk.used": [7]},
    {"detail": {"count": [{"cidr": "0.0.0.0/24"}]}},
    {"detail": {"flag": [1]}},
    {"detail": {"count": ["5"]}},
    {"detail": {"parts": {"kind": ["a"], "size": [2]}}},
    {"detail": {"EventID": [{"anything-but": {"suffix": "0169"}}]}},
    {"detail": {"absent": [{"anything-but": "x"}]}},
    {"detail": {"EventID": {"deeper": ["RDS-EVENT-0169"]}}},
    {"detail": {"Message": [{"wildcard": "Automated*deleted"}]}},
    {"detail": {"address": [{"cidr": "10.0.1.0/24"}]}},
    {"$or": [{"source": ["mine"]}, {"source": ["yours"]}]},
]

REFUSED = [
    {},
    [],
    {"source": "aws.rds"},
    {"source": []},
    {"source": [["aws.rds"]]},
    {"source": [{"begins": "aws"}]},
    {"source": [{"prefix": "a", "suffix": "b"}]},
    {"source": [{"prefix": 5}]},
    {"source": [{"exists": "yes"}]},
    {"source": [{"numeric": ["~", 5]}]},
    {"source": [{"anything-but": [1, "a"]}]},
    {"source": [{"wildcard": "a**b"}]},
    {"source": [{"cidr": "10.0.0.0/99"}]},
    {"detail": {}},
    {"$or": [{"source": ["aws.rds"]}]},
    {"source": ["x" * 2048]},
    {"source": [{"anything-but": {"prefix": ""}}]},
    {"source": [{"anything-but": {"suffix": [""]}}]},
    {"source": [{"anything-but": {"wildcard": "a**b"}}]},
    {"source": [{"wildcard": "*a*b*c*d*e*"}]},
    {"detail": {"count": [{"numeric": [">", 0, ">", 0]}]}},
    {"detail": {"count": [{"numeric": ["<", 5, ">", 1]}]}},
    {"detail": {"count": [{"numeric": [">", 5, "<", 1]}]}},
    {"detail": {"count": [{"numeric": [">=", 5, "<=", 5]}]}},
    {"detail": {"count": [{"numeric": ["=", 5, "=", 5]}]}},
    {"detail": {"count": [{"numeric": [">", True]}]}},
    {"detail": {"count": [{"numeric": []}]}},
    {"detail": {"count": [float("nan")]}},
    {"detail": {"address": [{"cidr": "10.0.0.7"}]}},
    {"detail": {"address": [{"cidr": "10.0.0.0/255.255.255.0"}]}},
    {"detail": {"disk": {"free": [1]}, "disk.free": [2]}},
]


@pytest.mark.parametrize("pattern", MATCHING, ids=json.dumps)
def test_a_pattern_that_matches(pattern: dict[str, Any]) -> None:
    """These patterns match the event."""
    assert matches(EVENT, parse(json.dumps(pattern)))


@pytest.mark.parametrize("pattern", OTHER, ids=json.dumps)
def test_a_pattern_that_does_not_match(pattern: dict[str, Any]) -> None:
    """These patterns are valid and do not match the event."""
    assert not matches(EVENT, parse(json.dumps(pattern)))


@pytest.mark.parametrize("pattern", REFUSED, ids=lambda pattern: json.dumps(pattern)[:40])
def test_a_pattern_that_is_refused(pattern: Any) -> None:
    """These patterns are refused with a sentence."""
    with pytest.raises(InvalidPatternError) as refused:
        parse(json.dumps(pattern))

    assert str(refused.value).endswith(".")
