"""What Lambda itself does with a function's role: logs, destinations, network interfaces."""

from typing import Final

from localaws.iam.permission_request import PermissionRequest

# These know no resources (Lambda developer guide).
_ON_ALL: Final = ("DescribeNetworkInterfaces", "DescribeSubnets")
_ON_INTERFACES: Final = (
    "DeleteNetworkInterface",
    "AssignPrivateIpAddresses",
    "UnassignPrivateIpAddresses",
)
_DELIVERING: Final = {
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "lambda": "lambda:InvokeFunction",
}


def logging(function: str, stream: str) -> list[PermissionRequest]:
    """Ask for the log stream of a worker of a function (ARN).

    The group is there already, made with the function.
    """
    _, _, _, region, account, _, name = function.split(":")[:7]
    log = f"arn:aws:logs:{region}:{account}:log-group:/aws/lambda/{name}:log-stream:{stream}"
    return [
        PermissionRequest(f"logs:{action}", log, {"aws:RequestedRegion": region})
        for action in ("CreateLogStream", "PutLogEvents")
    ]


def delivering(destination: str) -> list[PermissionRequest]:
    """Ask for the destination (ARN) of what a function's queued invocations end with."""
    service, region = destination.split(":")[2:4]
    of_bus = {"events:source": "lambda"} if service == "events" else {}
    action = _DELIVERING.get(service, "events:PutEvents")
    return [PermissionRequest(action, destination, {"aws:RequestedRegion": region, **of_bus})]


def placing(function: str, subnets: list[str], groups: list[str]) -> list[PermissionRequest]:
    """Request the network interfaces that Lambda makes for a function (ARN) in a VPC."""
    _, _, _, region, account = function.split(":")[:5]
    here = {"aws:RequestedRegion": region}
    of_ec2 = f"arn:aws:ec2:{region}:{account}"
    interfaces = f"{of_ec2}:network-interface/*"
    # CreateNetworkInterface has to be allowed on all that the interface is made of, too.
    made_of = [
        interfaces,
        *(f"{of_ec2}:subnet/{subnet}" for subnet in subnets),
        *(f"{of_ec2}:security-group/{group}" for group in groups),
    ]
    return [
        *(PermissionRequest("ec2:CreateNetworkInterface", part, here) for part in made_of),
        *(PermissionRequest(f"ec2:{action}", interfaces, here) for action in _ON_INTERFACES),
        *(PermissionRequest(f"ec2:{action}", "*", here) for action in _ON_ALL),
    ]
