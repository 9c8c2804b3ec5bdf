"""The network of `setup-db-users`, the one function in a VPC: to the database, and to AWS."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from aurora_restore.doctor.stage_plan import StagePlan, collect_refusals
from aurora_restore.doctor.stage_view import StageView
from aurora_restore.documents import Described
from aurora_restore.findings import Finding, failed, ok, warning
from chalicelib.aws.client import Service
from chalicelib.flow.choreography import IN_VPC

CALLED: Final = ("dynamodb", "events", "rds", "secretsmanager")
"""What the function calls from within the VPC. Its logs are Lambda's own business."""
HTTPS: Final = 443
CONFIGURE: Final = f"Set subnet_ids and security_group_ids of {IN_VPC} in .chalice/config.json"
INTERNET: Final = "0.0.0.0/0"
ALL_PROTOCOLS: Final = "-1"
_TCP: Final = frozenset({"tcp", "6", ALL_PROTOCOLS})
Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Place:
    """Where the function is put."""

    ec2: Service
    subnet_ids: tuple[str, ...]
    group_ids: tuple[str, ...]

    @classmethod
    def of(cls, view: StageView) -> "Place":
        """Read it from the stage's configuration."""
        subnets, groups = (
            view.stage.function_setting(IN_VPC, f"{what}_ids")
            for what in ("subnet", "security_group")
        )
        return cls(view.service("ec2"), tuple(subnets or ()), tuple(groups or ()))

    @cached_property
    def subnets(self) -> list[Described]:
        """Its subnets, as EC2 describes them."""
        return _subnets(self.ec2, self.subnet_ids)

    @cached_property
    def groups(self) -> list[Described]:
        """Its security groups."""
        return _groups(self.ec2, self.group_ids)

    @property
    def vpc(self) -> str:
        """Its VPC."""
        return str(self.subnets[0]["VpcId"])

    def may_reach(self, port: int, *, groups: list[str], networks: list[Network]) -> bool:
        """Tell whether its own groups let it out to others, or to networks."""
        return any(
            lets(group["IpPermissionsEgress"], port, groups=groups, networks=networks)
            for group in self.groups
        )

    def is_let_in(self, groups: list[Described], port: int) -> bool:
        """Tell whether others' groups let it in."""
        own = _networks(self.subnets)
        return any(
            lets(group["IpPermissions"], port, groups=self.group_ids, networks=own)
            for group in groups
        )


def _subnets(ec2: Service, ids: tuple[str, ...]) -> list[Described]:
    return ec2.pages("describe_subnets", "Subnets", SubnetIds=list(ids))


def _groups(ec2: Service, ids: tuple[str, ...]) -> list[Described]:
    return ec2.pages("describe_security_groups", "SecurityGroups", GroupIds=list(ids))


def _networks(subnets: list[Described]) -> list[Network]:
    return [ip_network(subnet["CidrBlock"]) for subnet in subnets if subnet.get("CidrBlock")]


def _unplaced(place: Place) -> Iterator[Finding]:
    if not place.subnet_ids or not place.group_ids:
        yield failed(
            f"{IN_VPC} is in no VPC, and the target answers nowhere else.", f"{CONFIGURE}."
        )


# --- to the database ---


def database_connectivity(view: StagePlan) -> Iterator[Finding]:
    """See that function and target let each other through, and that its authority is known."""
    yield from view.passes("certificate authority")
    place = Place.of(view.stage_view)
    if unplaced := list(_unplaced(place)):
        yield from unplaced
        return
    with collect_refusals() as refused:
        yield from _database_connectivity(view, place)
    yield from refused


def _database_connectivity(view: StagePlan, place: Place) -> Iterator[Finding]:
    plan, spec = view.plan, view.operation.target_spec
    name, port, groups = spec.db_subnet_group_name, spec.port, spec.security_group_ids
    rds = view.stage_view.service("rds", plan.target.region)
    group = rds.call("describe_db_subnet_groups", DBSubnetGroupName=name)["DBSubnetGroups"][0]
    ec2 = view.stage_view.service("ec2", plan.target.region)
    yield from _same_vpc(place, str(group["VpcId"]), name)
    where = _networks(
        _subnets(ec2, tuple(subnet["SubnetIdentifier"] for subnet in group["Subnets"]))
    )
    of_target, of_function = (
        ", ".join(groups),
        ", ".join(place.group_ids),
    )
    if not place.is_let_in(_groups(ec2, groups), port):
        yield failed(
            f"No security group of the target ({of_target}) lets {IN_VPC} in on port {port}.",
            f"aws ec2 authorize-security-group-ingress --region {plan.target.region} --protocol "
            f"tcp --port {port} --group-id {groups[0]} --source-group "
            f"{place.group_ids[0]}",
        )
    if not place.may_reach(port, groups=list(groups), networks=where):
        yield failed(
            f"No security group of {IN_VPC} ({of_function}) lets it out to the target on port "
            f"{port}.",
            f"aws ec2 authorize-security-group-egress --region {place.ec2.region} --protocol tcp "
            f"--port {port} --group-id {place.group_ids[0]} --source-group "
            f"{groups[0]}",
        )
    yield ok(f"{of_function} reaches {of_target} in {group['VpcId']} on port {port}.")


