"""Policies, patterns and security groups, as AWS describes them."""

from ipaddress import ip_network
from typing import Any

import pytest

from aurora_restore.doctor.network import lets
from aurora_restore.documents import allows, equivalent, includes

EVENTS = "events.amazonaws.com"
PORT, OURS, NETWORK = 5432, "sg-ours", ip_network("10.0.1.0/24")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"Action": ["a", "b"]}, {"Action": ["b", "a"]}, True),
        ({"Action": "a"}, {"Action": ["a"]}, True),
        (
            {"Statement": [{"Sid": "1"}, {"Sid": "2"}]},
            {"Statement": [{"Sid": "2"}, {"Sid": "1"}]},
            True,
        ),
        ({"Action": ["a"]}, {"Action": ["a", "b"]}, False),
        ({"Effect": "Allow", "Action": "a"}, {"Effect": "Deny", "Action": "a"}, False),
        ({"Action": "a"}, {"Action": "a", "Condition": {}}, False),
    ],
)
def test_documents_are_compared_by_what_they_mean(one: Any, other: Any, same: bool) -> None:
    """Documents are equal whatever their order and whether one value is a list; every other
    difference counts.
    """
    assert same is equivalent(one, other)


@pytest.mark.parametrize(
    ("statement", "let_in"),
    [
        ({"Effect": "Allow", "Principal": {"Service": EVENTS}}, True),
        ({"Effect": "Allow", "Principal": {"Service": ["sns.amazonaws.com", EVENTS]}}, True),
        ({"Effect": "Allow", "Principal": "*"}, True),
        ({"Effect": "Allow", "Principal": {"AWS": "*"}}, True),
        ({"Effect": "Deny", "Principal": {"Service": EVENTS}}, False),
        ({"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}}, False),
        ({"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::123456789012:root"}}, False),
    ],
)
def test_who_a_policy_lets_in_is_read_off_its_principals(
    statement: dict[str, Any], let_in: bool
) -> None:
    """The accounts that a policy lets in are read from its principals, in lists or alone, with
    services among them.
    """
    assert let_in is allows({"Statement": statement}, EVENTS)
    assert let_in is allows(
        {"Statement": [{"Effect": "Deny", "Principal": "*"}, statement]}, EVENTS
    )


def test_an_answer_may_say_more_than_was_put() -> None:
    """An answer may have more than was put: Lambda adds an empty destination for successes."""
    wanted = {"DestinationConfig": {"OnFailure": {"Destination": "queue"}}}

    assert includes(
        {"DestinationConfig": {"OnSuccess": {}, "OnFailure": {"Destination": "queue"}}}, wanted
    )
    assert not includes({"DestinationConfig": {"OnSuccess": {}, "OnFailure": {}}}, wanted)
    assert not includes({}, wanted)


def permission(**what: Any) -> dict[str, Any]:
    """Describe a permission on the one port, but for what is said."""
    return {"IpProtocol": "tcp", "FromPort": PORT, "ToPort": PORT, **what}


@pytest.mark.parametrize(
    ("found", "open_to_us"),
    [
        (permission(UserIdGroupPairs=[{"GroupId": OURS}]), True),
        (permission(UserIdGroupPairs=[{"GroupId": "sg-theirs"}]), False),
        (permission(IpRanges=[{"CidrIp": "10.0.0.0/16"}]), True),
        (permission(IpRanges=[{"CidrIp": "10.0.1.7/32"}]), False),
        (permission(IpRanges=[{"CidrIp": "10.9.0.0/16"}]), False),
        (permission(Ipv6Ranges=[{"CidrIpv6": "::/0"}]), False),
        (permission(PrefixListIds=[{"PrefixListId": "pl-1"}]), True),
        (permission(UserIdGroupPairs=[{"GroupId": OURS}], FromPort=5000, ToPort=6000), True),
        (permission(UserIdGroupPairs=[{"GroupId": OURS}], FromPort=443, ToPort=443), False),
        (permission(UserIdGroupPairs=[{"GroupId": OURS}], IpProtocol="udp"), False),
        ({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, True),
    ],
)
def test_a_permission_is_open_to_a_group_or_to_the_whole_of_a_network(
    found: dict[str, Any], open_to_us: bool
) -> None:
    """A permission is open to a group or a network by TCP on the port in question.

    A network that holds only some of ours is not enough.
    """
    assert open_to_us is lets([found], PORT, groups=[OURS], networks=[NETWORK])
