"""What the model of Aurora asks the rest of AWS: which KMS keys and which security groups there are."""

from typing import Final

from moto.ec2.models import ec2_backends
from moto.kms.models import Key as StoredKey
from moto.kms.models import kms_backends

from localaws.aurora import Key

RDS_ALIAS: Final = "alias/aws/rds"
ENABLED: Final = "Enabled"


def find_key(account: str, region: str, reference: str) -> Key | None:
    """Find a key by id, ARN or alias; None when there is none. `aws/rds` comes with its first use."""
    name = reference
    if reference.startswith("arn:"):
        _, _, _, region, account, name = reference.split(":", 5)
        name = name.removeprefix("key/")
    backend = kms_backends[account][region]
    key_id = backend.get_key_id_from_alias(name) if name.startswith("alias/") else name
    stored = backend.keys.get(key_id or "")
    return None if stored is None else _key_of(stored)


def _key_of(stored: StoredKey) -> Key:
    is_enabled = stored.enabled and stored.key_state == ENABLED
    return Key(stored.arn, enabled=is_enabled, manager="AWS" if RDS_ALIAS in stored.aliases else "CUSTOMER")


def default_vpc(account: str, region: str) -> str:
    """Name the default VPC of an account's region."""
    vpcs = ec2_backends[account][region].describe_vpcs(filters={"is-default": "true"})
    return str(vpcs[0].id)


def has_security_group(account: str, region: str, group_id: str) -> bool:
    """Tell whether a security group exists."""
    return ec2_backends[account][region].get_security_group_from_id(group_id) is not None
