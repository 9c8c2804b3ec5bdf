"""Security groups as they are described: whether one lets another through on a port."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from aurora_restore.documents import Described

ALL_PROTOCOLS: Final = "-1"
_TCP: Final = frozenset({"tcp", "6", ALL_PROTOCOLS})
Network = IPv4Network | IPv6Network


def lets(
    permissions: Iterable[Described],
    port: int,
    *,
    groups: Iterable[str],
    networks: Iterable[Network],
) -> bool:
    """Tell whether permissions (in or out) open a TCP port to one of these groups or networks.

    A prefix list counts as open: what is in it is not looked up.
    """
    wanted_groups, wanted_networks = {*groups}, list(networks)
    return any(
        wanted_groups & {pair.get("GroupId") for pair in permission.get("UserIdGroupPairs", [])}
        or permission.get("PrefixListIds")
        or any(
            _covers(network, wanted)
            for network in _networks(permission)
            for wanted in wanted_networks
        )
        for permission in permissions
        if _is_of_port(permission, port)
    )


def _is_of_port(permission: Described, port: int) -> bool:
    if permission["IpProtocol"] not in _TCP:
        return False
    everything = permission["IpProtocol"] == ALL_PROTOCOLS
    return everything or int(permission.get("FromPort", 0)) <= port <= int(
        permission.get("ToPort", 0)
    )


def _networks(permission: Described) -> Iterator[Network]:
    for each in permission.get("IpRanges", []):
        yield ip_network(each["CidrIp"], strict=False)
    for each in permission.get("Ipv6Ranges", []):
        yield ip_network(each["CidrIpv6"], strict=False)


def _covers(network: Network, wanted: Network) -> bool:
    if isinstance(network, IPv4Network) and isinstance(wanted, IPv4Network):
        return wanted.subnet_of(network)
    return (
        isinstance(network, IPv6Network)
        and isinstance(wanted, IPv6Network)
        and wanted.subnet_of(network)
    )
