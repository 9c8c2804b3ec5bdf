"""What the models of Aurora and IAM ask the rest of AWS for: keys, networks, secrets, topics."""

from typing import Final

from moto.ec2.models import ec2_backends
from moto.kms.models import Key as StoredKey
from moto.kms.models import kms_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sns.models import sns_backends

from localaws.aurora import Key, Network
from localaws.iam import EncryptedSecret
from localaws.iam.roles import role_of

AWS_ALIASES: Final = "alias/aws/"
ENABLED: Final = "Enabled"
_ARN_PARTS: Final = 6


def find_key(account: str, region: str, reference: str) -> Key | None:
    """Find a key by id, ARN or alias; None when there is none.

    `aws/rds` comes with its first use.
    """
    name = reference
    if reference.startswith("arn:"):
        parts = reference.split(":", 5)
        if len(parts) < _ARN_PARTS:
            return None
        region, account, name = parts[3], parts[4], parts[5].removeprefix("key/")
    if region not in kms_backends[account]:
        return None
    backend = kms_backends[account][region]
    key_id = backend.get_key_id_from_alias(name) if name.startswith("alias/") else name
    stored = backend.keys.get(key_id or "")
    return None if stored is None else _key_of(stored)


def _key_of(stored: StoredKey) -> Key:
    is_enabled = stored.enabled and stored.key_state == ENABLED
    is_of_aws = any(alias.startswith(AWS_ALIASES) for alias in stored.aliases)
    return Key(stored.arn, enabled=is_enabled, manager="AWS" if is_of_aws else "CUSTOMER")


def default_network(account: str, region: str) -> Network:
    """Describe the default VPC of an account's region, with its security group and subnets."""
    ec2 = ec2_backends[account][region]
    vpc = str(ec2.describe_vpcs(filters={"is-default": "true"})[0].id)
    (group,) = ec2.describe_security_groups(filters={"vpc-id": [vpc], "group-name": ["default"]})
    subnets = ec2.describe_subnets(filters={"vpc-id": vpc})
    zones = {str(subnet.id): str(subnet.availability_zone) for subnet in subnets}
    return Network(vpc, str(group.id), dict(sorted(zones.items(), key=lambda item: item[1])))


def network_problem(account: str, region: str, subnets: list[str], groups: list[str]) -> str | None:
    """Say what is wrong with a function's network, as Lambda does.

    None when it can be placed there.

    Every subnet and security group must exist, and all must be of one VPC.
    """
    backend = ec2_backends[account][region]
    known = backend.subnets  # by availability zone, and there by id
    of_subnets = {
        subnet: next((zone[subnet].vpc_id for zone in known.values() if subnet in zone), None)
        for subnet in subnets
    }
    of_groups = {
        group: getattr(backend.get_security_group_from_id(group), "vpc_id", None)
        for group in groups
    }
    for what, found, action, code in (
        ("subnet ID", of_subnets, "DescribeSubnets", "InvalidSubnetID.NotFound"),
        ("security group", of_groups, "DescribeSecurityGroups", "InvalidGroup.NotFound"),
    ):
        for missing in (name for name, vpc in found.items() if vpc is None):
            said = (
                f"EC2 Error Code: {code}. EC2 Error Message: The {what} '{missing}' does not exist"
            )
            return f"Error occurred while {action}. {said}"
    if len({*of_subnets.values(), *of_groups.values()}) > 1:
        return "Security Groups are required to be in the same VPC."
    return None


def has_security_group(account: str, region: str, group_id: str) -> bool:
    """Tell whether a security group exists."""
    return ec2_backends[account][region].get_security_group_from_id(group_id) is not None


def has_role(arn: str) -> bool:
    """Tell whether an IAM role exists."""
    return role_of(arn) is not None


def find_secret(account: str, region: str, reference: str) -> EncryptedSecret | None:
    """Find a secret by name or ARN, with its key if that is not the account's own."""
    secrets = secretsmanager_backends[account][region].secrets
    if reference not in secrets:
        return None
    found = secrets[reference]
    return EncryptedSecret(found.arn, getattr(found, "kms_key_id", None))


def key_of_topic(arn: str) -> str | None:
    """Name the key that a topic is encrypted under; None where it is not, or not there."""
    _, _, _, region, account, _ = arn.split(":", 5)
    topic = sns_backends[account][region].topics.get(arn)
    return (topic.kms_master_key_id or None) if topic else None