def _same_vpc(place: Place, vpc: str, name: str) -> Iterator[Finding]:
    vpcs = sorted({str(subnet["VpcId"]) for subnet in (*place.subnets, *place.groups)})
    if len(vpcs) > 1:
        yield failed(
            f"Subnets and security groups of {IN_VPC} are in different VPCs: {', '.join(vpcs)}.",
            f"{CONFIGURE}.",
        )
    elif vpcs != [vpc]:
        yield warning(
            f"{IN_VPC} is in {vpcs[0]}, and the subnet group {name} in {vpc}: are they joined?",
            f"{CONFIGURE} to what is in {vpc}, or join the two and have their routes lead to each "
            "other.",
        )


# --- to AWS ---


def aws_connectivity(view: StageView) -> Iterator[Finding]:
    """See that the function reaches the services it calls, through a NAT or endpoints."""
    place = Place.of(view)
    if unplaced := list(_unplaced(place)):
        yield from unplaced
        return
    with collect_refusals() as refused:
        yield from _aws_connectivity(view, place)
    yield from refused


def _aws_connectivity(view: StageView, place: Place) -> Iterator[Finding]:
    shut = [
        subnet["SubnetId"]
        for subnet in place.subnets
        if not _leads_out(_routes(place, str(subnet["SubnetId"])))
    ]
    if not shut:
        yield ok(f"{', '.join(place.subnet_ids)}: out through a default route.")
        return
    missing = [service for service in CALLED if not _has_endpoint(place, service)]
    if missing:
        region = view.stage.region
        yield warning(
            f"From {', '.join(shut)} no NAT leads out, and no endpoint of the VPC leads to "
            f"{', '.join(missing)}.",
            "Make endpoints of "
            f"{', '.join(f'com.amazonaws.{region}.{service}' for service in missing)} in "
            f"{place.vpc} that let {', '.join(place.group_ids)} in on port {HTTPS}, or a NAT "
            "gateway and a route to it.",
        )
    yield ok(f"{place.vpc} has endpoints of {', '.join(CALLED)}.")


def _routes(place: Place, subnet: str) -> Described:
    """Find the route table of a subnet: its own, or else the VPC's main one."""

    def having(name: str, value: str) -> list[Described]:
        filters = [{"Name": "vpc-id", "Values": [place.vpc]}, {"Name": name, "Values": [value]}]
        return place.ec2.pages("describe_route_tables", "RouteTables", Filters=filters)

    own = having("association.subnet-id", subnet) or having("association.main", "true")
    return own[0] if own else {"Routes": []}


def _leads_out(table: Described) -> bool:
    """Tell whether a default route leads out.

    An internet gateway does not: a function has no public address.
    """
    default = [route for route in table["Routes"] if route.get("DestinationCidrBlock") == INTERNET]
    return any(
        each.get("State", "active") == "active"
        and not str(each.get("GatewayId", "")).startswith("igw-")
        for each in default
    )


def _has_endpoint(place: Place, service: str) -> bool:
    filters = [
        {"Name": "vpc-id", "Values": [place.vpc]},
        {"Name": "service-name", "Values": [f"com.amazonaws.{place.ec2.region}.{service}"]},
    ]
    found = place.ec2.pages("describe_vpc_endpoints", "VpcEndpoints", Filters=filters)
    return any(
        _serves(place, each) for each in found if each.get("State", "").lower() == "available"
    )


def _serves(place: Place, endpoint: Described) -> bool:
    """Tell whether calls go through an endpoint: by routes, or by the service's own name."""
    if endpoint.get("VpcEndpointType") == "Gateway":
        tables = {_routes(place, subnet).get("RouteTableId") for subnet in place.subnet_ids}
        return tables <= {*endpoint.get("RouteTableIds", [])}
    groups = tuple(each["GroupId"] for each in endpoint.get("Groups", []))
    return bool(endpoint.get("PrivateDnsEnabled")) and place.is_let_in(
        _groups(place.ec2, groups), HTTPS
    )


# --- what a security group opens ---


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
            for network in _opened_networks(permission)
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


def _opened_networks(permission: Described) -> Iterator[Network]:
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
